//! `CREATE POLICY`.

use std::fmt::Write as _;

use lakewarden_catalog::model::{FullName, PrincipalName, SecurableKind};
use lakewarden_engine::statement::{CreatePolicy, MatchColumns, PolicyArgument, Statement, TagCondition};
use lakewarden_proto::v1;
use tonic::Status;

use super::{MAX_ITEMS, Made, arguments, commenting, ident, joined, not_as_asked, parse, parts, quoted_name};
use crate::convert::records::checked_comment;
use crate::convert::{Faults, grants};

/// What a request asks for, once each piece reads by itself.
struct Asked {
    name: String,
    on: (SecurableKind, FullName),
    function: FullName,
    to: Vec<String>,
    except: Vec<String>,
    when: Option<TagCondition>,
    matches: Vec<MatchColumns>,
    using: Vec<PolicyArgument>,
}

/// Makes the statement of a request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn create_policy(request: &v1::CreatePolicyRequest) -> Result<Made, Status> {
    let mut faults = Faults::new();
    let Some(policy) = &request.policy else {
        faults.add("policy", "is required");
        return faults.finish(None);
    };
    let asked = asked(policy, &mut faults);
    let asked = faults.finish(asked)?;
    let sql = text(policy, &asked, request.or_replace);
    match parse(&sql) {
        Ok(Statement::CreatePolicy(made)) if is_as_asked(&made, policy, &asked, request.or_replace) => {
            Ok(Made { name: asked.on.1, sql })
        }
        other => Err(not_as_asked(other)),
    }
}

fn asked(policy: &v1::Policy, faults: &mut Faults) -> Option<Asked> {
    let name = faults.name("policy.name", &policy.name);
    let on = policy_target(policy.securable.as_ref(), "policy.securable", faults);
    let function = faults.full_name("policy.function", &policy.function, 3);
    checked_comment(&policy.comment, faults);
    check_kind(policy, faults);
    if policy.to.is_empty() {
        faults.add("policy.to", "names at least one principal");
    }
    let (to, except) =
        (principals("policy.to", &policy.to, faults), principals("policy.except", &policy.except, faults));
    let when = match policy.when.as_str() {
        "" => Some(None),
        text => condition("policy.when", text, faults).map(Some),
    };
    let matches = matches(&policy.match_columns, faults);
    let using = arguments("policy.using_columns", &policy.using_columns, faults);
    Some(Asked {
        name: name?.to_string(),
        on: on?,
        function: function?,
        to: to?,
        except: except?,
        when: when?,
        matches: matches?,
        using: using?,
    })
}

/// The catalog, schema or table of a policy.
pub fn policy_target(
    named: Option<&v1::SecurableRef>,
    field: &str,
    faults: &mut Faults,
) -> Option<(SecurableKind, FullName)> {
    let found = grants::securable(named, faults)?;
    if matches!(found.0, SecurableKind::Catalog | SecurableKind::Schema | SecurableKind::Table) {
        return Some(found);
    }
    faults
        .add(format!("{field}.kind"), format!("is a {}: policies are on catalogs, schemas and tables", found.0.noun()));
    None
}

fn check_kind(policy: &v1::Policy, faults: &mut Faults) {
    match (policy.kind(), policy.on_column.is_empty()) {
        (v1::PolicyKind::Unspecified, _) => faults.add("policy.kind", "is required: a row filter or a column mask"),
        (v1::PolicyKind::RowFilter, false) => faults.add("policy.on_column", "belongs to a column mask"),
        (v1::PolicyKind::ColumnMask, true) => {
            faults.add("policy.on_column", "is required for a column mask: an alias of match_columns");
        }
        _ => {}
    }
}

fn principals(field: &str, names: &[String], faults: &mut Faults) -> Option<Vec<String>> {
    if names.len() > MAX_ITEMS {
        faults.add(field, format!("holds {} principals, the most is {MAX_ITEMS}", names.len()));
        return None;
    }
    let each = names.iter().enumerate().map(|(at, name)| faults.principal(&format!("{field}[{at}]"), name));
    let read: Vec<Option<PrincipalName>> = each.collect();
    read.into_iter().map(|name| name.map(|name| name.to_string())).collect()
}

fn matches(given: &[v1::ColumnMatch], faults: &mut Faults) -> Option<Vec<MatchColumns>> {
    if given.len() > MAX_ITEMS {
        faults.add("policy.match_columns", format!("holds {} conditions, the most is {MAX_ITEMS}", given.len()));
        return None;
    }
    let mut read = Vec::with_capacity(given.len());
    for (at, one) in given.iter().enumerate() {
        let field = format!("policy.match_columns[{at}].condition");
        let condition = faults.required(&field, &one.condition).and_then(|text| condition(&field, text, faults));
        let alias = (!one.alias.is_empty()).then(|| one.alias.clone());
        read.push(condition.map(|condition| MatchColumns { condition, alias }));
    }
    read.into_iter().collect()
}

/// A condition on tags, when the text is one and nothing else.
fn condition(field: &str, text: &str, faults: &mut Faults) -> Option<TagCondition> {
    let parsed = parse(&format!("CREATE POLICY p ON CATALOG c ROW FILTER f TO u FOR TABLES WHEN {text}\n"));
    let what = match parsed {
        Ok(Statement::CreatePolicy(alone)) if alone.matches.is_empty() && alone.using.is_empty() => match alone.when {
            Some(condition) => return Some(condition),
            None => "is no condition".to_owned(),
        },
        Ok(_) => "goes on behind the condition".to_owned(),
        Err(error) => error.to_string(),
    };
    let example = "write it as hasTag('key') or hasTagValue('key', 'value'), with AND, OR and NOT";
    faults.add(field, format!("`{}` is no condition ({what}): {example}", text.escape_debug()));
    None
}

fn text(policy: &v1::Policy, asked: &Asked, or_replace: bool) -> String {
    let list = |names: &[String]| names.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ");
    let replacing = if or_replace { "OR REPLACE " } else { "" };
    let what = if policy.kind() == v1::PolicyKind::ColumnMask { "COLUMN MASK" } else { "ROW FILTER" };
    let mut sql = format!(
        "CREATE {replacing}POLICY {} ON {} {}{} {what} {} TO {}",
        ident(&asked.name),
        asked.on.0,
        quoted_name(&asked.on.1),
        commenting(&policy.comment),
        quoted_name(&asked.function),
        list(&asked.to),
    );
    if !asked.except.is_empty() {
        let _ = write!(sql, " EXCEPT {}", list(&asked.except));
    }
    sql.push_str(" FOR TABLES");
    if asked.when.is_some() {
        let _ = writeln!(sql, " WHEN {}", policy.when);
    }
    let matched = |one: &v1::ColumnMatch| match one.alias.as_str() {
        "" => format!("{}\n", one.condition),
        alias => format!("{}\n AS {}", one.condition, ident(alias)),
    };
    if !policy.match_columns.is_empty() {
        let all: Vec<String> = policy.match_columns.iter().map(matched).collect();
        let _ = write!(sql, " MATCH COLUMNS {}", all.join(", "));
    }
    if !policy.on_column.is_empty() {
        let _ = write!(sql, " ON COLUMN {}", ident(&policy.on_column));
    }
    if !asked.using.is_empty() {
        let _ = write!(sql, " USING COLUMNS ({})", joined(&asked.using));
    }
    sql
}

fn is_as_asked(made: &CreatePolicy, policy: &v1::Policy, asked: &Asked, or_replace: bool) -> bool {
    made.name == asked.name
        && made.or_replace == or_replace
        && !made.if_not_exists
        && made.on.column.is_none()
        && made.on.name.parts == parts(&asked.on.1)
        && made.comment.as_deref().unwrap_or_default() == policy.comment
        && made.function.parts == parts(&asked.function)
        && made.on_column.as_deref().unwrap_or_default() == policy.on_column
        && made.to == asked.to
        && made.except == asked.except
        && made.when == asked.when
        && made.matches == asked.matches
        && made.using == asked.using
}

//! `policy`.

use lakewarden_proto::v1::policy_argument::Argument;
use lakewarden_proto::v1::{
    ColumnMask, ColumnMatch, CreatePolicyRequest, DeletePolicyRequest, DropColumnMaskRequest, DropRowFilterRequest,
    GetPolicyRequest, GetTablePoliciesRequest, ListPoliciesRequest, Policy, PolicyArgument, PolicyKind, RowFilter,
    SecurableRef, SetColumnMaskRequest, SetRowFilterRequest, TablePolicies,
};

use super::{Context, confirm, records};
use crate::args::{
    MaskCommand, MaskDropArgs, On, PolicyCommand, PolicyCreateArgs, PolicyDeleteArgs, RowFilterCommand,
    RowFilterDropArgs,
};
use crate::error::CliError;
use crate::names;

/// Runs the command, and shows the policies of the table as they are then.
///
/// # Errors
/// Those of the server.
pub async fn run(command: PolicyCommand, context: &mut Context) -> Result<(), CliError> {
    let policies = match command {
        PolicyCommand::Show { table } => {
            context.client.policies().get_table_policies(GetTablePoliciesRequest { table }).await?.into_inner()
        }
        PolicyCommand::RowFilter(RowFilterCommand::Set(args)) => {
            let row_filter = RowFilter { function: args.function, arguments: arguments(&args.on) };
            let request = SetRowFilterRequest { table: args.table, row_filter: Some(row_filter), etag: args.etag };
            context.client.policies().set_row_filter(request).await?.into_inner()
        }
        PolicyCommand::Mask(MaskCommand::Set(args)) => {
            let mask = ColumnMask { function: args.function, using_columns: arguments(&args.using) };
            let (column, field_path) = column_and_field(&args.column, &args.field);
            let request =
                SetColumnMaskRequest { table: args.table, column, mask: Some(mask), etag: args.etag, field_path };
            context.client.policies().set_column_mask(request).await?.into_inner()
        }
        PolicyCommand::RowFilter(RowFilterCommand::Drop(args)) => drop_filter(args, context).await?,
        PolicyCommand::Mask(MaskCommand::Drop(args)) => drop_mask(args, context).await?,
        PolicyCommand::Create(args) => return create(args, context).await,
        PolicyCommand::Get(args) => {
            let request = GetPolicyRequest { securable: on(&args.on)?, name: names::unquote(&args.name) };
            let found = context.client.policies().get_policy(request).await?.into_inner();
            return context.out.record(&records::tag_policy(found));
        }
        PolicyCommand::List(args) => {
            let request = ListPoliciesRequest { securable: on(&args.on)?, effective: args.effective };
            let found = context.client.policies().list_policies(request).await?.into_inner().policies;
            let records: Vec<_> = found.into_iter().map(records::tag_policy).collect();
            return context.out.list("policy", &records, records::TAG_POLICY_FIELDS);
        }
        PolicyCommand::Delete(args) => return delete(args, context).await,
    };
    context.out.list("policy", &records::policies(policies), records::POLICY_FIELDS)
}

fn on(words: &[String]) -> Result<Option<SecurableRef>, CliError> {
    On::parse(words).map(Some).map_err(CliError::Usage)
}

async fn create(args: PolicyCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let kind = if args.mask.is_some() { PolicyKind::ColumnMask } else { PolicyKind::RowFilter };
    let policy = Policy {
        name: names::unquote(&args.policy.name),
        securable: on(&args.policy.on)?,
        kind: kind.into(),
        comment: args.comment,
        function: args.mask.or(args.row_filter).unwrap_or_default(),
        to: args.to,
        except: args.except,
        when: args.when,
        match_columns: args.matches.iter().map(|text| column_match(text)).collect(),
        on_column: args.on_column.map(|alias| names::unquote(&alias)).unwrap_or_default(),
        using_columns: arguments(&args.using),
        ..Policy::default()
    };
    let request = CreatePolicyRequest { policy: Some(policy), or_replace: args.or_replace };
    let created = context.client.policies().create_policy(request).await?.into_inner();
    context.out.record(&records::tag_policy(created))
}

/// Reads `CONDITION [AS ALIAS]`: the alias is the last word, behind `AS`. Texts in a condition end in a quote.
fn column_match(text: &str) -> ColumnMatch {
    let words = text.trim_end().rsplit_once(char::is_whitespace);
    let split = words.and_then(|(rest, alias)| {
        let (condition, word) = rest.trim_end().rsplit_once(char::is_whitespace)?;
        let is_alias = word.eq_ignore_ascii_case("as") && !alias.contains(['\'', '"', '(', ')']);
        is_alias.then(|| (condition, names::unquote(alias)))
    });
    match split {
        Some((condition, alias)) => ColumnMatch { condition: condition.to_owned(), alias },
        None => ColumnMatch { condition: text.to_owned(), alias: String::new() },
    }
}

async fn delete(args: PolicyDeleteArgs, context: &mut Context) -> Result<(), CliError> {
    let (name, on_words) = (args.policy.name, args.policy.on);
    let shown = on_words.join(" ");
    confirm(&format!("drop policy `{name}` on {shown}, so that it binds nobody"), args.yes)?;
    let request = DeletePolicyRequest { securable: on(&on_words)?, name: names::unquote(&name) };
    context.client.policies().delete_policy(request).await?;
    context.out.message(&format!("deleted policy `{name}` on {shown}"));
    Ok(())
}

async fn drop_filter(args: RowFilterDropArgs, context: &Context) -> Result<TablePolicies, CliError> {
    confirm(&format!("drop the row filter of `{}`, so that all its rows can be read", args.table), args.yes)?;
    let request = DropRowFilterRequest { table: args.table, etag: args.etag };
    Ok(context.client.policies().drop_row_filter(request).await?.into_inner())
}

async fn drop_mask(args: MaskDropArgs, context: &Context) -> Result<TablePolicies, CliError> {
    confirm(
        &format!("drop the mask of `{}` in `{}`, so that its values can be read", args.column, args.table),
        args.yes,
    )?;
    let (column, field_path) = column_and_field(&args.column, &args.field);
    let request = DropColumnMaskRequest { table: args.table, column, etag: args.etag, field_path };
    Ok(context.client.policies().drop_column_mask(request).await?.into_inner())
}

fn column_and_field(column: &str, field: &[String]) -> (String, Vec<String>) {
    (names::unquote(column), field.iter().map(|part| names::unquote(part)).collect())
}

fn arguments(texts: &[String]) -> Vec<PolicyArgument> {
    texts.iter().map(|text| PolicyArgument { argument: Some(argument(text)) }).collect()
}

/// A constant is what SQL reads as one: quoted text, a number, TRUE, FALSE or NULL. Anything else names a column.
fn argument(text: &str) -> Argument {
    let text = text.trim();
    let word = ["true", "false", "null"].iter().any(|w| text.eq_ignore_ascii_case(w));
    let number = text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if word || number || text.starts_with(['\'', '"']) {
        Argument::Literal(text.to_owned())
    } else {
        Argument::Column(names::unquote(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("'EMEA'")]
    #[case("42")]
    #[case("-1.5")]
    #[case("TRUE")]
    #[case("null")]
    fn what_sql_reads_as_a_constant_is_one(#[case] text: &str) {
        assert_eq!(argument(text), Argument::Literal(text.to_owned()));
    }

    #[rstest]
    #[case("hasTag('pii') AS p", "hasTag('pii')", "p")]
    #[case("hasTag('a') or hasTagValue('b', 'x as y') as  P", "hasTag('a') or hasTagValue('b', 'x as y')", "P")]
    #[case("hasTag('a') as `p`", "hasTag('a')", "p")]
    #[case("hasTagValue('b', 'x as y')", "hasTagValue('b', 'x as y')", "")]
    #[case("hasTag('as')", "hasTag('as')", "")]
    fn an_alias_is_the_last_word_behind_as(#[case] text: &str, #[case] condition: &str, #[case] alias: &str) {
        let read = column_match(text);
        assert_eq!((read.condition.as_str(), read.alias.as_str()), (condition, alias));
    }

    #[rstest]
    #[case("region", "region")]
    #[case("`true`", "true")]
    #[case("`a``b`", "a`b")]
    #[case("nullable", "nullable")]
    fn anything_else_is_a_column(#[case] text: &str, #[case] column: &str) {
        assert_eq!(argument(text), Argument::Column(column.to_owned()));
    }
}

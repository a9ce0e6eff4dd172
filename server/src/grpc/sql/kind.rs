//! What a statement is, in its own leading words.

use lakewarden_engine::statement::{GrantVerb, ObjectKind, ParseLimits, PrincipalKind, Statement, parse_one};

/// The leading words of a statement, upper case; empty for a text that is none, which running it says.
pub(super) fn words(text: &str, limits: &ParseLimits) -> String {
    parse_one(text, limits).map(|statement| of(&statement)).unwrap_or_default()
}

fn of(statement: &Statement) -> String {
    let words = match statement {
        Statement::Query(_) => "SELECT",
        Statement::Explain(_) => "EXPLAIN",
        Statement::Use(_) => "USE",
        Statement::CreateCatalog(_) => "CREATE CATALOG",
        Statement::CreateSchema(_) => "CREATE SCHEMA",
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateFunction(_) => "CREATE FUNCTION",
        Statement::CreateVolume(_) => "CREATE VOLUME",
        Statement::CreateExternalLocation(_) => "CREATE EXTERNAL LOCATION",
        Statement::CreateStorageCredential(_) => "CREATE STORAGE CREDENTIAL",
        Statement::Insert(_) => "INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Delete(_) => "DELETE",
        Statement::Merge(_) => "MERGE",
        Statement::Drop(drop) => return with_kind("DROP", drop.kind),
        Statement::Alter(alter) => return with_kind("ALTER", alter.kind),
        Statement::CommentOn(_) => "COMMENT",
        Statement::Grant(grant) => match grant.verb {
            GrantVerb::Grant => "GRANT",
            GrantVerb::Revoke => "REVOKE",
            GrantVerb::Deny => "DENY",
        },
        Statement::ShowGrants(show) if show.effective => "SHOW EFFECTIVE GRANTS",
        Statement::ShowGrants(_) => "SHOW GRANTS",
        Statement::ExplainAccess(_) => "EXPLAIN ACCESS",
        Statement::Show(_) | Statement::ShowPolicies(_) | Statement::ShowTags(_) => "SHOW",
        Statement::CreatePolicy(_) => "CREATE POLICY",
        Statement::DropPolicy(_) => "DROP POLICY",
        Statement::CreateTag(_) => "CREATE TAG",
        Statement::Describe(_) | Statement::DescribeLog(_) | Statement::DescribePolicy(_) => "DESCRIBE",
        Statement::ListFiles(_) => "LIST",
        Statement::CreatePrincipal(create) => return with_principal("CREATE", create.kind),
        Statement::AlterPrincipal(alter) => return with_principal("ALTER", alter.kind),
        Statement::DropPrincipal(drop) => return with_principal("DROP", drop.kind),
        Statement::Unsupported { .. } => "",
    };
    words.to_owned()
}

fn with_kind(verb: &str, kind: ObjectKind) -> String {
    format!("{verb} {}", kind.word().to_uppercase())
}

fn with_principal(verb: &str, kind: PrincipalKind) -> String {
    let words = match kind {
        PrincipalKind::User => "USER",
        PrincipalKind::Group => "GROUP",
        PrincipalKind::ServicePrincipal => "SERVICE PRINCIPAL",
    };
    format!("{verb} {words}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("-- a comment\n select 1", "SELECT")]
    #[case("with x as (select 1) select * from x;", "SELECT")]
    #[case("use main.sales", "USE")]
    #[case("drop schema main.sales", "DROP SCHEMA")]
    #[case("revoke select on table t from bob", "REVOKE")]
    #[case("create group analysts", "CREATE GROUP")]
    #[case("alter table t drop row filter", "ALTER TABLE")]
    #[case("show grants on table t", "SHOW GRANTS")]
    #[case("show effective grants on table t", "SHOW EFFECTIVE GRANTS")]
    #[case("explain access select on table t", "EXPLAIN ACCESS")]
    #[case("set tag on table t pii", "ALTER TABLE")]
    #[case("drop policy p on schema s", "DROP POLICY")]
    #[case("not sql", "")]
    #[case("", "")]
    fn statements_are_known_by_their_words(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(words(text, &ParseLimits::default()), expected);
    }
}

use rstest::rstest;

use super::*;

fn created(sql: &str) -> CreatePolicy {
    let Statement::CreatePolicy(policy) = parse(sql) else { panic!("{sql} is no CREATE POLICY") };
    *policy
}

fn on(kind: ObjectKind, text: &str) -> Target {
    Target { kind, name: name(text), column: None }
}

fn has(key: &str) -> TagCondition {
    TagCondition::HasTag(key.to_owned())
}

fn has_value(key: &str, value: &str) -> TagCondition {
    TagCondition::HasTagValue(key.to_owned(), value.to_owned())
}

#[test]
fn a_row_filter_with_every_clause() {
    let policy = created(
        "CREATE OR REPLACE POLICY `p 1` ON CATALOG c COMMENT 'why' ROW FILTER a.b.f \
         TO `account users`, ann@example.com EXCEPT admins, 'x y' FOR TABLES \
         WHEN hasTag('a') AND NOT has_tag_value('b', 'c') \
         MATCH COLUMNS hasTagValue('geo', 'region') AS region, hasTag('x') OR hasTag('y') z \
         USING COLUMNS (region, 'EU', z, 3)",
    );
    assert!(policy.or_replace && !policy.if_not_exists);
    assert_eq!((policy.name.as_str(), policy.on), ("p 1", on(ObjectKind::Catalog, "c")));
    assert_eq!((policy.comment.as_deref(), policy.function), (Some("why"), name("a.b.f")));
    assert_eq!(policy.to, ["account users", "ann@example.com"]);
    assert_eq!(policy.except, ["admins", "x y"]);
    let when = TagCondition::And(vec![has("a"), TagCondition::Not(Box::new(has_value("b", "c")))]);
    assert_eq!(policy.when, Some(when));
    let either = TagCondition::Or(vec![has("x"), has("y")]);
    let matches = [
        MatchColumns { condition: has_value("geo", "region"), alias: Some("region".to_owned()) },
        MatchColumns { condition: either, alias: Some("z".to_owned()) },
    ];
    assert_eq!(policy.matches, matches);
    assert_eq!(policy.on_column, None);
    let using: Vec<String> = policy.using.iter().map(ToString::to_string).collect();
    assert_eq!(using, ["region", "'EU'", "z", "3"]);
}

#[test]
fn the_shortest_ones() {
    let filter = created("create policy p on schema c.s row filter f to ann for tables");
    assert_eq!((filter.on, filter.on_column, filter.when), (on(ObjectKind::Schema, "c.s"), None, None));
    assert!(filter.matches.is_empty() && filter.using.is_empty() && filter.except.is_empty());
    let mask = created(
        "CREATE POLICY IF NOT EXISTS p ON TABLE t COLUMN MASK f TO ann FOR TABLES MATCH COLUMNS hasTag('x') m ON COLUMN m",
    );
    assert!(mask.if_not_exists);
    assert_eq!(mask.on_column.as_deref(), Some("m"));
    let unnamed = created("CREATE POLICY p ON TABLE t ROW FILTER f TO ann FOR TABLES MATCH COLUMNS hasTag('x')");
    assert_eq!(unnamed.matches, [MatchColumns { condition: has("x"), alias: None }]);
}

#[test]
fn policies_are_named_with_what_they_are_on() {
    let policy = || PolicyRef { name: "p".to_owned(), on: on(ObjectKind::Schema, "c.s") };
    assert_eq!(
        parse("DROP POLICY p ON SCHEMA c.s"),
        Statement::DropPolicy(DropPolicy { if_exists: false, policy: policy() })
    );
    assert_eq!(
        parse("DROP POLICY IF EXISTS p ON DATABASE c.s"),
        Statement::DropPolicy(DropPolicy { if_exists: true, policy: policy() })
    );
    assert_eq!(parse("DESC POLICY p ON SCHEMA c.s"), Statement::DescribePolicy(policy()));
    let shown = |effective, on| Statement::ShowPolicies(ShowPolicies { effective, on });
    assert_eq!(parse("SHOW POLICIES ON TABLE t"), shown(false, on(ObjectKind::Table, "t")));
    assert_eq!(parse("SHOW EFFECTIVE POLICIES ON CATALOG c"), shown(true, on(ObjectKind::Catalog, "c")));
    assert!(matches!(parse("DESCRIBE policy"), Statement::Describe(_)), "a table may be called so");
}

#[rstest]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR VIEWS")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f FOR TABLES")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER TO a FOR TABLES")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f(x) TO a FOR TABLES")]
#[case("CREATE POLICY p ON TABLE t TO a FOR TABLES")]
#[case("CREATE POLICY p TABLE t ROW FILTER f TO a FOR TABLES")]
#[case("CREATE POLICY p.q ON TABLE t ROW FILTER f TO a FOR TABLES")]
#[case("CREATE POLICY p ON TABLE t COLUMN MASK f TO a FOR TABLES MATCH COLUMNS hasTag('x') AS m")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES MATCH COLUMNS hasTag('x') AS m ON COLUMN m")]
#[case("CREATE OR REPLACE POLICY IF NOT EXISTS p ON TABLE t ROW FILTER f TO a FOR TABLES")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN TRUE")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN hasTag(x)")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN hasTag('x', 'y')")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN hasTagValue('x')")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN hasTag('x') = TRUE")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN (hasTag('x')")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN hasTag('x') AND")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN 1 = 1")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN (SELECT TRUE)")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN is_member('x')")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES USING COLUMNS (a.b)")]
#[case("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES extra")]
#[case("DROP POLICY p")]
#[case("DESCRIBE POLICY p")]
#[case("SHOW POLICIES")]
#[case("SHOW EFFECTIVE POLICIES ON")]
fn broken_policies_are_errors(#[case] sql: &str) {
    assert_eq!(error(sql).kind, ParseErrorKind::Syntax, "{}", error(sql));
}

#[test]
fn conditions_are_bounded() {
    let deep = |open: &str, close: &str, times: usize| {
        let (open, close) = (open.repeat(times), close.repeat(times));
        format!("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN {open}hasTag('x'){close}")
    };
    for (open, close) in [("(", ")"), ("NOT ", ""), ("NOT (", ")"), ("hasTag('y') AND (", ")")] {
        assert!(created(&deep(open, close, 8)).when.is_some());
        assert_eq!(error(&deep(open, close, 40)).kind, ParseErrorKind::Limit);
    }
    assert_eq!(error(&deep("NOT ", "", 1_900)).kind, ParseErrorKind::Limit);
    let wide = " OR hasTag('x')".repeat(500);
    assert!(created(&deep("", &wide, 1)).when.is_some());
}

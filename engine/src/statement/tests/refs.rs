use rstest::rstest;

use super::*;

fn refs(sql: &str) -> QueryRefs {
    let query = parse_query(sql, &ParseLimits::default()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    QueryRefs::of_query(&query)
}

fn tables(sql: &str) -> Vec<String> {
    refs(sql).tables.iter().map(ToString::to_string).collect()
}

#[rstest]
#[case("SELECT 1", "")]
#[case("SELECT * FROM a, b.c JOIN d.e.f ON true", "a b.c d.e.f")]
#[case("SELECT * FROM a JOIN (b JOIN c ON true) ON true", "a b c")]
#[case("SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (SELECT 1 FROM c) AND x IN (SELECT y FROM d)", "b a c d")]
#[case("SELECT * FROM a UNION ALL SELECT * FROM b EXCEPT SELECT * FROM c", "a b c")]
#[case("SELECT * FROM (SELECT * FROM a) x, LATERAL (SELECT * FROM b) y", "a b")]
#[case("SELECT sum(x) FILTER (WHERE y > (SELECT 1 FROM a)) OVER (ORDER BY (SELECT 1 FROM b)) FROM c", "c a b")]
#[case("SELECT * FROM a ORDER BY (SELECT 1 FROM b) LIMIT (SELECT 1 FROM c)", "a b c")]
#[case("SELECT CASE WHEN 1 = (SELECT 1 FROM a) THEN f((SELECT 1 FROM b)) END", "a b")]
#[case("SELECT * FROM a GROUP BY x HAVING count(*) > (SELECT 1 FROM b) QUALIFY 1 = (SELECT 1 FROM c)", "a b c")]
#[case("SELECT * FROM a JOIN b ON a.x = (SELECT 1 FROM c)", "a b c")]
#[case("SELECT array((SELECT 1 FROM a)), transform(x, y -> (SELECT 1 FROM b)), x[(SELECT 1 FROM c)]", "a b c")]
#[case("SELECT CAST((SELECT 1 FROM a) AS INT), (SELECT 1 FROM b) IS NULL, 1 BETWEEN (SELECT 1 FROM c) AND 2", "a b c")]
#[case("VALUES ((SELECT 1 FROM a))", "a")]
#[case("SELECT * FROM range((SELECT 1 FROM a))", "a")]
#[case("SELECT * FROM unnest((SELECT array_agg(x) FROM a)) AS u(x)", "a")]
#[case("SELECT * FROM A, a, `A`, m.A", "A m.A")]
#[case("SELECT * FROM `a b`.`c``d`", "`a b`.`c``d`")]
fn relations_everywhere_are_found(#[case] sql: &str, #[case] expected: &str) {
    let mut found = tables(sql);
    let mut expected: Vec<String> = expected.split(' ').map(str::to_owned).filter(|t| !t.is_empty()).collect();
    if sql.contains("`a b`") {
        expected = vec!["`a b`.`c``d`".to_owned()];
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[rstest]
#[case::plain("WITH x AS (SELECT * FROM a) SELECT * FROM x", "a")]
#[case::other_case("WITH x AS (SELECT * FROM a) SELECT * FROM X, `x`", "a")]
#[case::qualified_is_no_item("WITH x AS (SELECT * FROM a) SELECT * FROM s.x", "a s.x")]
#[case::item_does_not_see_itself("WITH x AS (SELECT * FROM x) SELECT * FROM x", "x")]
#[case::later_sees_earlier("WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM y", "")]
#[case::earlier_does_not_see_later("WITH x AS (SELECT * FROM y), y AS (SELECT 1) SELECT * FROM x", "y")]
#[case::subquery_sees_outer("WITH x AS (SELECT 1) SELECT (SELECT 1 FROM x) FROM a WHERE b IN (SELECT * FROM x)", "a")]
#[case::inner_scope_ends("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) q, x", "x")]
#[case::inner_scope_ends_in_expression("SELECT (WITH x AS (SELECT 1) SELECT * FROM x), (SELECT 1 FROM x)", "x")]
#[case::item_of_an_item("WITH x AS (WITH y AS (SELECT * FROM a) SELECT * FROM y) SELECT * FROM x, y", "a y")]
#[case::branches_of_union("WITH x AS (SELECT 1) SELECT * FROM x UNION ALL SELECT * FROM x", "")]
#[case::with_in_one_branch("(WITH x AS (SELECT 1) SELECT * FROM x) UNION ALL SELECT * FROM x", "x")]
#[case::recursive("WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT * FROM x, a) SELECT * FROM x", "a")]
#[case::not_recursive_union("WITH x AS (SELECT 1 UNION ALL SELECT * FROM x) SELECT * FROM x", "x")]
#[case::recursive_without_union("WITH RECURSIVE x AS (SELECT * FROM x) SELECT * FROM x", "x")]
#[case::recursive_name_ends_with_its_query(
    "SELECT * FROM (WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT * FROM x) SELECT 1) q, x",
    "x"
)]
#[case::shadowing("WITH x AS (SELECT * FROM a) SELECT * FROM (WITH x AS (SELECT * FROM x) SELECT * FROM x) q", "a")]
#[case::no_as("WITH x (SELECT * FROM a) SELECT * FROM x", "a")]
fn with_items_hide_relations_only_in_their_scope(#[case] sql: &str, #[case] expected: &str) {
    let expected: Vec<&str> = expected.split(' ').filter(|t| !t.is_empty()).collect();
    assert_eq!(tables(sql), expected);
}

#[test]
fn functions_are_found_as_written() {
    let found =
        refs("SELECT main.s.F(upper(x)), f(1) OVER (), current_user() FROM range(3) WHERE x IN (SELECT g(y) FROM t)");
    let names: Vec<String> = found.functions.iter().map(ToString::to_string).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, ["current_user", "f", "g", "main.s.F", "range", "upper"]);
}

#[test]
fn a_function_body_has_refs_too() {
    let body = parse_function_body(
        "exists (select 1 from c.s.map m where m.u = current_user() and m.r = f(r))",
        &ParseLimits::default(),
    );
    let FunctionBody::Expr(expr) = body.unwrap() else { panic!("a query") };
    let found = QueryRefs::of_expr(&expr);
    assert_eq!(found.tables, [RelationRef::newest(name("c.s.map"))]);
    assert_eq!(found.functions, [name("current_user"), name("f")]);
}

#[rstest]
#[case("SELECT * FROM t VERSION AS OF 3", "t VERSION AS OF 3")]
#[case("SELECT * FROM t FOR VERSION AS OF 3 x", "t VERSION AS OF 3")]
#[case("SELECT * FROM c.s.t@v3 x JOIN c.s.t@v3 y ON true", "c.s.t VERSION AS OF 3")]
#[case("SELECT * FROM `t`@V12, t", "t VERSION AS OF 12|t")]
#[case("(SELECT * FROM t FOR TIMESTAMP AS OF '2026-01-01')", "t TIMESTAMP AS OF '2026-01-01'")]
#[case("SELECT * FROM t FOR SYSTEM_TIME AS OF now()", "t TIMESTAMP AS OF now()")]
#[case("SELECT * FROM table_changes('c.`s`.t', 1, 2) f", "table_changes('c.s.t', 1, 2)")]
#[case("WITH t AS (SELECT 1) SELECT * FROM table_changes('t', 1), t", "table_changes('t', 1)")]
fn versions_are_found(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(tables(sql).join("|"), expected);
}

#[test]
fn an_item_has_no_versions() {
    let found = refs("WITH t AS (SELECT 1) SELECT * FROM t VERSION AS OF 1");
    assert_eq!(found.versioned_items, [name("t")]);
    assert!(found.tables.is_empty());
}

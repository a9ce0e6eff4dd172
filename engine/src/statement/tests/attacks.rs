use std::time::{Duration, Instant};

use rstest::rstest;

use super::*;

fn times(text: &str, count: usize) -> String {
    text.repeat(count)
}

/// What the library would take for something harmless or something else.
#[rstest]
#[case("SHOW anything")]
#[case("SHOW a b c")]
#[case("SHOW spark.sql.shuffle.partitions")]
#[case("SHOW")]
#[case("SHOW TABLES extra words")]
#[case("SHOW CATALOGS; DROP CATALOG main")]
#[case("SELECT 1 SELECT 2")]
#[case("SELECT 1) ; DROP TABLE t; --")]
#[case("x")]
#[case("'SELECT 1'")]
#[case("`SELECT` 1")]
#[case("()")]
#[case(")")]
#[case("CREATE")]
#[case("CREATE TABLE")]
#[case("CREATE OR REPLACE SCHEMA s")]
#[case("CREATE OR REPLACE USER u")]
#[case("DROP")]
#[case("DROP TABLE")]
#[case("DROP TABLE IF EXISTS")]
#[case("ALTER")]
#[case("USE")]
#[case("USE a.b.c")]
#[case("SET")]
#[case("EXPLAIN")]
#[case("INSERT t VALUES (1)")]
#[case("INSERT INTO t")]
#[case("COMMENT ON TABLE t IS")]
#[case("\u{202e}SELECT 1")]
#[case("ＳＥＬＥＣＴ 1")]
#[case("SELECT 1\u{0}; DROP TABLE t")]
fn nonsense_is_an_error(#[case] sql: &str) {
    let error = error(sql);
    assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error}");
}

#[rstest]
#[case("", ParseErrorKind::Empty)]
#[case(" \n\t", ParseErrorKind::Empty)]
#[case(";;;", ParseErrorKind::Empty)]
#[case("-- SELECT 1", ParseErrorKind::Empty)]
#[case("/* SELECT 1; */ ;", ParseErrorKind::Empty)]
#[case("SELECT 1; SELECT 2", ParseErrorKind::SeveralStatements)]
#[case("SELECT 1;;SELECT 2", ParseErrorKind::SeveralStatements)]
#[case("SELECT 1; garbage", ParseErrorKind::SeveralStatements)]
#[case("UPDATE t SET a = 1; DROP TABLE t", ParseErrorKind::SeveralStatements)]
#[case("SELECT 1 /* ; */; -- ;\n DROP TABLE t", ParseErrorKind::SeveralStatements)]
#[case("SELECT '", ParseErrorKind::Syntax)]
#[case("SELECT '\\'; DROP TABLE t; --", ParseErrorKind::Syntax)]
#[case("SELECT `a", ParseErrorKind::Syntax)]
#[case("SELECT /* 1", ParseErrorKind::Syntax)]
#[case("SELECT $$ 1", ParseErrorKind::Syntax)]
#[case("SELECT r'abc'", ParseErrorKind::Syntax)]
fn the_text_is_exactly_one_statement(#[case] sql: &str, #[case] kind: ParseErrorKind) {
    assert_eq!(error(sql).kind, kind);
}

#[rstest]
#[case("SELECT 1;")]
#[case(";SELECT 1 ; ;")]
#[case("SELECT ';' -- ; DROP TABLE t")]
#[case("/* ; */ SELECT /* /* nested ; */ */ `a;b` FROM t")]
#[case("SELECT \"a\\\";b\"")]
#[case("SELECT 'žluťoučký 🐎', '\u{202e}'")]
fn semicolons_inside_tokens_end_nothing(#[case] sql: &str) {
    assert!(matches!(parse(sql), Statement::Query(_)), "{sql}");
}

/// Each would end the process, or the minute, without the bounds.
#[rstest]
#[case::parentheses(format!("SELECT {}1{}", times("(", 100_000), times(")", 100_000)))]
#[case::open_parentheses(times("(", 500_000))]
#[case::brackets(format!("SELECT {}1{}", times("[", 100_000), times("]", 100_000)))]
#[case::braces(format!("SELECT {}", times("{a:", 100_000)))]
#[case::plus(format!("SELECT 1{}", times("+1", 20_000)))]
#[case::ors(format!("SELECT 1 WHERE a{}", times(" OR a", 20_000)))]
#[case::casts(format!("SELECT 1{}", times("::int", 20_000)))]
#[case::casts_with_commas(format!("SELECT 1{}", times("::struct<a int, b int>", 20_000)))]
#[case::is_null(format!("SELECT 1{}", times(" IS NULL", 20_000)))]
#[case::nots(format!("SELECT {}1", times("NOT ", 100_000)))]
#[case::minuses(format!("SELECT {}1", times("- ", 100_000)))]
#[case::unions(format!("SELECT 1{}", times(" UNION ALL SELECT 1", 20_000)))]
#[case::unions_with_commas(format!("SELECT 1, 2{}", times(" UNION ALL SELECT 1, 2", 20_000)))]
#[case::joins(format!("SELECT * FROM t{}", times(" JOIN t", 20_000)))]
#[case::pivots(format!("SELECT * FROM t{}", times(" PIVOT(sum(a) FOR b IN (1))", 5_000)))]
#[case::cross_joins(format!("SELECT * FROM t{}", times(",t", 5_000)))]
#[case::with_items(format!("WITH a AS (SELECT 1){} SELECT 1", times(", a AS (SELECT 1)", 5_000)))]
#[case::nested_subqueries(format!("SELECT * FROM {}t{}", times("(SELECT * FROM ", 100), times(") x", 100)))]
#[case::angles(format!("SELECT CAST(1 AS {}INT", times("ARRAY<", 50_000)))]
#[case::array_suffixes(format!("SELECT CAST(1 AS INT{})", times("[]", 50_000)))]
#[case::parts(format!("SELECT a{}", times(".a", 50_000)))]
#[case::divisions(format!("SELECT 1{}", times(" DIV 1", 1_000)))]
#[case::product_before_division(format!("SELECT 1{} DIV 1", times(" * 1", 1_000)))]
#[case::cases(format!("SELECT {}1", times("CASE WHEN ", 20_000)))]
#[case::length(format!("SELECT '{}'", times("x", 1 << 20)))]
fn bombs_are_refused_before_they_go_off(#[case] sql: String) {
    assert_eq!(error(&sql).kind, ParseErrorKind::Limit);
}

/// Words that the library tries two ways: without fuel each level doubles the work.
#[rstest]
#[case("CAST(")]
#[case("INTERVAL ")]
#[case("POSITION(")]
#[case("OVERLAY(")]
#[case("SUBSTRING(")]
#[case("FLOOR(")]
#[case("ARRAY[")]
#[case("f((x, y) -> ")]
#[case("CASE WHEN ")]
#[case("EXISTS(SELECT ")]
#[case("((SELECT 1 FROM ")]
fn backtracking_is_bounded(#[case] unit: &str) {
    let started = Instant::now();
    let sql = format!("SELECT * FROM t WHERE {}1 1", times(unit, 40));
    error(&sql);
    assert!(started.elapsed() < Duration::from_secs(30), "{unit}: {:?}", started.elapsed());
}

#[test]
fn what_the_limits_allow_parses_on_a_small_stack() {
    let statements = [
        format!("SELECT 1{}", times("+1", 1_990)),
        format!("SELECT 1 FROM t WHERE a=1{}", times(" OR a=1", 900)),
        format!("SELECT 1{}", times(" UNION ALL SELECT 1", 499)),
        format!("SELECT * FROM t{}", times(" JOIN t ON true", 499)),
        format!("SELECT {}1{}", times("(", 40), times(")", 40)),
        format!("SELECT 1 FROM t WHERE a IN (1{})", times(",1", 100_000)),
        format!("SELECT 1{} DIV 1", times(" * 1", 240)),
    ];
    let run = move || {
        for sql in statements {
            let Statement::Query(query) = parse(&sql) else { panic!("no query") };
            QueryRefs::of_query(&query);
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_long_insert_is_no_chain() {
    let sql = format!("INSERT INTO t VALUES (1, -2){}", times(", (1, -2)", 20_000));
    assert!(matches!(parse(&sql), Statement::Insert(_)));
}

#[test]
fn own_limits_are_kept() {
    let limits = ParseLimits { max_bytes: 22, max_nesting: 4, max_chain: 5, max_relations: 1 };
    let kind = |sql| parse_one(sql, &limits).map_err(|error| error.kind).err();
    assert_eq!(kind("SELECT 1 + 1 + 1"), None);
    assert_eq!(kind("SELECT 1+1+1+1+1+1+1"), Some(ParseErrorKind::Limit));
    assert_eq!(kind("SELECT (((((1)))))"), Some(ParseErrorKind::Limit));
    assert_eq!(kind("SELECT * FROM a, b"), Some(ParseErrorKind::Limit));
    assert_eq!(kind("SELECT 1               "), Some(ParseErrorKind::Limit));
}

#[test]
fn strings_are_not_repeated_in_errors() {
    let error = error("CREATE USER 'bob' 'hunter2'");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert_eq!(unsupported("CREATE USER bob WITH PASSWORD 'hunter2'").find("hunter2"), None);
}

#[test]
fn errors_say_where() {
    let error = error("CREATE TABLE t (\n  a INT,\n  b 12)");
    assert_eq!(error.position.map(|p| p.0), Some(3), "{error}");
}

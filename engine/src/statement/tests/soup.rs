use proptest::prelude::*;

use super::*;

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "WITH",
    "AS",
    "TABLE",
    "CREATE",
    "OR",
    "REPLACE",
    "GRANT",
    "REVOKE",
    "DENY",
    "ON",
    "TO",
    "SHOW",
    "GRANTS",
    "USE",
    "CATALOG",
    "SCHEMA",
    "VIEW",
    "FUNCTION",
    "RETURNS",
    "RETURN",
    "ALTER",
    "COLUMN",
    "SET",
    "MASK",
    "ROW",
    "FILTER",
    "USING",
    "COLUMNS",
    "DROP",
    "IF",
    "NOT",
    "EXISTS",
    "INSERT",
    "INTO",
    "OVERWRITE",
    "BY",
    "NAME",
    "VALUES",
    "COMMENT",
    "IS",
    "NULL",
    "DESCRIBE",
    "EXTENDED",
    "EXPLAIN",
    "ACCESS",
    "EFFECTIVE",
    "REASSIGN",
    "OWNED",
    "CASCADE",
    "OF",
    "TIMESTAMP",
    "FOR",
    "ANALYZE",
    "UNION",
    "ALL",
    "JOIN",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "CAST",
    "ARRAY",
    "STRUCT",
    "MAP",
    "INT",
    "STRING",
    "INTERVAL",
    "DAY",
    "IN",
    "LIKE",
    "PARTITIONED",
    "LOCATION",
    "TBLPROPERTIES",
    "GROUP",
    "POLICY",
    "TAG",
    "TAGS",
    "MATCH",
    "TABLES",
    "EXCEPT",
    "UNSET",
    "AND",
    "hasTag",
    "hasTagValue",
    "USER",
    "ADD",
    "OWNER",
    "RENAME",
    "DIV",
    "OVER",
    "LATERAL",
    "t",
    "a",
    "f",
    "x",
    "`a b`",
    "'s'",
    "\"d\"",
    "1",
    "1.5",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ".",
    ";",
    "+",
    "-",
    "*",
    "/",
    "=",
    "::",
    ":",
    "?",
    "$1",
    "$$",
    "->",
    "|>",
    "@",
    "!",
    "--\n",
    "/*",
    "*/",
    "'",
    "\\",
    "é",
    "🐎",
];

/// Without the net that turns a panic of the library into an error.
fn raw(sql: &str) -> Result<Statement, ParseError> {
    unguarded(sql, &ParseLimits::default())
}

fn soup() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(WORDS), 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(sql in soup()) {
        if let Ok(Statement::Query(query)) = raw(&sql) {
            QueryRefs::of_query(&query);
        }
        let _ = split_script(&sql);
    }

    #[test]
    fn any_text_never_panics(sql in any::<String>()) {
        let _ = raw(&sql);
        let _ = split_script(&sql);
    }

    #[test]
    fn statements_with_a_tail_of_soup_never_panic(head in proptest::sample::select(HEADS), tail in soup()) {
        let _ = raw(&format!("{head} {tail}"));
    }

    #[test]
    fn names_print_as_they_parse(parts in proptest::collection::vec("[a-z`. é]{1,6}", 1..4)) {
        let name = ObjectName::new(parts);
        let quoted: Vec<String> = name.parts.iter().map(|part| format!("`{}`", part.replace('`', "``"))).collect();
        let sql = format!("DROP TABLE {}", quoted.join("."));
        let expected = Statement::Drop(Drop { kind: ObjectKind::Table, if_exists: false, name: name.clone(), cascade: false });
        prop_assert_eq!(parse_one(&sql, &ParseLimits::default()), Ok(expected.clone()));
        prop_assert_eq!(parse_one(&format!("DROP TABLE {name}"), &ParseLimits::default()), Ok(expected));
    }

    #[test]
    fn a_script_splits_into_its_statements(count in 0_usize..6, blanks in "[ \n\t]{0,3}") {
        let statement = "SELECT ';' /* ; */ , `;`";
        let script: String = (0..count).map(|_| format!("{blanks}{statement}{blanks};")).collect();
        prop_assert_eq!(split_script(&script).map(|found| found.len()), Ok(count));
    }
}

const HEADS: &[&str] = &[
    "SELECT * FROM t WHERE",
    "CREATE TABLE t (a INT",
    "CREATE FUNCTION f(a INT) RETURNS INT RETURN",
    "GRANT SELECT ON t TO",
    "ALTER TABLE t SET ROW FILTER f ON (",
    "ALTER TABLE t ALTER COLUMN c SET MASK f USING",
    "WITH a AS (SELECT 1)",
    "INSERT INTO t (a)",
    "CREATE VIEW v AS SELECT",
    "SHOW",
    "DESCRIBE",
    "EXPLAIN SELECT",
    "EXPLAIN ACCESS SELECT ON t",
    "SHOW EFFECTIVE GRANTS",
    "SELECT CAST(x AS",
    "CREATE POLICY p ON TABLE t ROW FILTER f TO",
    "CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN",
    "CREATE POLICY p ON TABLE t COLUMN MASK f TO a FOR TABLES MATCH COLUMNS",
    "ALTER TABLE t SET TAGS (",
    "SET TAG ON",
    "CREATE TAG k",
];

use super::*;

#[rstest]
#[case("if(1 > 0, 'a', 'b'), if(NULL, 1, 2), iff(false, 1, 2.5)", "a 2 2.5")]
#[case("if(true, 1, 1/0)", "1")]
#[case("if(x > 1, 'many', 'one') FROM (VALUES (1), (2)) v(x)", "one;many")]
#[case("isnull(NULL), isnotnull(1)", "true true")]
#[case("nvl(NULL, 'a'), ifnull(NULL, 1), nvl2(NULL, 1, 2), nullif(1, 1) IS NULL, coalesce(NULL, 3)", "a 1 2 true 3")]
#[case(
    "year(d), quarter(d), month(d), day(d), dayofmonth(d), dayofyear(d), weekofyear(d), dayofweek(d) FROM (VALUES (DATE '2024-02-29')) v(d)",
    "2024 1 2 29 29 60 9 5"
)]
#[case("dayofweek(DATE '2024-03-03'), dayofweek(DATE '2024-03-02')", "1 7")]
#[case("hour(t), minute(t), second(t) FROM (VALUES (TIMESTAMP '2024-02-29 13:14:15')) v(t)", "13 14 15")]
#[case("year('2024-02-29')", "2024")]
#[case(
    "date_add(DATE '2024-02-28', 2), date_sub(DATE '2024-03-01', 1), datediff(DATE '2024-03-01', DATE '2024-02-28')",
    "2024-03-01 2024-02-29 2"
)]
#[case("date_add(d, n) FROM (VALUES (DATE '2024-02-28', 2)) v(d, n)", "2024-03-01")]
#[case("date_trunc('month', TIMESTAMP '2024-02-29 13:14:15')", "2024-02-01T00:00:00")]
#[case(
    "date_format(DATE '2024-02-09', 'yyyy-MM'), date_format(TIMESTAMP '2024-02-09 03:04:05', 'dd.MM.yy HH:mm:ss')",
    "2024-02 09.02.24 03:04:05"
)]
#[case("locate('b', 'abc'), charindex('x', 'abc'), instr('abc', 'c')", "2 0 3")]
#[case("element_at(array(1, 2, 3), 1), element_at(array(1, 2, 3), -1), element_at(array(1), 5) IS NULL", "1 3 true")]
#[case("array(1, 2, 3)[0], array(1, 2, 3)[2], array(1, 2)[2] IS NULL, array(1, 2)[-1] IS NULL", "1 3 true true")]
#[case("a[i] FROM (VALUES (array(1, 2), 0), (array(3, 4), 1), (array(5), -1), (array(5), NULL)) v(a, i)", "1;4;;")]
#[case(
    "substring('abc', 2), substring('abc', 2, 1), substring('abc', -2), substring('abc', -2, 1), substring('abc', 0, 2)",
    "bc b bc b ab"
)]
#[case(
    "substr('abc', -9), substr('abc', -5, 3), substr('abc', 1, -1) = '', left('abc', -1) = '', right('abc', -1) = ''",
    "abc a true true true"
)]
#[case("left('abc', 2), right('abc', 2)", "ab bc")]
#[case("substring(s, -4) FROM (VALUES ('123-45-6789'), ('789'), (NULL), ('äöüßx')) v(s)", "6789;789;;öüßx")]
#[case("substring(s, n, 2) FROM (VALUES ('abcd', -2), ('abcd', 2), ('abcd', 0), ('abcd', NULL)) v(s, n)", "cd;bc;ab;")]
#[case("right(s, n), left(s, n) FROM (VALUES ('abcd', -2), ('abcd', 2)) v(s, n)", ";cd ab")]
#[case("getdate() = now(), curdate() = current_date()", "true true")]
#[case(
    "len('ab'), lcase('A'), ucase('a'), concat_ws('-', 'a', 'b'), initcap('ab c'), split_part('a-b', '-', 2)",
    "2 a A a-b Ab C b"
)]
#[tokio::test]
async fn names_of_databricks(#[case] call: &str, #[case] wanted: &str) {
    assert_eq!(ask(&format!("SELECT {call}")).await.unwrap(), wanted);
}

#[rstest]
#[case("if(1 = 1, 2)", "a condition and two values")]
#[case("if(true, array(1), 'a')", "no type in common")]
#[case("date_format(DATE '2024-01-01', 'YYYY')", "doesn't know `YYYY`")]
#[case("element_at(1, 1)", "an array and a place")]
#[tokio::test]
async fn faults_are_told(#[case] call: &str, #[case] said: &str) {
    let error = ask(&format!("SELECT {call}")).await.unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
}

/// Spark's `UTF8String.substringSQL`, on characters.
fn substring(text: &str, start: i64, length: i64) -> String {
    let chars: Vec<char> = text.chars().collect();
    let count = chars.len() as i64;
    let from = if start > 0 {
        start - 1
    } else if start < 0 {
        count + start
    } else {
        0
    };
    let to = from + length.max(0);
    let (from, to) = (from.clamp(0, count) as usize, to.clamp(0, count) as usize);
    if from < to { chars[from..to].iter().collect() } else { String::new() }
}

#[tokio::test]
async fn substrings_are_sparks() {
    for text in ["", "a", "abcd", "äöü"] {
        for start in -6..7 {
            for length in -1..6 {
                let sql = format!("SELECT '<' || substring(t, {start}, {length}) || '>' FROM (VALUES ('{text}')) v(t)");
                let wanted = format!("<{}>", substring(text, start, length));
                if (start + length) % 3 == 0 {
                    assert_eq!(ask(&sql).await.unwrap(), wanted, "{sql}");
                }
            }
        }
    }
}

#[test]
fn no_name_is_there_twice() {
    let functions = Functions::new(None).scalar(&Identity::nobody());
    let distinct: HashSet<&str> = functions.iter().map(|function| function.name()).collect();
    assert_eq!(functions.len(), distinct.len());
}

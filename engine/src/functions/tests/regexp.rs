use arrow::array::{ArrayRef, AsArray, StringArray, StringViewArray};
use arrow::datatypes::Field;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use proptest::prelude::*;

use super::*;
use crate::functions::regexp as functions;

fn call(name: &str, args: &[&str]) -> Result<ArrayRef, datafusion::error::DataFusionError> {
    let native = functions::FUNCTIONS.iter().find(|native| native.name == name).unwrap();
    let args: Vec<ArrayRef> = args.iter().map(|arg| Arc::new(StringViewArray::from(vec![*arg])) as ArrayRef).collect();
    (native.run)(&args)
}

fn replaced(text: &str, pattern: &str, with: &str) -> String {
    call("regexp_replace", &[text, pattern, with]).unwrap().as_string_view().value(0).to_owned()
}

#[rstest]
#[case::the_first_letter(r"'Ada Lovelace', '(^\\w)\\w+', '$1***'", "A*** Lovelace")]
#[case::letters_of_all_tongues(r"'Élodie', '(^\\w)\\w+', '$1***'", "É***")]
#[case::all_but_four(r"'123456789', '\\d(?=\\d{4})', '*'", "*****6789")]
#[case::all_but_four_with_dashes(r"'123-45-6789', '\\d(?=.*\\d{4})', '*'", "***-**-6789")]
#[case::lookbehind(r"'a1b2', '(?<=a)\\d', '#'", "a#b2")]
#[case::not_behind(r"'a1b2', '(?<!a)\\d', '#'", "a1b#")]
#[case::backreference(r"'aa bc dd', '(.)\\1', '<$1>'", "<a> bc <d>")]
#[case::two_groups(r"'Ada Lovelace', '(\\w)\\w* (\\w)\\w*', '$1*** $2***'", "A*** L***")]
#[case::a_named_group(r"'ab', '(?<x>a)', '[${x}]'", "[a]b")]
#[case::a_group_that_took_no_part(r"'b', '(a)?b', '<$1>'", "<>")]
#[case::the_whole_match(r"'ab', 'a|b', '<$0>'", "<a><b>")]
#[case::ten_is_one_and_zero_when_there_is_one_group(r"'a', '(a)', '$10'", "a0")]
#[case::a_dollar_sign(r"'5', '5', '\\$$0'", "$5")]
#[case::empty_matches(r"'abc', 'x*', '-'", "-a-b-c-")]
#[case::an_empty_match_after_another(r"'axb', 'x*', '-'", "-a--b-")]
#[case::letters_of_several_bytes(r"'äö', '', '.'", ".ä.ö.")]
#[case::from_a_position(r"'aaa', 'a', 'b', 2", "abb")]
#[case::the_start_is_where_the_search_starts(r"'aaa', '^a', 'b', 2", "aba")]
#[case::from_behind_the_end(r"'aaa', 'a', 'b', 9", "aaa")]
#[case::numbers_have_a_text(r"123456, '\\d(?=\\d{4})', '*'", "**3456")]
#[tokio::test]
async fn replacing(#[case] args: &str, #[case] wanted: &str) {
    let workshop = ask_parsed(&format!("SELECT regexp_replace({args})")).await;
    assert_eq!(workshop.unwrap(), wanted);
}

/// Through the parser of statements, which knows backslashes.
async fn ask_parsed(sql: &str) -> datafusion::error::Result<String> {
    ask(&sql.replace(r"\\", r"\")).await
}

#[rstest]
#[case("regexp_like('abc', 'B')", "false")]
#[case("regexp_like('abc', '(?i)B')", "true")]
#[case("rlike('abc', '^a')", "true")]
#[case("regexp('abc', 'c$')", "true")]
#[case(r"regexp_extract('100-200', '(\d+)-(\d+)', 2)", "200")]
#[case(r"regexp_extract('100-200', '(\d+)-(\d+)')", "100")]
#[case(r"regexp_extract('100-200', '(\d+)-(\d+)', 0)", "100-200")]
#[case(r"regexp_extract('x', '(\d+)') = ''", "true")]
#[case(r"regexp_extract_all('1a 2b', '(\d)(\w)', 2)", "[a, b]")]
#[case(r"regexp_extract_all('1a 2b', '(\d)(\w)')", "[1, 2]")]
#[case(r"regexp_extract_all('x', '(\d)')", "[]")]
#[case(r"regexp_substr('ab12', '\d+')", "12")]
#[case(r"regexp_substr('ab', '\d+') IS NULL", "true")]
#[case(r"regexp_count('1a2b3', '\d')", "3")]
#[case(r"regexp_count('aaa', 'aa')", "1")]
#[case(r"regexp_instr('äö1', '\d')", "3")]
#[case(r"regexp_instr('ab', '\d')", "0")]
#[case("split('a@b.c', '@')", "[a, b.c]")]
#[case("split('a@b.c', '@')[0]", "a")]
#[case("split('a@b.c', '@')[1]", "b.c")]
#[case("split('a@b.c', '@')[2] IS NULL", "true")]
#[case("split('a1b2c', '[12]', 2)", "[a, b2c]")]
#[case("split('abc', '')", "[a, b, c]")]
#[case("split('a,', ',')", "[a, ]")]
#[case("split('', ',')", "[]")]
#[tokio::test]
async fn finding(#[case] call: &str, #[case] wanted: &str) {
    assert_eq!(ask(&format!("SELECT {call}")).await.unwrap(), wanted);
}

#[rstest]
#[case("regexp_like(NULL, 'a')")]
#[case("regexp_like('a', NULL)")]
#[case("regexp_replace('a', 'a', NULL)")]
#[case("regexp_replace('a', NULL, 'a')")]
#[case("regexp_replace('a', 'a', 'a', NULL)")]
#[case("regexp_extract('a', '(a)', NULL)")]
#[case("regexp_extract_all(NULL, '(a)')")]
#[case("regexp_count('a', NULL)")]
#[case("regexp_instr(NULL, 'a')")]
#[case("split(NULL, 'a')")]
#[tokio::test]
async fn null_gives_null(#[case] call: &str) {
    assert_eq!(ask(&format!("SELECT {call} IS NULL")).await.unwrap(), "true");
}

#[tokio::test]
async fn patterns_and_replacements_may_differ_by_row() {
    let sql = "SELECT regexp_replace(t, p, r) FROM (VALUES ('ab', 'a', 'x'), ('ab', 'b', 'y'), (NULL, 'a', 'x'), ('ab', '(a)', '$1$1')) v(t, p, r)";
    assert_eq!(ask(sql).await.unwrap(), "xb;ay;;aab");
}

#[tokio::test]
async fn every_kind_of_text_is_taken() {
    for kind in ["Utf8", "LargeUtf8", "Utf8View"] {
        let sql = format!(
            "SELECT regexp_replace(arrow_cast(t, '{kind}'), arrow_cast('a', '{kind}'), 'b') FROM (VALUES ('a')) v(t)"
        );
        assert_eq!(ask(&sql).await.unwrap(), "b");
    }
}

#[rstest]
#[case::no_pattern("regexp_replace('a', '(', '')", "is not a regular expression")]
#[case::too_long("regexp_like('a', repeat('a', 3000))", "may have 2000 bytes")]
#[case::too_large(r"regexp_like('a', '((\w{100}){100}){100}')", "is not a regular expression that can be used")]
#[case::many_large_parts(
    "regexp_like('a', repeat('(?=\\w{90}x)', 150))",
    "is not a regular expression that can be used"
)]
#[case::no_such_group("regexp_replace('a', 'a', '$1')", "names group 1")]
#[case::no_such_name("regexp_replace('a', 'a', '${x}')", "names the group `x`")]
#[case::a_bare_dollar_sign("regexp_replace('a', 'a', '5$')", "a group follows every `$`")]
#[case::no_such_group_to_extract("regexp_extract('a', '(a)', 2)", "there is no group 2")]
#[case::position("regexp_replace('a', 'a', 'b', 0)", "1 or more")]
#[tokio::test]
async fn faults_are_told(#[case] call: &str, #[case] said: &str) {
    let error = ask(&format!("SELECT {call}")).await.unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
}

/// Each step back doubles the next: without a bound these would run for years.
#[rstest]
#[case(r"(a*)*\1b")]
#[case(r"(a|a)+\1(?=b)b")]
#[tokio::test]
async fn a_hostile_pattern_is_ended(#[case] pattern: &str) {
    let start = std::time::Instant::now();
    let sql = format!("SELECT regexp_like(repeat('a', 60), '{pattern}')");
    let error = ask(&sql).await.unwrap_err();
    assert!(matches!(error.find_root(), datafusion::error::DataFusionError::ResourcesExhausted(_)), "{error}");
    assert!(start.elapsed() < std::time::Duration::from_secs(60));
}

/// The same search by the library's own function, which has no lookaround and another way to write groups.
fn by_the_library(text: &str, pattern: &str, with: &str) -> String {
    let functions = SessionStateDefaults::default_scalar_functions();
    let replace = functions.iter().find(|function| function.name() == "regexp_replace").unwrap();
    let value = |text: &str| ColumnarValue::Array(Arc::new(StringArray::from(vec![text])) as ArrayRef);
    let field = |name: &str| Arc::new(Field::new(name, arrow::datatypes::DataType::Utf8, true));
    let args = ScalarFunctionArgs {
        args: vec![value(text), value(pattern), value(with), value("g")],
        arg_fields: ["a", "b", "c", "d"].map(field).to_vec(),
        number_rows: 1,
        return_field: field("r"),
        config_options: Arc::new(ConfigOptions::default()),
    };
    let answer = replace.invoke_with_args(args).unwrap().to_array(1).unwrap();
    answer.as_string::<i32>().value(0).to_owned()
}

/// Patterns that match no empty text, with one group around them.
fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[ab1-]",
        "[ab.\\[\\]]{0}[ab]",
        Just(".".to_owned()),
        Just(r"\d".to_owned()),
        Just(r"\w".to_owned())
    ];
    let times = prop_oneof![Just(""), Just("+"), Just("{1,2}"), Just("+?")];
    let term = (atom, times).prop_map(|(atom, times)| format!("{atom}{times}"));
    prop::collection::vec(term, 1..4).prop_map(|terms| format!("({})", terms.join("")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn replacing_is_what_the_library_does(text in "[ab1 -]{0,12}", pattern in pattern(), mark in "[xyz]{0,2}") {
        let ours = replaced(&text, &pattern, &format!("{mark}<$1>"));
        prop_assert_eq!(ours, by_the_library(&text, &pattern, &format!("{mark}<\\1>")));
    }

    #[test]
    fn digits_before_the_last_four_go(text in "[0-9a-]{0,20}") {
        let chars: Vec<char> = text.chars().collect();
        let is_masked = |at: usize| {
            chars[at].is_ascii_digit() && chars.iter().skip(at + 1).take_while(|c| c.is_ascii_digit()).count() >= 4
        };
        let wanted: String = (0..chars.len()).map(|at| if is_masked(at) { '*' } else { chars[at] }).collect();
        prop_assert_eq!(replaced(&text, r"\d(?=\d{4})", "*"), wanted);
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error(text in ".{0,20}", pattern in ".{0,12}", with in ".{0,6}") {
        let _ = call("regexp_replace", &[&text, &pattern, &with]);
        let _ = call("split", &[&text, &pattern]);
    }

    #[test]
    fn parts_and_separators_make_the_text(text in "[ab,]{0,12}") {
        let parts = call("split", &[&text, ","]).unwrap();
        let parts: Vec<String> =
            parts.as_list::<i32>().value(0).as_string_view().iter().map(|part| part.unwrap().to_owned()).collect();
        prop_assert_eq!(parts.join(","), text);
    }
}

mod masks;
mod regexp;
mod spelled;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use datafusion::physical_plan::collect;
use rstest::rstest;

use super::*;
use crate::runtime::{Limits, Workshop};

async fn ask(sql: &str) -> datafusion::error::Result<String> {
    let identity = Identity {
        user_name: "Bob O'Neil".into(),
        groups: Arc::new(HashSet::from(["analysts".to_owned(), "straße".to_owned()])),
        catalog: Some("hr".into()),
        schema: None,
        metastore: Some("lakewarden".into()),
        recipient: Some(Arc::new(BTreeMap::from([("country".to_owned(), "DE".to_owned())]))),
    };
    ask_as(&identity, sql).await
}

async fn ask_as(identity: &Identity, sql: &str) -> datafusion::error::Result<String> {
    let workshop = Workshop::new(Limits { threads: 1, ..Limits::default() })?.keyed(Some(TokenKey::new(&[1; 32])));
    let state = workshop.sessions(identity)?.caller;
    let plan = state.create_logical_plan(sql).await?;
    let plan = state.create_physical_plan(&plan).await?;
    let batches = collect(plan, state.task_ctx()).await?;
    let text = pretty_format_batches(&batches)?.to_string();
    let rows = text.lines().skip(3).filter(|line| line.starts_with('|'));
    Ok(rows
        .map(|row| row.split('|').map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned())
        .collect::<Vec<_>>()
        .join(";"))
}

#[rstest]
#[case::user("SELECT current_user()", "Bob O'Neil")]
#[case::session_user("SELECT session_user()", "Bob O'Neil")]
#[case::short("SELECT user()", "Bob O'Neil")]
#[case::catalog("SELECT current_catalog()", "hr")]
#[case::no_schema("SELECT coalesce(current_schema(), current_database(), 'none')", "none")]
#[case::member("SELECT is_member('analysts')", "true")]
#[case::any_case("SELECT is_account_group_member('ANALYSTS')", "true")]
#[case::other_letters("SELECT is_member('STRAßE')", "true")]
#[case::unknown("SELECT is_member('admins')", "false")]
#[case::null("SELECT is_member(NULL) IS NULL", "true")]
#[case::recipient(
    "SELECT current_recipient('country'), current_recipient('COUNTRY'), current_recipient('x') IS NULL",
    "DE DE true"
)]
#[case::recipients("SELECT current_recipient(k) FROM (VALUES ('Country'), ('x'), (NULL)) v(k)", "DE;;")]
#[case::metastore("SELECT current_metastore()", "lakewarden")]
#[case::rows("SELECT is_member(g) FROM (VALUES ('Analysts'), ('x'), (NULL)) v(g)", "true;false;")]
#[case::databricks_names(
    "SELECT lcase('A'), ucase('b'), len('abc'), ceiling(1.2), sign(-3.0), startswith('ab', 'a')",
    "a B 3 2.0 -1.0 true"
)]
#[case::arrays("SELECT array_contains(array(1, 2), 2), size(array(1, 2, 3))", "true 3")]
#[case::aggregates(
    "SELECT every(x), some(x), approx_count_distinct(x) FROM (VALUES (true), (false)) v(x)",
    "false true 2"
)]
#[case::repeat("SELECT repeat('ab', 3), lpad('a', 3, 'x'), rpad('a', 3)", "ababab xxa a")]
#[case::replace("SELECT replace('aba', 'a', 'xx'), regexp_replace('aba', 'a', 'x')", "xxbxx xbx")]
#[case::series(
    "SELECT range(3), generate_series(1, 3), array_repeat(1, 2), array_resize(array(1), 2, 0)",
    "[0, 1, 2] [1, 2, 3] [1, 1] [1, 0]"
)]
#[case::dates("SELECT array_length(generate_series(DATE '2020-01-01', DATE '2020-12-31', INTERVAL '1' DAY))", "366")]
#[tokio::test]
async fn functions_answer(#[case] sql: &str, #[case] wanted: &str) {
    assert_eq!(ask(sql).await.unwrap(), wanted);
}

#[tokio::test]
async fn who_is_no_recipient_has_no_properties() {
    let answer =
        ask_as(&Identity::nobody(), "SELECT current_recipient('country') IS NULL, current_metastore() IS NULL").await;
    assert_eq!(answer.unwrap(), "true true");
}

#[rstest]
#[case("SELECT repeat('x', 1500000000)")]
#[case("SELECT length(repeat(repeat('x', 10000000), 1000))")]
#[case("SELECT lpad('x', 2000000000)")]
#[case("SELECT rpad('x', 2000000000, 'yz')")]
#[case("SELECT range(1, 300000000)")]
#[case("SELECT generate_series(1, 9223372036854775807)")]
#[case("SELECT generate_series(DATE '1900-01-01', DATE '2100-01-01', INTERVAL '1' SECOND)")]
#[case("SELECT array_repeat('x', 100000000)")]
#[case("SELECT array_repeat(repeat('x', 1000000), 1000)")]
#[case("SELECT array_resize(array(1), 2000000000, 0)")]
#[case("SELECT replace(repeat('a', 1000000), 'a', repeat('b', 1000000))")]
#[case("SELECT regexp_replace(repeat('a', 1000000), 'a', repeat('b', 1000000))")]
#[case("SELECT repeat('x', n) FROM (VALUES (60000000), (60000000)) v(n)")]
#[case("SELECT * FROM generate_series(1, 10000000000)")]
#[tokio::test]
async fn huge_values_are_refused_before_they_are_made(#[case] sql: &str) {
    let start = std::time::Instant::now();
    assert!(ask(sql).await.is_err());
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}

#[rstest]
#[case("SELECT version()")]
#[case("SELECT input_file_name()")]
#[case("SELECT arrow_metadata(1)")]
#[tokio::test]
async fn other_functions_do_not_exist(#[case] sql: &str) {
    let said = ask(sql).await.unwrap_err().to_string();
    assert!(said.to_lowercase().contains("invalid function") || said.contains("not found"), "{said}");
}

/// A newer DataFusion brings new functions: somebody has to read them before they are let in or left out.
#[test]
fn every_function_of_datafusion_was_looked_at() {
    let left_out = [
        "arrow_field",
        "arrow_metadata",
        "with_metadata",
        "cast_to_type",
        "try_cast_to_type",
        "version",
        "input_file_name",
        "file_row_index",
        // They are our own.
        "regexp_count",
        "regexp_instr",
        "regexp_like",
        "regexp_replace",
        "array_normalize",
        "array_add",
        "array_scale",
        "array_subtract",
    ];
    let known = |name: &str| allowed::SCALAR.contains(&name) || left_out.contains(&name);
    let unknown: Vec<_> =
        SessionStateDefaults::default_scalar_functions().iter().map(|one| one.name().to_owned()).collect();
    let unknown: Vec<_> = unknown.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let names: HashSet<_> =
        SessionStateDefaults::default_scalar_functions().iter().map(|one| one.name().to_owned()).collect();
    let gone: Vec<_> = allowed::SCALAR.iter().filter(|name| !names.contains(**name)).collect();
    assert!(gone.is_empty(), "{gone:?}");
    for function in SessionStateDefaults::default_aggregate_functions() {
        assert!(allowed::AGGREGATE.contains(&function.name()), "{}", function.name());
    }
    for function in SessionStateDefaults::default_window_functions() {
        assert!(allowed::WINDOW.contains(&function.name()), "{}", function.name());
    }
    for function in SessionStateDefaults::default_higher_order_functions() {
        assert!(allowed::HIGHER_ORDER.contains(&function.name()), "{}", function.name());
    }
}

//! Models that casbin would misread must not load.

use rstest::rstest;

use super::{EMBEDDED, read};
use crate::Enforcer;

pub(crate) fn refusal(text: &str) -> String {
    Enforcer::from_model(text).unwrap_err().to_string()
}

pub(crate) fn with_matcher(matcher: &str) -> String {
    let start = EMBEDDED.find("\nm = ").unwrap();
    format!("{}\nm = {matcher}\n", &EMBEDDED[..start])
}

#[test]
fn the_embedded_model_loads() {
    assert!(Enforcer::new().is_ok());
}

#[rstest]
#[case::no_effect_column("p = sub, obj, act, eft", "p = sub, obj, act", "definition p")]
#[case::other_order("r = sub, obj, act", "r = obj, sub, act", "definition r")]
#[case::membership_by_domain("g = _, _\n", "g = _, _, _\n", "definition g ")]
#[case::implication_in_the_group_graph("g3 = _, _, _", "g3 = _, _", "definition g3")]
#[case::nesting_gone("g2 = _, _, _\n", "", "definition g2")]
#[case::a_second_request("p = sub, obj, act, eft", "p = sub, obj, act, eft\np2 = sub, obj", "nobody uses")]
fn a_model_of_another_shape_is_refused(#[case] from: &str, #[case] to: &str, #[case] why: &str) {
    let text = EMBEDDED.replace(from, to);
    assert_ne!(text, EMBEDDED);
    let refusal = refusal(&text);
    assert!(refusal.contains(why), "{refusal}");
}

#[rstest]
#[case::lets_everybody_in("true")]
#[case::lets_nobody_in("false")]
#[case::forgets_the_subject("g3(r.act, p.act, p.eft) && g2(r.obj, p.obj, p.act)")]
#[case::forgets_the_object("g3(r.act, p.act, p.eft) && g(r.sub, p.sub)")]
#[case::forgets_the_privilege("g2(r.obj, p.obj, p.act) && g(r.sub, p.sub)")]
#[case::inherits_nothing("g3(r.act, p.act, p.eft) && r.obj == p.obj && g(r.sub, p.sub)")]
#[case::denials_of_nothing(
    r#"g3(r.act, p.act, "allow") && p.eft == "allow" && g2(r.obj, p.obj, p.act) && g(r.sub, p.sub)"#
)]
#[case::an_owner_past_casbin(
    r#"g3(r.act, p.act, p.eft) && g2(r.obj, p.obj, p.act) && g(r.sub, p.sub) || p.act == "OWN""#
)]
#[case::is_no_boolean(r#""yes""#)]
fn a_matcher_that_decides_wrongly_is_refused_at_start(#[case] matcher: &str) {
    assert!(Enforcer::from_model(&with_matcher(matcher)).is_err());
}

#[rstest]
#[case::nothing("")]
#[case::no_matcher("m = ")]
#[case::not_a_model("hello")]
#[case::does_not_compile("m = g(r.sub, p.sub")]
fn a_broken_model_is_an_error(#[case] text: &str) {
    let text = text.strip_prefix("m = ").map_or(text.to_owned(), with_matcher);
    assert!(Enforcer::from_model(&text).is_err());
}

#[test]
fn the_matcher_is_read_whole_to_its_last_word() {
    let model = read(EMBEDDED).unwrap();
    assert!(super::definition(&model, "m", "m").unwrap().ends_with("g(r_sub, p_sub)"));
}

//! What casbin 2.20 does that would let somebody in, or keep everybody out, each with the test that would notice it here.

use std::sync::Arc;

use casbin::{CoreApi, DefaultModel, EffectKind, Effector, Enforcer as Casbin, MgmtApi, RoleManager};
use lakewarden_catalog::clock::StepClock;
use lakewarden_catalog::model::{
    FullName, Name, PrincipalId, PrincipalKind, PrincipalName, Privilege, RequestId, SecurableId, SecurableKind,
};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::grants::{GrantChange, GrantVerb, PrivilegeOn};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Ask, Caller, Gate, Metastore, Need};
use parking_lot::RwLock;
use rstest::rstest;

use crate::Enforcer;
use crate::candidates::ChainWorld;
use crate::effect::{RecordingEffector, heard};
use crate::fixture::{Chain, OBJECT, SCHEMA, analysts, bob, closure, owner_of, principal, securable};
use crate::full::{Full, Records};
use crate::judge::tests::{ANALYSTS, BOB, TABLE, answer, judge_for, row, world};
use crate::judge::{Judge, Row};
use crate::model::tests::{refusal, with_matcher};
use crate::model::{EMBEDDED, ready};
use crate::roles::{Object, Roles, Subject};

const READ: Need = Need::Privilege(Privilege::Select);

fn plain_casbin(text: &str) -> Casbin {
    let model = ready(DefaultModel::from_str(text)).unwrap().unwrap();
    ready(Casbin::new(model, ())).unwrap().unwrap()
}

fn add(casbin: &mut Casbin, kind: &str, fields: &[&str]) {
    let fields = fields.iter().map(ToString::to_string).collect();
    let added = if kind == "p" {
        ready(casbin.add_policy(fields))
    } else {
        ready(casbin.add_named_grouping_policy(kind, fields))
    };
    assert!(added.unwrap().unwrap());
}

// Trap 1: g, g2 and g3 share one graph of casbin's own role manager.

#[rstest]
#[case::a_group_below_a_group("p:1", "p:2", Some("SELECT"))]
#[case::an_object_as_a_group("s:0", "s:2", None)]
#[case::an_object_with_the_number_of_a_group("p:1", "s:1", None)]
#[case::a_privilege_as_a_group("SELECT", "SELECT", None)]
#[case::a_member_as_a_privilege("p:1", "p:1", Some("allow"))]
#[case::ownership_as_a_place("s:0", "s:2", Some("OWN"))]
#[case::an_unknown_question("s:0", "s:2", Some("other"))]
#[case::casbins_empty_row("p:1", "", None)]
#[case::empty_words("", "", Some("allow"))]
#[case::an_effect_in_other_letters("SELECT", "SELECT", Some("ALLOW"))]
#[case::a_name_for_a_number("p:bob", "p:bob", None)]
#[case::a_number_that_is_none("p:-1", "p:-1", None)]
#[case::a_number_too_large("p:99999999999", "p:99999999999", None)]
fn t1_groups_places_and_privileges_share_no_graph(#[case] a: &str, #[case] b: &str, #[case] domain: Option<&str>) {
    let roles = Roles(Arc::new(RwLock::new(world(&closure(bob(), &[analysts()])))));
    assert!(!roles.has_link(a, b, domain));
    assert!(roles.has_link("p:1", "p:2", None), "bob is an analyst");
    assert!(roles.has_link("s:0", "s:2", Some("SELECT")), "a table is in its catalog");
    assert!(roles.has_link("SELECT", "ALL PRIVILEGES", Some("deny")), "and ALL PRIVILEGES has SELECT in it");
}

#[test]
fn t1_a_securable_with_the_uuid_of_a_group_gives_its_members_nothing() {
    let mut chain = Chain::table().open();
    (chain.links[OBJECT].id.0, chain.links[2].id.0) = (bob().0, analysts().0);
    let chain = chain.grant(OBJECT, analysts(), Privilege::Select);
    assert!(!chain.may(&closure(bob(), &[]), READ));
    let parents = [1, 2, 3].map(|level| Some(chain.links[level].id)).into_iter().chain([None]);
    let records = Records { members: vec![], securables: chain.links.iter().cloned().zip(parents).collect() };
    assert!(!Full::new(&records).unwrap().allows(bob(), chain.links[OBJECT].id, READ).unwrap());
}

// Trap 2: casbin gives up on groups nested ten deep, in silence; a denial of an outer group is then lost. And it counts
// wrongly: a second chain of groups beside the first changes what it finds.

#[rstest]
fn t2_a_denial_reaches_through_groups_of_any_depth(
    #[values(1, 9, 10, 11, 12, 50, 200)] depth: u128,
    #[values(false, true)] another_chain_beside: bool,
) {
    let group = |number: u128| principal(100 + number);
    let mut members = vec![(bob(), group(0))];
    members.extend((1..depth).map(|number| (group(number - 1), group(number))));
    if another_chain_beside {
        members.extend((500..500 + depth).map(|number| (group(number), group(number + 1))));
    }
    let chain = Chain::table().open();
    let granted = chain.clone().grant(OBJECT, group(depth - 1), Privilege::Select);
    let denied = chain.grant(OBJECT, bob(), Privilege::Select).deny(SCHEMA, group(depth - 1), Privilege::Select);
    let closure = closure(bob(), &(0..depth).map(group).collect::<Vec<PrincipalId>>());
    for (chain, allowed) in [(granted, true), (denied, false)] {
        assert_eq!(chain.may(&closure, READ), allowed);
        let parents = [1, 2, 3].map(|level| Some(securable(level))).into_iter().chain([None]);
        let securables = chain.links.iter().cloned().zip(parents).collect();
        let full = Full::new(&Records { members: members.clone(), securables }).unwrap();
        assert_eq!(full.allows(bob(), securable(0), READ).unwrap(), allowed);
    }
}

#[test]
fn t2_casbins_own_role_manager_would_lose_that_denial() {
    let text = "[request_definition]\nr = sub\n[policy_definition]\np = sub, eft\n[role_definition]\ng = _, _\n\
        [policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\nm = g(r.sub, p.sub)\n";
    let mut casbin = plain_casbin(text);
    add(&mut casbin, "p", &["bob", "allow"]);
    add(&mut casbin, "p", &["g20", "deny"]);
    add(&mut casbin, "g", &["bob", "g0"]);
    (0..20).for_each(|at| add(&mut casbin, "g", &[&format!("g{at}"), &format!("g{}", at + 1)]));
    assert!(casbin.enforce(("bob",)).unwrap(), "casbin has learned to nest: the own role manager may go");
}

// Trap 3: ownership as a clause of the matcher makes every row match for an owner, a denial of something else too.

#[test]
fn t3_ownership_is_rows_so_that_other_denials_do_not_touch_an_owner() {
    let chain = Chain::table().open();
    let chain = chain.deny(OBJECT, bob(), Privilege::Select).deny(OBJECT, owner_of(OBJECT), Privilege::Modify);
    let chain = chain.deny(SCHEMA, owner_of(OBJECT), Privilege::Execute);
    assert!(chain.owner_may(OBJECT, READ));
    assert!(!chain.owner_may(OBJECT, Need::Privilege(Privilege::Modify)));
    let clause = r#"p.act == "OWN" || (g3(r.act, p.act, p.eft) && g2(r.obj, p.obj, p.act) && g(r.sub, p.sub))"#;
    assert!(Enforcer::from_model(&with_matcher(clause)).is_err());
}

// Trap 4: an effect other than "allow" and "deny" is skipped, so that a denial in other letters is none; one row of wrong
// arity makes every answer an error.

/// A judge with these rows, and a line beside them that is none of ours.
fn with_line(rows: &[Row], fields: &[&str]) -> Judge<ChainWorld> {
    let mut judge = judge_for(&closure(bob(), &[]));
    judge.set_rows(rows).unwrap();
    let policies = judge.casbin().get_mut_model().get_mut_model().get_mut("p").unwrap().get_mut("p").unwrap();
    policies.policy.insert(fields.iter().map(ToString::to_string).collect());
    judge
}

#[rstest]
#[case::three(&["p:1", "s:0", "SELECT"])]
#[case::five(&["p:1", "s:0", "SELECT", "deny", ""])]
#[case::an_effect_in_capitals(&["p:1", "s:0", "SELECT", "DENY"])]
#[case::one_row_more_than_was_asked_about(&["p:1", "s:2", "SELECT", "allow"])]
fn t4_a_line_that_no_row_makes_is_an_error_and_no_answer(#[case] fields: &[&str]) {
    assert!(answer(&with_line(&[row(BOB, TABLE, false)], fields)).is_err());
}

#[test]
fn t4_a_denial_of_what_this_version_does_not_know_is_not_skipped() {
    let chain = Chain::table().open().grant(OBJECT, bob(), Privilege::Select);
    let chain = chain.row(OBJECT, bob(), |row| row.deny.0 |= 1 << 47);
    let (closure, links) = (closure(bob(), &[]), chain.links());
    let ask = Ask { closure: &closure, chain: &links, need: READ };
    let enforcer = Enforcer::new().unwrap();
    assert!(enforcer.decide(&ask).is_err() && !enforcer.allows(&ask));
}

// Trap 5: keyMatch takes `main.sales*` for a prefix of main.sales_secret and panics on other letters than English ones;
// keyMatch2 and regexMatch panic on `t(`. Names never reach casbin.

struct Names {
    metastore: Metastore,
    _folder: tempfile::TempDir,
}

impl Names {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gate, clock) = (Arc::new(Enforcer::new().unwrap()), StepClock::starting_at(1_000_000));
        let metastore = Metastore::open(folder.path(), &OpenOptions::default(), gate, clock).unwrap();
        metastore.bootstrap(&Name::parse("main").unwrap(), &PrincipalName::parse("admin").unwrap()).unwrap();
        let names = Self { metastore, _folder: folder };
        let bob = PrincipalName::parse("b*b(").unwrap();
        names.metastore.create_principal(&names.caller("admin"), PrincipalKind::User, &bob, None).unwrap();
        names
    }

    fn caller(&self, name: &str) -> Caller {
        let name = PrincipalName::parse(name).unwrap();
        let found = self.metastore.principal_for_identity(&name).unwrap();
        let request_id = RequestId(self.metastore.clock().new_id());
        Caller { principal: found.id, name, kind: found.kind, request_id, door: "test" }
    }

    fn catalog(&self, name: &str) -> SecurableId {
        let (name, describe) = (Name::parse(name).unwrap(), Describe::default());
        self.metastore.create_catalog(&self.caller("admin"), &name, &describe).unwrap().securable.id
    }

    fn grant(&self, verb: GrantVerb, privilege: Privilege, on: &str) {
        let privileges = vec![PrivilegeOn { privilege, columns: Vec::new() }];
        let principals = vec![PrincipalName::parse("b*b(").unwrap()];
        let name = FullName::from_parts(&[on]).unwrap();
        let change = GrantChange { verb, privileges, kind: SecurableKind::Catalog, name, principals };
        self.metastore.change_grants(&self.caller("admin"), &change).unwrap();
    }

    fn bob_uses(&self, id: SecurableId) -> bool {
        self.metastore.pin(&self.caller("b*b(")).allows(id, Need::Privilege(Privilege::UseCatalog))
    }
}

#[test]
fn t5_names_that_are_patterns_are_names() {
    let patterns =
        ["sales*", "*", "t(", "[a", "{x}", ":x", "größe", "日本語", "p:1", "s:0", "OWN", "a,b", "\"q\"", "r'#x"];
    let names = Names::new();
    let others = ["sales_secret", "t", "a", "x"].map(|name| names.catalog(name));
    for pattern in patterns {
        let id = names.catalog(pattern);
        assert!(!names.bob_uses(id), "{pattern}");
        names.grant(GrantVerb::Grant, Privilege::UseCatalog, pattern);
        assert!(names.bob_uses(id), "{pattern}");
        assert!(!others.iter().any(|other| names.bob_uses(*other)), "{pattern} gave another");
    }
    names.grant(GrantVerb::Grant, Privilege::UseCatalog, "sales_secret");
    names.grant(GrantVerb::Deny, Privilege::UseCatalog, "sales*");
    assert!(names.bob_uses(others[0]), "the denial on `sales*` is for that catalog only");
}

#[rstest]
#[case("keyMatch(r.obj, p.obj) && g(r.sub, p.sub)", "keyMatch")]
#[case("keyMatch2(r.obj, p.obj)", "keyMatch2")]
#[case("regexMatch (r.obj, p.obj)", "regexMatch")]
fn t5_a_matcher_with_patterns_is_refused(#[case] matcher: &str, #[case] name: &str) {
    assert!(refusal(&with_matcher(matcher)).contains(&format!("may not call `{name}`")));
}

// Trap 6: the effect must be one of four exact texts, or casbin panics when asked; a `#` cuts a rule short in silence; a
// number past 32 bits is an error.

#[rstest]
#[case::other_spacing("some(where (p.eft==allow)) && !some(where (p.eft==deny))")]
#[case::allow_only("some(where (p.eft == allow))")]
#[case::open_unless_denied("!some(where (p.eft == deny))")]
#[case::priority("priority(p.eft) || deny")]
fn t6_an_effect_other_than_deny_overrides_is_refused_and_does_not_panic(#[case] effect: &str) {
    let text = EMBEDDED.replace("some(where (p.eft == allow)) && !some(where (p.eft == deny))", effect);
    assert!(refusal(&text).contains("definition e must read"));
    let mut stream = RecordingEffector.new_stream(effect, 1);
    stream.push_effect(EffectKind::Allow);
    assert!(!stream.next(), "what is not understood allows nothing");
}

#[test]
fn t6_a_matcher_that_casbin_would_cut_at_a_number_sign_is_refused() {
    let text = EMBEDDED.replace(" && g(r.sub, p.sub)", " # && g(r.sub, p.sub)");
    assert!(refusal(&text).contains("cuts a rule short"));
}

#[test]
fn t6_a_matcher_with_numbers_past_32_bits_is_refused() {
    assert!(Enforcer::from_model(&with_matcher("5000000000 > 1")).is_err());
}

// Trap 7: casbin's CachedEnforcer keeps answers after the rules have changed. It isn't built in, and ours goes by what is
// held.

#[test]
fn t7_no_cache_of_casbin_is_built_in() {
    let manifest = include_str!("../../Cargo.toml");
    let casbin = manifest.lines().find(|line| line.starts_with("casbin = ")).unwrap();
    assert!(casbin.contains("default-features = false"), "{casbin}");
    let refused = ["cached", "logging", "explain", "watcher"];
    assert!(refused.iter().all(|feature| !casbin.contains(feature)), "{casbin}");
}

#[test]
fn t7_a_changed_grant_changes_the_next_answer() {
    let names = Names::new();
    let id = names.catalog("c");
    for _ in 0..3 {
        names.grant(GrantVerb::Grant, Privilege::UseCatalog, "c");
        assert!(names.bob_uses(id));
        names.grant(GrantVerb::Deny, Privilege::UseCatalog, "c");
        assert!(!names.bob_uses(id));
        names.grant(GrantVerb::Revoke, Privilege::UseCatalog, "c");
        assert!(!names.bob_uses(id));
    }
}

// Trap 8: clear_policy keeps the links of roles, and adapters load broken rows. There are no links to keep and no adapter.

#[test]
fn t8_no_link_and_no_row_stays_from_the_question_before() {
    let mut judge = judge_for(&closure(bob(), &[analysts()]));
    judge.set_rows(&[row(ANALYSTS, TABLE, false)]).unwrap();
    assert!(answer(&judge).unwrap());
    judge.set_world(world(&closure(bob(), &[])));
    assert!(!answer(&judge).unwrap(), "the group stayed");
    judge.set_world(world(&closure(bob(), &[analysts()])));
    judge.set_rows(&[]).unwrap();
    assert!(!answer(&judge).unwrap(), "the row stayed");
    let roles = judge.casbin().get_role_manager();
    roles.write().add_link("p:1", "p:9", None);
    assert!(!roles.read().has_link("p:1", "p:9", None), "a link was kept beside the records");
    assert!(judge.casbin().get_all_policy().is_empty());
}

// Trap 9: explanations of casbin's own need another feature and walk the rows anew; our effector hears them. A model that
// is not casbin's own is compiled anew by every question.

#[test]
fn t9_every_row_is_heard_in_the_order_of_the_rows_and_by_thread() {
    let ask = |denied: bool| {
        let mut judge = judge_for(&closure(bob(), &[analysts()]));
        judge.set_rows(&[row(BOB, TABLE, false), row(ANALYSTS, TABLE, denied), row(Subject(9), TABLE, true)]).unwrap();
        (answer(&judge).unwrap(), heard(|effects| effects.iter().map(|effect| *effect as u8).collect::<Vec<u8>>()))
    };
    let [allow, nothing, deny] = [EffectKind::Allow, EffectKind::Indeterminate, EffectKind::Deny].map(|e| e as u8);
    assert_eq!(ask(true), (false, vec![allow, deny, nothing]));
    std::thread::spawn(move || assert_eq!(ask(false), (true, vec![allow, allow, nothing]))).join().unwrap();
    heard(|effects| assert_eq!(effects.len(), 3));
}

#[test]
fn t9_the_matcher_is_compiled_once() {
    let mut judge = judge_for(&closure(bob(), &[]));
    let model = judge.casbin().get_model().as_any().downcast_ref::<DefaultModel>();
    assert!(model.unwrap().get_compiled_matcher("m").is_some());
}

// Trap 10: casbin's script engine has no limits, and `eval` runs text from policies.

#[test]
fn t10_no_text_of_a_policy_is_ever_run() {
    assert!(refusal(&with_matcher("eval(p.act)")).contains("may not call `eval`"));
    let judge = with_line(&[], &["p:1", "s:0", "true || g(r_sub, r_sub)", "allow"]);
    assert!(!answer(&judge).unwrap());
}

// Beside the list: without rows casbin asks its matcher about empty words, and allows when that is true; and it allows
// everything when it is switched off.

#[test]
fn without_rows_nothing_is_allowed() {
    assert!(!answer(&judge_for(&closure(bob(), &[]))).unwrap());
    assert!(Enforcer::from_model(&with_matcher(r#"p.eft == "" || g3(r.act, p.act, p.eft)"#)).is_err());
}

#[test]
fn enforcement_is_never_switched_off() {
    assert!(judge_for(&closure(bob(), &[])).casbin().is_enabled());
    assert!(judge_for(&closure(bob(), &[])).ask(BOB, Object(7), crate::words::Wanted::Govern).is_ok_and(|may| !may));
}

//! The plan of the house, held: which crate may know which, who owns a foreign crate, how large a file may grow, what a
//! module may not be called. `docs/architecture.md` is the plan in words. It links nothing big.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

mod arrows;
mod docs;
mod files;
mod source;

use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("`cargo metadata` runs")
}

fn hold(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn crates_know_only_whom_they_may() {
    let crates = arrows::crates(&metadata(), root());
    assert!(crates.len() >= 7, "the workspace was read: {crates:?}");
    hold(&arrows::arrow_faults(&crates), "an arrow that the plan does not have");
}

#[test]
fn foreign_crates_stay_with_their_owners() {
    hold(&arrows::owner_faults(&arrows::crates(&metadata(), root())), "a foreign crate outside its room");
}

#[test]
fn crates_have_no_feature_flags_and_take_the_lints_of_the_workspace() {
    hold(&arrows::manifest_faults(&metadata(), root()), "a manifest against the plan");
}

#[test]
fn files_are_small() {
    let files = files::rust_files(root());
    assert!(files.len() > 100, "the tree was read");
    hold(&files::size_faults(root(), &files), "a file with more than one idea");
}

#[test]
fn no_generated_code_is_kept() {
    hold(&files::generated_faults(root(), &files::rust_files(root())), "generated code in the tree");
}

#[test]
fn modules_say_what_they_hold() {
    hold(&files::name_faults(root(), &files::rust_files(root())), "a module name that says nothing");
}

#[test]
fn documents_lead_somewhere() {
    assert!(docs::documents(root()).len() > 5, "the documents were read");
    hold(&docs::link_faults(root()), "a link to nowhere");
}

#[test]
fn every_call_is_described() {
    hold(&docs::call_faults(root()), "a call that docs/grpc.md does not describe");
}

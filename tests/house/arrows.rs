//! Which crate may know which, and who owns which foreign crate.

use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata};

const OURS: &str = "lakewarden-";

/// Who may know whom, for what is built into the product.
const ARROWS: &[(&str, &[&str])] = &[
    ("lakewarden-proto", &[]),
    ("lakewarden-catalog", &[]),
    ("lakewarden-enforcer", &["lakewarden-catalog"]),
    ("lakewarden-engine", &["lakewarden-catalog"]),
    ("lakewarden-server", &["lakewarden-proto", "lakewarden-catalog", "lakewarden-enforcer", "lakewarden-engine"]),
    ("lakewarden-cli", &["lakewarden-proto"]),
    ("lakewarden-test-support", &["lakewarden-server", "lakewarden-proto"]),
    ("lakewarden", &["lakewarden-server", "lakewarden-cli"]),
];

/// The rooms that a foreign crate may be in. What isn't listed may be anywhere.
const OWNERS: &[(&str, &[&str])] = &[
    ("sled", &["lakewarden-catalog"]),
    ("fs4", &["lakewarden-catalog"]),
    ("imbl", &["lakewarden-catalog"]),
    ("casbin", &["lakewarden-enforcer"]),
    ("datafusion", &["lakewarden-engine"]),
    ("deltalake", &["lakewarden-engine"]),
    ("object_store", &["lakewarden-engine"]),
    ("sqlparser", &["lakewarden-engine"]),
    ("tpchgen", &["lakewarden-engine"]),
    ("tpchgen-arrow", &["lakewarden-engine"]),
    // Answers are Arrow from the engine through the wire to the terminal.
    ("arrow", &["lakewarden-engine", "lakewarden-server", "lakewarden-cli"]),
    ("arrow-flight", &["lakewarden-server"]),
    ("axum", &["lakewarden-server"]),
    ("hyper", &["lakewarden-server"]),
    ("jsonwebtoken", &["lakewarden-server"]),
    ("prometheus", &["lakewarden-server"]),
    ("reqwest", &["lakewarden-server"]),
    ("tokio-rustls", &["lakewarden-server"]),
    ("tonic", &["lakewarden-proto", "lakewarden-server", "lakewarden-cli", "lakewarden-test-support"]),
    ("prost", &["lakewarden-proto", "lakewarden-server", "lakewarden-cli"]),
    ("clap", &["lakewarden-cli"]),
    ("comfy-table", &["lakewarden-cli"]),
    ("indicatif", &["lakewarden-cli"]),
    ("rustyline", &["lakewarden-cli"]),
];

/// A crate of the workspace and what it names in its manifest.
#[derive(Debug)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// What it is built with.
    pub built_with: Vec<String>,
    /// What only its own tests use.
    pub tested_with: Vec<String>,
}

/// The crates of the workspace, without those that a developer keeps under `local/`.
pub fn crates(metadata: &Metadata, root: &Path) -> Vec<Crate> {
    let packages = metadata.workspace_packages().into_iter();
    packages
        .filter(|package| !package.manifest_path.as_std_path().starts_with(root.join("local")))
        .map(|package| {
            let named = |dev: bool| {
                let matching = package.dependencies.iter().filter(|d| (d.kind == DependencyKind::Development) == dev);
                matching.map(|dependency| dependency.name.clone()).collect()
            };
            Crate { name: package.name.to_string(), built_with: named(false), tested_with: named(true) }
        })
        .collect()
}

/// Every arrow between our crates that the plan does not have.
pub fn arrow_faults(crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    for one in crates {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == one.name) else {
            faults.push(format!("{}: the plan has no such crate", one.name));
            continue;
        };
        // The tests at the root come in by every door, so only what the binary is built with counts there.
        let tested_with: &[String] = if one.name == "lakewarden" { &[] } else { &one.tested_with };
        let named = one.built_with.iter().chain(tested_with);
        let wrong = named.filter(|name| name.starts_with(OURS) && !allowed.contains(&name.as_str()));
        faults.extend(wrong.map(|name| format!("{} -> {name}", one.name)));
    }
    faults
}

/// Every foreign crate that stands outside its rooms.
pub fn owner_faults(crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    for one in crates {
        let tested_with: &[String] = if one.name == "lakewarden" { &[] } else { &one.tested_with };
        for name in one.built_with.iter().chain(tested_with) {
            let owners = OWNERS.iter().find(|(foreign, _)| foreign == name).map(|(_, owners)| *owners);
            if let Some(owners) = owners.filter(|owners| !owners.contains(&one.name.as_str())) {
                faults.push(format!("{} uses `{name}`, which belongs to {}", one.name, owners.join(", ")));
            }
        }
    }
    faults
}

/// Every manifest with feature flags, or without the lints of the workspace.
pub fn manifest_faults(metadata: &Metadata, root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for package in metadata.workspace_packages() {
        if package.manifest_path.as_std_path().starts_with(root.join("local")) {
            continue;
        }
        if !package.features.is_empty() {
            faults.push(format!("{}: has feature flags", package.name));
        }
        let text = std::fs::read_to_string(&package.manifest_path).expect("a manifest is readable");
        if !takes_workspace_lints(&text) {
            faults.push(format!("{}: does not take the lints of the workspace", package.name));
        }
    }
    faults
}

fn takes_workspace_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty()) == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, built_with: &[&str], tested_with: &[&str]) -> Vec<Crate> {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        vec![Crate { name: name.to_owned(), built_with: owned(built_with), tested_with: owned(tested_with) }]
    }

    #[test]
    fn an_arrow_backwards_is_a_fault() {
        assert_eq!(
            arrow_faults(&one("lakewarden-catalog", &["sled", "lakewarden-engine"], &[])),
            ["lakewarden-catalog -> lakewarden-engine"]
        );
        assert_eq!(
            arrow_faults(&one("lakewarden-cli", &["lakewarden-proto"], &["lakewarden-server"])),
            ["lakewarden-cli -> lakewarden-server"]
        );
        assert!(arrow_faults(&one("lakewarden-engine", &["lakewarden-catalog"], &[])).is_empty());
    }

    #[test]
    fn a_crate_that_the_plan_does_not_have_is_a_fault() {
        assert_eq!(arrow_faults(&one("lakewarden-misc", &[], &[])).len(), 1);
    }

    #[test]
    fn only_the_tests_at_the_root_may_know_everybody() {
        assert!(arrow_faults(&one("lakewarden", &["lakewarden-cli"], &["lakewarden-engine"])).is_empty());
        assert_eq!(arrow_faults(&one("lakewarden", &["lakewarden-engine"], &[])).len(), 1);
    }

    #[test]
    fn a_foreign_crate_outside_its_room_is_a_fault() {
        assert_eq!(
            owner_faults(&one("lakewarden-server", &["sled"], &[])),
            ["lakewarden-server uses `sled`, which belongs to lakewarden-catalog"]
        );
        assert_eq!(owner_faults(&one("lakewarden-catalog", &[], &["datafusion"])).len(), 1);
        assert!(owner_faults(&one("lakewarden-catalog", &["sled", "serde"], &[])).is_empty());
    }

    #[test]
    fn a_manifest_must_take_the_lints() {
        assert!(takes_workspace_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(!takes_workspace_lints("[package]\nname = \"a\"\n"));
        assert!(!takes_workspace_lints("[lints]\n\n[dependencies]\nworkspace = true\n"));
        assert!(!takes_workspace_lints("[lints.rust]\nworkspace = true\n"));
    }
}

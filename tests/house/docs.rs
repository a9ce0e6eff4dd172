//! What the documents say of the tree: links lead somewhere, and every call is described.

use std::path::{Path, PathBuf};

/// The documents.
pub fn documents(root: &Path) -> Vec<PathBuf> {
    let folders = [root.to_path_buf(), root.join("docs")];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder is readable"));
    let paths = entries.map(|entry| entry.expect("an entry is readable").path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "md")).collect()
}

/// Every link to a file that is not there.
pub fn link_faults(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for document in documents(root) {
        let text = std::fs::read_to_string(&document).expect("a document is readable");
        for link in links(&text) {
            let file = link.split('#').next().unwrap_or_default();
            let there = document.parent().is_some_and(|folder| folder.join(file).exists());
            if !there {
                faults.push(format!("{}: {link}", document.strip_prefix(root).unwrap_or(&document).display()));
            }
        }
    }
    faults
}

/// Every call of the wire that the reference does not describe.
pub fn call_faults(root: &Path) -> Vec<String> {
    let reference = std::fs::read_to_string(root.join("docs/grpc.md")).expect("the reference is readable");
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(root.join("proto/proto/lakewarden/v1")).expect("the protos are there") {
        let proto = std::fs::read_to_string(entry.expect("an entry is readable").path()).expect("a proto is readable");
        let calls = words_after(&proto, "rpc ").map(|call| format!("**{call}**"));
        let services = words_after(&proto, "service ").map(|service| format!("### {service}"));
        faults.extend(calls.chain(services).filter(|heading| !reference.contains(heading.as_str())));
    }
    faults
}

/// The targets of links inside the tree: not those to other sites, nor inside a document.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
}

fn words_after<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().filter_map(move |line| line.trim_start().strip_prefix(start));
    lines.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nowhere_and_a_call_without_a_word_are_faults() {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["docs", "proto/proto/lakewarden/v1"] {
            std::fs::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        let write = |path: &str, text: &str| std::fs::write(root.path().join(path), text).expect("a file");
        write("README.md", "[a](docs/grpc.md#x) [b](docs/none.md) [c](https://example.com/none) [d](#here)");
        write("docs/grpc.md", "### AService\n- **GetA** [up](../README.md)");
        write(
            "proto/proto/lakewarden/v1/a.proto",
            "service AService {\n  rpc GetA(A) returns (A);\n  rpc DropA(A) returns (A);\n}",
        );
        assert_eq!(link_faults(root.path()), ["README.md: docs/none.md"]);
        assert_eq!(call_faults(root.path()), ["**DropA**"]);
    }
}

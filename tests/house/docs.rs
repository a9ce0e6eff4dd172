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

/// Every service and call of the wire that the reference does not describe in the words of its proto file.
pub fn call_faults(root: &Path) -> Vec<String> {
    let reference = std::fs::read_to_string(root.join("docs/grpc.md")).expect("the reference is readable");
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(root.join("proto/proto/lakewarden/v1")).expect("the protos are there") {
        let proto = std::fs::read_to_string(entry.expect("an entry is readable").path()).expect("a proto is readable");
        for (heading, comment) in described(&proto) {
            if !reference.contains(&heading) {
                faults.push(format!("{heading} is missing"));
            } else if !reference.contains(&comment) {
                faults.push(format!("{heading} has other words than `{comment}`"));
            }
        }
    }
    faults
}

/// The heading of each service and call, with the first paragraph of the comment above it.
fn described(proto: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in proto.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push(text.trim());
            continue;
        }
        let name = |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
        let service = line.strip_prefix("service ").map(|rest| format!("### {}", name(rest)));
        let call = line.strip_prefix("rpc ").map(|rest| format!("**{}**", name(rest)));
        if let Some(heading) = service.or(call) {
            let first: Vec<&str> = comment.iter().copied().take_while(|text| !text.is_empty()).collect();
            found.push((heading, first.join(" ")));
        }
        comment.clear();
    }
    found
}

/// The targets of links inside the tree: not those to other sites, nor inside a document.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
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
        write("docs/grpc.md", "### AService\n- **GetA** gives an A. - **PutA** keeps a B. [up](../README.md)");
        write(
            "proto/proto/lakewarden/v1/a.proto",
            "service AService {\n  // gives\n  // an A.\n  //\n  // Errors: none.\n  rpc GetA(A) returns (A);\n  \
             rpc DropA(A) returns (A);\n  // keeps an A.\n  rpc PutA(A) returns (A);\n}",
        );
        assert_eq!(link_faults(root.path()), ["README.md: docs/none.md"]);
        assert_eq!(call_faults(root.path()), ["**DropA** is missing", "**PutA** has other words than `keeps an A.`"]);
    }
}

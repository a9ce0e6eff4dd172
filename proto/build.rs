//! Turns the `.proto` files into Rust in `OUT_DIR`, with a compiler written in Rust: nothing needs to be installed.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message;

const ROOT: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let files = proto_files(&Path::new(ROOT).join("lakewarden").join("v1"))?;
    let mut compiler = protox::Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let mut descriptors = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .btree_map(".lakewarden.v1")
        .bytes(".lakewarden.v1.ExecuteResponse")
        .compile_fds(descriptors.clone())?;
    // The comments are in the generated code; a client that asks for reflection needs the shapes alone.
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("lakewarden.v1.bin"), descriptors.encode_to_vec())?;
    Ok(())
}

/// The `.proto` files of a folder, by name, so that every build sees them in one order.
fn proto_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

//! The TraX library could be a crate of its own: it uses nothing of the rest, and no unsafe code outside its `ffi`.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn trax_uses_nothing_of_the_rest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trax");
    let files = sources(&root);
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (index, _) in text.match_indices("crate::") {
            assert!(text[index..].starts_with("crate::trax"), "{} uses the rest of the crate", file.display());
        }
    }
}

#[test]
fn trax_is_built_without_the_rest() {
    let arguments = "tree --locked --no-default-features --features trax --edges normal,build --prefix none";
    let output = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && tree.starts_with("attrax "), "{tree}");
    for package in ["tch", "torch-sys", "image", "clap", "safetensors", "ureq"] {
        let found = tree.lines().any(|line| line.split(' ').next() == Some(package));
        assert!(!found, "the TraX library depends on {package}:\n{tree}");
    }
}

#[test]
fn unsafe_code_is_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        let unsafe_lines = code.filter(|line| line.contains("unsafe {") || line.contains("unsafe impl")).count();
        let allowed = file.starts_with(root.join("trax/ffi")) || file.ends_with("native.rs");
        assert!(allowed || unsafe_lines == 0, "{} has unsafe code", file.display());
    }
}

//! Every public item is shown in an example.
//!
//! Types, traits and constructors have one of their own; another method may be shown in an example
//! of the same file.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder whose items can be public.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("libtrax") && !path.ends_with("wire") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The name of the public item that a line declares, and whether it is a function.
fn declared(line: &str) -> Option<(&str, bool)> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let (kind, rest) = rest.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    matches!(kind, "fn" | "struct" | "enum" | "trait").then_some((name, kind == "fn"))
}

#[test]
fn everything_public_is_in_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut items, mut missing) = (0, Vec::new());
    for file in sources(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        // What is in the examples of the file.
        let mut examples = String::new();
        let mut inside = false;
        for line in code.lines().map(str::trim_start).filter(|line| line.starts_with("//")) {
            inside ^= line.contains("```");
            if inside {
                examples.push_str(line);
            }
        }
        let mut documented = false;
        for line in code.lines() {
            let trimmed = line.trim_start();
            if let Some((name, function)) = declared(line) {
                items += 1;
                let shown = function && name != "new" && examples.contains(&format!("{name}("));
                if !documented && !shown {
                    missing.push(format!("{}: {name}", file.display()));
                }
            }
            // Attributes stand between an item and its documentation.
            if trimmed.starts_with("///") {
                documented |= trimmed.contains("```");
            } else if !trimmed.starts_with("#[") && !trimmed.is_empty() {
                documented = false;
            }
        }
    }
    assert!(items > 90, "{items} items were found");
    assert!(missing.is_empty(), "without an example:\n{}", missing.join("\n"));
}

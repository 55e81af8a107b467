//! What the crate is built with: Rust alone, unless libtrax is asked for.

use std::process::Command;

/// The packages that the crate is built with.
fn packages(features: &str) -> Vec<String> {
    let arguments = "tree --package trax-rs --edges normal,build --prefix none --target all --features";
    let output = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .arg(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && tree.starts_with("trax-rs "), "{tree}");
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn no_c_and_no_tracker_is_built() {
    let foreign = ["libtrax-sys", "cc", "bindgen", "tch", "torch-sys", "image", "clap"];
    let alone = packages("");
    assert!(!alone.iter().any(|package| foreign.contains(&package.as_str())), "{alone:?}");
    let with_libtrax = packages("libtrax");
    assert!(with_libtrax.iter().any(|package| package == "libtrax-sys"), "{with_libtrax:?}");
}

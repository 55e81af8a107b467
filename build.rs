//! Lets the program find libtorch where it was found now, and name its version.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let libtorch = env::var("DEP_TCH_LIBTORCH_LIB")
        .map_err(|_| "torch-sys did not say where libtorch is (DEP_TCH_LIBTORCH_LIB): run `make setup`")?;
    // A path of its own, because LD_LIBRARY_PATH is not ours when a toolkit starts the binary.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
    println!("cargo:rustc-env=LIBTORCH_VERSION={}", version(Path::new(&libtorch))?);
    Ok(())
}

/// libtorch's version, such as 2.13.0, from the header next to the folder of its libraries.
/// "unknown" without that header: `tch/doc-only` checks without libtorch, and nothing is linked.
fn version(libraries: &Path) -> Result<String, Box<dyn Error>> {
    let header = libraries.with_file_name("include").join("torch/headeronly/version.h");
    println!("cargo:rerun-if-changed={}", header.display());
    if !header.exists() {
        return Ok("unknown".into());
    }
    let text = fs::read_to_string(&header).map_err(|error| format!("{}: {error}", header.display()))?;
    let part = |name: &str| {
        let definition = format!("#define TORCH_VERSION_{name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&definition));
        value.ok_or_else(|| format!("{}: no line \"{definition}\"", header.display()))
    };
    Ok(format!("{}.{}.{}", part("MAJOR")?.trim(), part("MINOR")?.trim(), part("PATCH")?.trim()))
}

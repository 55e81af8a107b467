//! Lets the program find libtorch where it was found now.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let libtorch = env::var("DEP_TCH_LIBTORCH_LIB")
        .map_err(|_| "torch-sys did not say where libtorch is (DEP_TCH_LIBTORCH_LIB): run `make setup`")?;
    // A path of its own, because LD_LIBRARY_PATH is not ours when a toolkit starts the binary.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
    Ok(())
}

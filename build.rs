//! Compiles the kernels, and lets programs find libtorch where it was found now, for the `tracker` feature.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_TRACKER").is_none() {
        return Ok(());
    }
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let libtorch = env::var("DEP_TCH_LIBTORCH_LIB")
        .map_err(|_| "torch-sys did not say where libtorch is (DEP_TCH_LIBTORCH_LIB): run `make setup`")?;
    // A path of its own to each, because LD_LIBRARY_PATH is not ours when a toolkit starts the binary.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
    kernels()
}

/// Compiles the kernels for each width of a processor's vectors that they are written for.
#[cfg(feature = "tracker")]
fn kernels() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/native");
    if env::var("CARGO_CFG_TARGET_ARCH")? != "x86_64" {
        return Ok(());
    }
    let avx512: &[&str] = &["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"];
    for (width, flags) in [("avx2", &["-mavx2", "-mfma"][..]), ("avx512", avx512)] {
        let mut build = cc::Build::new();
        // Optimised in every profile: tests with the compiler's plain code would take minutes. Vectors are never passed to
        // functions that are called, so how they would be does not matter.
        build
            .files(["src/native/block.c", "src/native/stem.c"])
            .opt_level(3)
            .std("gnu11")
            .define("ATTRAX_WIDTH", width);
        for flag in ["-Wno-psabi", "-ffp-contract=fast", "-fno-tree-pre"] {
            build.flag_if_supported(flag);
        }
        for flag in flags {
            build.flag(flag);
        }
        build.try_compile(&format!("attrax-{width}"))?;
    }
    let mut build = cc::Build::new();
    // Products and sums each for themselves, as Rust computes them.
    build
        .file("src/native/crop.c")
        .opt_level(3)
        .std("gnu11")
        .define("ATTRAX_WIDTH", "avx512")
        .flag("-ffp-contract=off");
    for flag in avx512 {
        build.flag(flag);
    }
    Ok(build.try_compile("attrax-crop")?)
}

#[cfg(not(feature = "tracker"))]
fn kernels() -> Result<(), Box<dyn Error>> {
    Ok(())
}

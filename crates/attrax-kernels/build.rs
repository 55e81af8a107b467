//! Compiles the kernels for each width of a processor's vectors that they are written for.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src");
    if env::var("CARGO_CFG_TARGET_ARCH")? != "x86_64" {
        return Ok(());
    }
    let avx2: &[&str] = &["-mavx2", "-mfma"];
    let avx512: &[&str] = &["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"];
    let compile = |name: &str, sources: &[&str], width: &str, flags: &[&[&str]]| {
        let mut build = cc::Build::new();
        // Optimised in every profile: tests with the compiler's plain code would take minutes.
        build.files(sources).opt_level(3).std("gnu11").define("ATTRAX_WIDTH", width);
        // Vectors are never passed to functions that are called, so how they would be does not matter.
        build.flag_if_supported("-Wno-psabi").flag_if_supported("-fno-tree-pre");
        flags.iter().copied().flatten().for_each(|flag| {
            build.flag(flag);
        });
        build.try_compile(name)
    };
    let network = ["src/block.c", "src/stem.c"];
    compile("attrax-avx2", &network, "avx2", &[avx2, &["-ffp-contract=fast"]])?;
    compile("attrax-avx512", &network, "avx512", &[avx512, &["-ffp-contract=fast"]])?;
    // Products and sums each for themselves, as Rust computes them.
    Ok(compile("attrax-crop", &["src/crop.c"], "avx512", &[avx512, &["-ffp-contract=off"]])?)
}

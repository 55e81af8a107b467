//! Compiles the kernels for each vector width of the processor's architecture, and lets tests find
//! libtorch where it was found now.

use std::env;
use std::error::Error;

/// A vector width: its name, the floats in a vector, and the compiler's flags.
type Width<'a> = (&'static str, &'static str, &'a [&'static str]);

/// Without flags: registers of four floats, four to a vector. It runs everywhere, and stands in for
/// AVX-512 in tests.
const PORTABLE: Width<'static> = ("portable", "16", &[]);

const X86_64: &[Width<'static>] = &[
    ("avx512", "16", &["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma"]),
    ("avx2", "8", &["-mavx2", "-mfma"]),
    ("sse2", "8", &["-msse2"]),
    PORTABLE,
];

const AARCH64: &[Width<'static>] = &[("neon", "8", &[]), PORTABLE];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=c");
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    println!("cargo:rustc-check-cfg=cfg(attrax_kernels)");
    if let Ok(libtorch) = env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
    }
    let widths = match env::var("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "x86_64" => X86_64,
        "aarch64" => AARCH64,
        _ => return Ok(()),
    };
    if let Some((_, lanes, flags)) = widths.iter().find(|(name, ..)| *name == "avx512") {
        let flags = [flags, ["-mavx512bf16"].as_slice()].concat();
        compile(&("avx512bf16", lanes, &flags), "rounded", &["c/block.c"], "-ffp-contract=fast")?;
    }
    for width in widths {
        compile(width, "network", &["c/block.c", "c/stem.c"], "-ffp-contract=fast")?;
        // Products and sums are rounded one by one, as Rust computes them.
        compile(width, "crop", &["c/crop.c"], "-ffp-contract=off")?;
    }
    println!("cargo:rustc-cfg=attrax_kernels");
    Ok(())
}

fn compile(
    (name, lanes, flags): &Width<'_>,
    library: &str,
    sources: &[&str],
    contract: &str,
) -> Result<(), Box<dyn Error>> {
    let mut build = cc::Build::new();
    // Optimised in every profile: tests with the compiler's plain code would take minutes.
    build.files(sources).opt_level(3).std("gnu11").define("ATTRAX_WIDTH", *name).define("ATTRAX_LANES", *lanes);
    // No vector is passed to a function that is called, so the calling convention does not matter.
    build.flag_if_supported("-Wno-psabi").flag_if_supported("-fno-tree-pre");
    for flag in flags.iter().copied().chain([contract]) {
        build.flag(flag);
    }
    Ok(build.try_compile(&format!("attrax-{library}-{name}"))?)
}

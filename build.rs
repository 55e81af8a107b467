//! Builds the native parts: libtrax's C code and its declarations for the `trax` feature, the two start-up helpers and the
//! run-time path to libtorch for the `tracker` feature.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

/// libtrax's sources, as the fetch script leaves them.
const LIBTRAX: &str = "vendor/libtrax";

/// libtrax's version, which it reports itself; the fetch script pins the same one.
const LIBTRAX_VERSION: &str = "4.0.2";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_TRAX").is_some() {
        build_libtrax(Path::new(LIBTRAX))?;
    }
    if env::var_os("CARGO_FEATURE_TRACKER").is_some() {
        build_native(Path::new("src/native.c"))?;
    }
    Ok(())
}

/// Compiles libtrax into a static library and writes its declarations to `OUT_DIR/trax.rs`.
fn build_libtrax(sources: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", sources.display());
    println!("cargo:rerun-if-env-changed=LIBCLANG_PATH");
    let header = sources.join("trax.h");
    if !header.is_file() {
        return Err(format!(
            "libtrax's sources are not in {}: run `make setup`, or `vendor/fetch-libtrax` for them alone",
            sources.display()
        )
        .into());
    }
    let mut build = cc::Build::new();
    build
        .include(sources)
        .define("TRAX_STATIC_DEFINE", None)
        .define("TRAX_BUILD_VERSION", format!("\"{LIBTRAX_VERSION}\"").as_str())
        // Its assertions stay on: they stop the process where going on would be undefined behaviour.
        .warnings(false);
    for name in ["trax.c", "region.c", "message.c", "strmap.c", "base64.c", "debug.c"] {
        build.file(sources.join(name));
    }
    build.try_compile("trax")?;
    declare_libtrax(&header)
}

/// Runs bindgen on `trax.h`.
#[cfg(feature = "trax")]
fn declare_libtrax(header: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = bindgen::Builder::default()
        .header(header.display().to_string())
        .clang_arg("-DTRAX_STATIC_DEFINE")
        .allowlist_function("trax_.*")
        .allowlist_type("trax_.*")
        .allowlist_var("TRAX_.*|trax_no_.*")
        .rust_target(bindgen::RustTarget::stable(88, 0).map_err(|error| error.to_string())?)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .merge_extern_blocks(true)
        .layout_tests(false);
    if let Some(include) = compiler_include() {
        builder = builder.clang_arg(format!("-I{}", include.display()));
    }
    let output = PathBuf::from(env::var("OUT_DIR")?).join("trax.rs");
    // bindgen panics where it finds no libclang, in words that do not say what to do here.
    let bindings = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.generate())).map_err(|_| {
        "bindgen could not read trax.h with libclang: run `make setup`, or set LIBCLANG_PATH to the folder of a libclang.so"
    })??;
    bindings.write_to_file(output)?;
    Ok(())
}

/// Without the feature nothing declares libtrax; `main` does not come here either.
#[cfg(not(feature = "trax"))]
fn declare_libtrax(_: &Path) -> Result<(), Box<dyn Error>> {
    Ok(())
}

/// The C compiler's own headers (`stddef.h` and its kin): a libclang from the Python package index brings none.
#[cfg(feature = "trax")]
fn compiler_include() -> Option<PathBuf> {
    let compiler = cc::Build::new().cargo_metadata(false).get_compiler();
    let output = compiler.to_command().arg("-print-file-name=include").output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_absolute().then_some(path)
}

/// Compiles the start-up helpers and lets the binary, tests, examples and benchmarks find libtorch where it was found now.
fn build_native(source: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", source.display());
    cc::Build::new().file(source).try_compile("attrax_native")?;
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let libtorch = env::var("DEP_TCH_LIBTORCH_LIB")
        .map_err(|_| "torch-sys did not say where libtorch is (DEP_TCH_LIBTORCH_LIB): run `make setup`")?;
    // A path of its own to each, because LD_LIBRARY_PATH is not ours when a toolkit starts the binary.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
    Ok(())
}

//! Compiles libtrax's C code into a static library and declares its interface.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

/// libtrax's version, which it reports itself.
const VERSION: &str = "4.0.2";

fn main() -> Result<(), Box<dyn Error>> {
    for name in ["LIBTRAX_DIR", "LIBCLANG_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if env::var_os("DOCS_RS").is_some() {
        // There is no libtrax, and documentation needs none.
        return Ok(std::fs::write(PathBuf::from(env::var("OUT_DIR")?).join("trax.rs"), "")?);
    }
    let sources = sources()?;
    println!("cargo:rerun-if-changed={}", sources.display());
    compile(&sources)?;
    declare(&sources.join("trax.h"))
}

/// The folder of libtrax's sources.
fn sources() -> Result<PathBuf, Box<dyn Error>> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let folder = env::var_os("LIBTRAX_DIR").map_or_else(|| manifest.join("../../vendor/libtrax"), PathBuf::from);
    if ["trax.h", "trax.c"].iter().all(|name| folder.join(name).is_file()) {
        return Ok(folder);
    }
    Err(format!(
        "libtrax {VERSION}'s sources (trax.h, trax.c) are not in {}: set LIBTRAX_DIR to their folder, or run vendor/fetch-libtrax \
         in a clone of attrax",
        folder.display()
    )
    .into())
}

/// Compiles the library. Its assertions stay on: they stop the process where going on would be
/// undefined behaviour.
fn compile(sources: &Path) -> Result<(), Box<dyn Error>> {
    let mut build = cc::Build::new();
    build
        .include(sources)
        .define("TRAX_STATIC_DEFINE", None)
        .define("TRAX_BUILD_VERSION", format!("\"{VERSION}\"").as_str())
        .warnings(false);
    for name in ["trax.c", "region.c", "message.c", "strmap.c", "base64.c", "debug.c"] {
        build.file(sources.join(name));
    }
    Ok(build.try_compile("trax")?)
}

/// Writes the declarations of `trax.h` to `OUT_DIR/trax.rs`.
fn declare(header: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = bindgen::Builder::default()
        .header(header.display().to_string())
        .clang_arg("-DTRAX_STATIC_DEFINE")
        .allowlist_function("trax_.*")
        .allowlist_type("trax_.*")
        .allowlist_var("TRAX_.*|trax_no_.*")
        .rust_target(bindgen::RustTarget::stable(88, 0).map_err(|error| error.to_string())?)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .generate_comments(false)
        .merge_extern_blocks(true)
        .layout_tests(false);
    if let Some(include) = compiler_include() {
        builder = builder.clang_arg(format!("-I{}", include.display()));
    }
    // bindgen panics where it finds no libclang, in words that do not say what to do here.
    let bindings = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.generate())).map_err(|_| {
        "bindgen could not read trax.h with libclang: install it, or set LIBCLANG_PATH to the folder of a libclang.so"
    })??;
    Ok(bindings.write_to_file(PathBuf::from(env::var("OUT_DIR")?).join("trax.rs"))?)
}

/// The C compiler's own headers (`stddef.h` and its kin): a libclang from the Python package index
/// brings none.
fn compiler_include() -> Option<PathBuf> {
    let compiler = cc::Build::new().cargo_metadata(false).get_compiler();
    let output = compiler.to_command().arg("-print-file-name=include").output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_absolute().then_some(path)
}

//! Bindings of [libtrax](https://github.com/votchallenge/trax) 4.0.2, the reference implementation
//! of the TraX protocol.
//!
//! bindgen makes them of `trax.h` when the crate is built; the C sources are compiled then and
//! linked statically. They are under the LGPL-3 and not part of this crate: the variable
//! `LIBTRAX_DIR` names the folder of `trax.h` and `trax.c`, without it `vendor/libtrax` of the
//! workspace is taken. The crate `trax` has a safe interface, with the feature `libtrax`.
//!
//! ```
//! // SAFETY: the function takes nothing and gives a string literal.
//! let version = unsafe { std::ffi::CStr::from_ptr(libtrax_sys::trax_version()) };
//! assert_eq!(version, c"4.0.2");
//! ```

#![allow(missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]

include!(concat!(env!("OUT_DIR"), "/trax.rs"));

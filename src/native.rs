//! What only C can do: loading libtorch's CUDA half at start-up (`native.c`), and an end at once.
//!
//! `native.c` has settings for jemalloc too, which a program that tracks should make its global allocator, as `attrax` does:
//! in glibc's, libtorch spends more time on page faults than on arithmetic.

use std::ffi::c_int;
use std::path::Path;

unsafe extern "C" {
    safe fn attrax_load_cuda() -> c_int;
    safe fn _exit(code: c_int) -> !;
}

/// Loads libtorch's CUDA library where the machine has an NVIDIA driver, and returns whether it is loaded.
///
/// The linker drops that library from the program, which lets one binary serve machines with and without a GPU.
#[must_use]
pub fn load_cuda() -> bool {
    Path::new("/dev/nvidiactl").exists() && attrax_load_cuda() == 1
}

/// Ends the process from any thread while others are at work. `std::process::exit` would first take libtorch apart under them.
pub fn exit_at_once(code: i32) -> ! {
    _exit(code)
}

//! What only C can do: kernels, loading libtorch's CUDA half at start-up, and an end at once.
//!
//! The kernels are C's vectors (`src/native/*.c`), compiled for several widths of a processor's; which of them run is decided at
//! run time.

mod block;
mod crop;
mod lanes;
mod memory;
mod stem;
mod vectors;

use std::path::Path;

pub use self::block::{Kernel, Plane, Rectifier, Shape, Weights};
pub use self::crop::{Columns, Line};
pub use self::lanes::Width;
pub use self::memory::{channels_last, filled, in_place};
pub use self::stem::{Stem, StemShape};
pub use self::vectors::{Work, fuses, with_vectors};

/// Loads libtorch's CUDA library where the machine has an NVIDIA driver, and returns whether it is loaded.
///
/// The linker drops that library from the program, since nothing refers to it, which lets one binary serve machines with and
/// without a GPU. Loaded here, it registers itself with libtorch.
#[must_use]
pub fn load_cuda() -> bool {
    let load = || {
        // SAFETY: the name is a C string; what the library runs as it is loaded is libtorch's own registration.
        let library = unsafe { libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        !library.is_null()
    };
    Path::new("/dev/nvidiactl").exists() && load()
}

/// Ends the process from any thread while others are at work. `std::process::exit` would first take libtorch apart under them.
pub fn exit_at_once(code: i32) -> ! {
    // SAFETY: it has no conditions, and nothing runs after it.
    unsafe { libc::_exit(code) }
}

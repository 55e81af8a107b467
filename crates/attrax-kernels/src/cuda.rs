//! libtorch's CUDA library.

use std::path::Path;

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

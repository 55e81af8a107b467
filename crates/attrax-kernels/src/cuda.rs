//! libtorch's CUDA library.

use std::path::Path;

/// Loads libtorch's CUDA library if the machine has an NVIDIA driver, and returns whether it is
/// loaded.
///
/// The linker drops that library from the program, since nothing refers to it, which lets one
/// binary serve machines with and without a GPU. Loaded here, it registers itself with libtorch.
#[must_use]
pub fn load_cuda() -> bool {
    let load = || {
        // SAFETY: the name is a C string; what the library runs as it is loaded is libtorch's own
        // registration.
        let library = unsafe { libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        !library.is_null()
    };
    has_nvidia_driver(Path::new("/")) && load()
}

/// Whether the machine whose files are in `root` has an NVIDIA driver: its device node, or in WSL2
/// that of the virtual GPU with the driver's library, since other makers' GPUs have the node too.
/// `scripts/env.sh` has the same rule.
#[must_use]
pub fn has_nvidia_driver(root: &Path) -> bool {
    let exists = |path: &str| root.join(path).exists();
    exists("dev/nvidiactl") || exists("dev/dxg") && exists("usr/lib/wsl/lib/libcuda.so.1")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::has_nvidia_driver;

    #[test]
    fn a_driver_is_known_by_its_files() {
        let cases: [(&[&str], bool); 4] = [
            (&[], false),
            (&["dev/nvidiactl"], true),
            (&["dev/dxg"], false),
            (&["dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"], true),
        ];
        for (number, (files, expected)) in cases.into_iter().enumerate() {
            let root = std::env::temp_dir().join(format!("attrax-driver-{}-{number}", std::process::id()));
            fs::create_dir_all(&root).unwrap();
            for file in files {
                let path = root.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            assert_eq!(has_nvidia_driver(&root), expected, "{files:?}");
            fs::remove_dir_all(&root).unwrap();
        }
    }
}

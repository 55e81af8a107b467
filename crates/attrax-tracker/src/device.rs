//! Devices by name.

use std::path::Path;

use attrax_kernels::{has_nvidia_driver, load_cuda};
use tch::{Cuda, Device};

use super::TrackerError;

/// The reason of [`TrackerError::Device`] if the machine has an NVIDIA driver and libtorch's CUDA
/// library cannot be loaded.
pub const NO_CUDA_LIBRARIES: &str = "CUDA's libraries are not installed next to libtorch";
const NO_DRIVER: &str = "the machine has no NVIDIA driver";

/// The device with a name, ready to use: `cpu`, `cuda`, `cuda:N`, or `auto` for the first GPU, or
/// the CPU if there is no GPU.
///
/// Asking for a GPU loads libtorch's CUDA library, which the linker leaves out of programs.
///
/// # Errors
/// [`TrackerError::Device`] if the name is unknown, CUDA's libraries are missing, or there are
/// fewer GPUs.
pub fn device(name: &str) -> Result<Device, TrackerError> {
    let unavailable = |reason: &str| TrackerError::Device { device: name.to_string(), reason: reason.to_string() };
    match name {
        "cpu" => Ok(Device::Cpu),
        "auto" => Ok(if load_cuda() && Cuda::is_available() { Device::Cuda(0) } else { Device::Cpu }),
        _ => {
            let number = if name == "cuda" { "0" } else { name.strip_prefix("cuda:").unwrap_or("") };
            let number: usize = number.parse().map_err(|_| unavailable("known are auto, cpu and cuda:N"))?;
            if !load_cuda() {
                let driver = has_nvidia_driver(Path::new("/"));
                return Err(unavailable(if driver { NO_CUDA_LIBRARIES } else { NO_DRIVER }));
            }
            let count = Cuda::device_count();
            if number as i64 >= count {
                return Err(unavailable(&format!("libtorch sees {count} CUDA devices, numbered from 0")));
            }
            Ok(Device::Cuda(number))
        }
    }
}

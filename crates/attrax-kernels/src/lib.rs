//! Kernels of the attrax tracker in C, each behind a front in Rust that checks its arguments.
//!
//! The kernels use the compiler's vectors and are compiled for several vector widths. The processor decides at run time which
//! of them run.
//!
//! With the feature `libtorch` the crate also gives slices of the memory of tensors, and loads libtorch's CUDA library.

mod block;
mod crop;
#[cfg(feature = "libtorch")]
mod cuda;
mod lines;
#[cfg(feature = "libtorch")]
mod memory;
mod stem;
mod values;
mod vectors;
mod width;

pub use self::block::{Activation, Kernel, Plane, Shape, Weights};
pub use self::crop::{Columns, Line};
#[cfg(feature = "libtorch")]
pub use self::cuda::{has_nvidia_driver, load_cuda};
#[cfg(feature = "libtorch")]
pub use self::memory::{channels_last, filled, in_place};
pub use self::stem::{Stem, StemShape};
pub use self::values::Values;
pub use self::vectors::{Work, fuses, with_vectors};
pub use self::width::{VECTORS, VectorsError, Width};

#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "document-features", doc = "## Feature flags\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]

mod block;
mod cells;
mod crop;
#[cfg(feature = "libtorch")]
mod cuda;
mod dispatch;
mod lines;
#[cfg(feature = "libtorch")]
mod memory;
mod stem;
mod values;
mod vectors;
mod width;

pub use self::block::{Activation, Kernel, Plane, Shape, Weights};
pub use self::cells::Cells;
pub use self::crop::{Columns, Line};
#[cfg(feature = "libtorch")]
pub use self::cuda::{has_nvidia_driver, load_cuda};
#[cfg(feature = "libtorch")]
pub use self::memory::{channels_last, filled, in_place};
pub use self::stem::{Stem, StemShape};
pub use self::values::Values;
pub use self::vectors::{Work, fuses, with_vectors};
pub use self::width::{VECTORS, VectorsError, Width};

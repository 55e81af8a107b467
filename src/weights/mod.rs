//! Files of weights: reading what people have, one canonical form, and the network that is embedded.
//!
//! Nothing here needs libtorch: a [`WeightFile`] is plain memory, and the feature `weights` builds it alone.
//!
//! # Canonical names
//! `vgg-m`: `conv1.weight` (96, 3, 7, 7), `conv2.weight` (256, 96, 5, 5), `conv3.weight` (512, 256, 3, 3), and a `.bias`
//! for each. `efficientnet-lite0`: `stem.weight` (32, 3, 3, 3), `blocks.N.{expand,depthwise,project}.weight`, and a
//! `.bias` for each, where block 0 has no `expand`. Weights are ordered output, input, height, width.

mod array;
mod embedded;
mod error;
mod file;
mod numbers;
mod safetensors_file;

pub use array::{Array, Statistics};
pub use embedded::{EFFICIENTNET_LITE0, embedded};
pub use error::WeightsError;
pub use file::WeightFile;

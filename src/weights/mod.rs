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
#[cfg(feature = "fetch")]
pub mod fetch;
mod file;
mod format;
mod lrn;
mod matconvnet;
mod matlab;
mod matlab_element;
mod numbers;
mod pickle;
mod pickle_input;
mod pickle_machine;
mod read;
mod safetensors_file;
mod state_dict;
mod torch;
mod vgg_m;

pub use array::{Array, Statistics};
pub use embedded::{EFFICIENTNET_LITE0, embedded};
pub use error::WeightsError;
pub use file::WeightFile;
pub use format::Format;
pub use lrn::Lrn;
pub use read::Inspection;
pub use vgg_m::{VGG_M, VGG_M_TENSORS};

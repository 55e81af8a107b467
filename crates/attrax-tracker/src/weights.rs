//! Files of network weights in the safetensors format, and the network that is embedded.
//!
//! Nothing here needs libtorch: a [`WeightFile`] is plain memory, and the feature `weights` builds
//! it alone. Other formats are converted by `attrax-vot weights convert`.
//!
//! # Canonical names
//! `vgg-m`: `conv1.weight` (96, 3, 7, 7), `conv2.weight` (256, 96, 5, 5), `conv3.weight` (512, 256,
//! 3, 3), and a `.bias` for each. `efficientnet-lite0`: `stem.weight` (32, 3, 3, 3),
//! `blocks.N.{expand,depthwise,project}.weight`, and a `.bias` for each, without `expand` in block
//! 0; also `videos.blocks.N...`, trained on videos, and `videos.fc4.weight` (512, 1008),
//! `videos.fc5.weight` (512, 512) with their biases. Weights are ordered output, input, height,
//! width. The metadata `blocks_args` has the shapes of the blocks.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors};

/// The `architecture` in the metadata of the embedded weights.
pub const EFFICIENTNET_LITE0: &str = "efficientnet-lite0";

/// Stem and first eleven blocks of EfficientNet-Lite0, made by
/// `attrax_vot.weights.embed_efficientnet`. See `NOTICE`.
static EMBEDDED: &[u8] = include_bytes!("weights/efficientnet-lite0.safetensors");

/// Its last blocks, fc4 and fc5 after a training on videos, made by `attrax-vot train --alone`. See
/// `docs/weights.md`.
static VIDEOS: &[u8] = include_bytes!("weights/efficientnet-lite0-videos.safetensors");

/// The box head for the network with those blocks, made by `attrax-vot train-boxes`. See
/// `docs/weights.md`.
static BOXES: &[u8] = include_bytes!("weights/box-head.safetensors");

/// Five times what VGG-M's whole network takes, in bytes.
const LARGEST: u64 = 1 << 31;

/// How files of `PyTorch` before 1.6 start: pickle protocol 2, and the magic number as an integer
/// of ten bytes.
const OLD_TORCH: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Why weights cannot be read. Every message is one line that names the file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be opened or read.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
    /// The file is of another format, which can be converted.
    #[error("{}: is a {format} file; convert it with: attrax-vot weights convert {} out.safetensors", path.display(), path.display())]
    Convertible {
        /// The file.
        path: PathBuf,
        /// The format that its first bytes announce.
        format: &'static str,
    },
    /// The content is not a valid safetensors file.
    #[error("{}: damaged weights, or no safetensors file: {}", path.display(), reason.escape_debug())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The first rule of the format that is broken.
        reason: String,
    },
}

/// A tensor of 32-bit floats in row-major order, whatever precision the file used.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The size of every dimension, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements; as many as the product of `shape`.
    pub data: Vec<f32>,
}

/// Named tensors with the metadata of the file they came from.
#[derive(Debug, Clone)]
pub struct WeightFile {
    /// Where the weights came from, for messages.
    pub path: PathBuf,
    /// Tensors of floats by name; integer tensors and other float types are left out.
    pub tensors: BTreeMap<String, Array>,
    /// `architecture`, `source`, `license`, ..., if the file has them.
    pub metadata: BTreeMap<String, String>,
}

impl WeightFile {
    /// Reads a safetensors file.
    ///
    /// # Errors
    /// [`WeightsError::Io`], [`WeightsError::Malformed`], or [`WeightsError::Convertible`] with the
    /// command that converts the file.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let failed = |cause| WeightsError::Io { path: path.into(), cause };
        // Asked before opening, because opening a pipe waits for its other end.
        let about = fs::metadata(path).map_err(failed)?;
        if !about.is_file() {
            return Err(failed(io::Error::other("not a regular file")));
        }
        if about.len() > LARGEST {
            return Err(failed(io::Error::other("too large for a file of weights")));
        }
        let bytes = fs::read(path).map_err(failed)?;
        match other_format(&bytes) {
            Some(format) => Err(WeightsError::Convertible { path: path.into(), format }),
            None => Self::from_safetensors(&bytes, path),
        }
    }

    /// Takes the bytes of a safetensors file; messages use `origin` as its path.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] where the bytes break the format's rules.
    pub fn from_safetensors(bytes: &[u8], origin: &Path) -> Result<Self, WeightsError> {
        let (tensors, metadata) =
            parse(bytes).map_err(|error| WeightsError::Malformed { path: origin.into(), reason: error.to_string() })?;
        Ok(Self { path: origin.into(), tensors, metadata })
    }
}

/// The embedded weights: EfficientNet-Lite0 up to stride 16, batch norms folded into the
/// convolutions, and under names that begin with `videos.` its last blocks, fc4 and fc5 after a
/// training on videos.
///
/// # Errors
/// [`WeightsError::Malformed`] where the embedded bytes are not what the script made, which the
/// tests rule out.
///
/// ```
/// let weights = attrax_tracker::weights::embedded()?;
/// assert_eq!(weights.tensors["stem.weight"].shape, [32, 3, 3, 3]);
/// # Ok::<(), attrax_tracker::weights::WeightsError>(())
/// ```
pub fn embedded() -> Result<WeightFile, WeightsError> {
    let mut file = WeightFile::from_safetensors(EMBEDDED, Path::new("embedded efficientnet-lite0.safetensors"))?;
    let videos = WeightFile::from_safetensors(VIDEOS, Path::new("embedded efficientnet-lite0-videos.safetensors"))?;
    let boxes = WeightFile::from_safetensors(BOXES, Path::new("embedded box-head.safetensors"))?;
    file.tensors.extend(videos.tensors);
    file.tensors.extend(boxes.tensors);
    Ok(file)
}

/// A text in the metadata of the embedded network.
pub(crate) fn embedded_text(key: &str) -> Option<String> {
    let (_, header) = SafeTensors::read_metadata(EMBEDDED).ok()?;
    header.metadata().as_ref()?.get(key).cloned()
}

/// The format that the first bytes announce, of those that `attrax-vot weights convert` reads.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let matlab = bytes.get(124..128);
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(OLD_TORCH) {
        Some("PyTorch")
    } else if matlab == Some(b"\x00\x01IM") || matlab == Some(b"\x01\x00MI") {
        Some("MATLAB")
    } else {
        None
    }
}

/// Tensors and metadata of a safetensors file's bytes.
#[expect(clippy::type_complexity, reason = "the two fields of a WeightFile")]
fn parse(bytes: &[u8]) -> Result<(BTreeMap<String, Array>, BTreeMap<String, String>), SafeTensorError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let mut tensors = BTreeMap::new();
    for (name, view) in SafeTensors::deserialize(bytes)?.tensors() {
        let data = match view.dtype() {
            Dtype::F16 => floats(view.data(), |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => floats(view.data(), |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F32 => floats(view.data(), f32::from_le_bytes),
            Dtype::F64 => floats(view.data(), |b| f64::from_le_bytes(b) as f32),
            _ => continue,
        };
        tensors.insert(name, Array { shape: view.shape().to_vec(), data });
    }
    Ok((tensors, metadata))
}

/// Every group of `N` bytes as a number; the format has checked that nothing is left over.
fn floats<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&group| number(group)).collect()
}

//! The network that travels inside the library.

use std::path::Path;

use super::error::WeightsError;
use super::file::WeightFile;

/// The `architecture` in the metadata of the embedded weights.
pub const EFFICIENTNET_LITE0: &str = "efficientnet-lite0";

/// Stem and first eleven blocks of EfficientNet-Lite0, made by `scripts/embed_efficientnet.py`. See `NOTICE`.
static BYTES: &[u8] = include_bytes!("efficientnet-lite0.safetensors");

/// The embedded weights: EfficientNet-Lite0 up to stride 16, batch norms folded into the convolutions.
///
/// # Errors
/// [`WeightsError::Malformed`] where the embedded bytes are not what the script made, which the tests rule out.
///
/// ```
/// let weights = attrax::weights::embedded()?;
/// assert_eq!(weights.tensor("stem.weight", &[32, 3, 3, 3])?.data.len(), 864);
/// # Ok::<(), attrax::weights::WeightsError>(())
/// ```
pub fn embedded() -> Result<WeightFile, WeightsError> {
    WeightFile::from_safetensors(BYTES, Path::new("embedded efficientnet-lite0.safetensors"))
}

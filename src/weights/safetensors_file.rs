//! The safetensors format, through the crate of that name.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::array::Array;
use super::error::{Fault, WeightsError};
use super::numbers::Number;

/// The format's name in messages.
pub(super) const FORMAT: &str = "safetensors";

/// Tensors by name.
type Tensors = BTreeMap<String, Array>;
/// What a file says about itself.
type Metadata = BTreeMap<String, String>;

/// Tensors and metadata of a safetensors file's bytes. Tensors of integers and of exotic precisions are left out.
///
/// # Errors
/// [`Fault`] where the bytes break the format's rules.
pub(super) fn parse(bytes: &[u8]) -> Result<(Tensors, Metadata), Fault> {
    let refused = |error: safetensors::SafeTensorError| Fault::new(error.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(refused)?;
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let mut tensors = BTreeMap::new();
    for (name, view) in SafeTensors::deserialize(bytes).map_err(refused)?.tensors() {
        let number = match view.dtype() {
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::BF16,
            Dtype::F32 => Number::F32,
            Dtype::F64 => Number::F64,
            _ => continue,
        };
        let data = number.decode(view.data(), false)?;
        tensors.insert(name, Array { shape: view.shape().to_vec(), data });
    }
    Ok((tensors, metadata))
}

/// Writes tensors and metadata, in single precision; the file appears whole or not at all.
///
/// # Errors
/// [`WeightsError::Io`] where the file cannot be written, [`WeightsError::Malformed`] where a tensor's data do not fill
/// its shape.
pub(super) fn write(path: &Path, tensors: &Tensors, metadata: &Metadata) -> Result<(), WeightsError> {
    let refused = |error: safetensors::SafeTensorError| Fault::new(error.to_string()).at(path, FORMAT);
    let bytes: Vec<(&str, &Array, Vec<u8>)> = tensors
        .iter()
        .map(|(name, array)| (name.as_str(), array, array.data.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for (name, array, data) in &bytes {
        views.push((*name, TensorView::new(Dtype::F32, array.shape.clone(), data).map_err(refused)?));
    }
    let metadata: HashMap<String, String> = metadata.clone().into_iter().collect();
    let whole = safetensors::serialize(views, Some(metadata)).map_err(refused)?;
    // Beside the target, so that the last step is a rename within one file system.
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let written = std::fs::write(&partial, whole).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|cause| {
        let _ = std::fs::remove_file(&partial);
        WeightsError::Io { path: path.into(), cause }
    })
}

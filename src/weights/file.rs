//! Weights in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::array::Array;
use super::error::WeightsError;
use super::safetensors_file;

/// Named tensors with the metadata of the file they came from.
#[derive(Debug, Clone)]
pub struct WeightFile {
    /// Where the weights came from, for messages.
    pub path: PathBuf,
    /// Tensors by canonical name (see [the module](super)).
    pub tensors: BTreeMap<String, Array>,
    /// `architecture`, `source`, `license`, ..., where the file says so.
    pub metadata: BTreeMap<String, String>,
}

impl WeightFile {
    /// Writes the weights as safetensors, in single precision. The file appears whole or not at all.
    ///
    /// # Errors
    /// [`WeightsError::Io`] where the file cannot be written, [`WeightsError::Malformed`] where a tensor's data do not
    /// fill its shape.
    pub fn write(&self, path: &Path) -> Result<(), WeightsError> {
        safetensors_file::write(path, &self.tensors, &self.metadata)
    }

    /// The tensor called `name`, which must have the shape `expected` and finite values.
    ///
    /// # Errors
    /// [`WeightsError::Missing`], [`WeightsError::Shape`] or [`WeightsError::NotFinite`], which name file and tensor.
    pub fn tensor(&self, name: &str, expected: &[usize]) -> Result<&Array, WeightsError> {
        let Some(array) = self.tensors.get(name) else {
            let available = self.tensors.keys().cloned().collect();
            return Err(WeightsError::Missing { path: self.path.clone(), name: name.into(), available });
        };
        if array.shape != expected {
            return Err(WeightsError::Shape {
                path: self.path.clone(),
                name: name.into(),
                expected: expected.to_vec(),
                found: array.shape.clone(),
            });
        }
        match array.not_finite() {
            0 => Ok(array),
            count => Err(WeightsError::NotFinite { path: self.path.clone(), name: name.into(), count }),
        }
    }

    /// Checks that the weights do not say that they are of another network than `architecture`.
    ///
    /// # Errors
    /// [`WeightsError::Metadata`] where they do; files without an `architecture` pass.
    pub fn expect_architecture(&self, architecture: &str) -> Result<(), WeightsError> {
        match self.metadata.get("architecture") {
            Some(found) if found != architecture => Err(WeightsError::Metadata {
                path: self.path.clone(),
                key: "architecture".into(),
                found: found.clone(),
                expected: format!("'{architecture}'"),
            }),
            _ => Ok(()),
        }
    }
}

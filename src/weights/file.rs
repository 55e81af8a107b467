//! Weights in memory, and the way in and out of files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::array::Array;
use super::error::WeightsError;
use super::safetensors_file;

/// A safetensors file is read into memory as a whole; VGG-M's three convolutions take 7 MB, its whole network 400 MB.
const LARGEST_FILE: u64 = 1 << 31;

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
    /// Reads a file of weights; its format is found from its content, not from its name.
    ///
    /// # Errors
    /// [`WeightsError::Io`], [`WeightsError::Unrecognised`] or [`WeightsError::Malformed`], which all name the file.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let bytes = read_whole(path).map_err(|cause| WeightsError::Io {
            path: path.into(),
            cause,
        })?;
        Self::from_safetensors(&bytes, path)
    }

    /// Takes the bytes of a safetensors file; `origin` stands for its path in messages.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] where the bytes break the format's rules.
    pub fn from_safetensors(bytes: &[u8], origin: &Path) -> Result<Self, WeightsError> {
        let (tensors, metadata) = safetensors_file::parse(bytes)
            .map_err(|fault| fault.at(origin, safetensors_file::FORMAT))?;
        Ok(Self {
            path: origin.into(),
            tensors,
            metadata,
        })
    }

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
            return Err(WeightsError::Missing {
                path: self.path.clone(),
                name: name.into(),
                available,
            });
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
            count => Err(WeightsError::NotFinite {
                path: self.path.clone(),
                name: name.into(),
                count,
            }),
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

/// The bytes of a regular file of bounded size.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if about.len() > LARGEST_FILE {
        return Err(io::Error::other(format!(
            "{} bytes are too many for a file of weights",
            about.len()
        )));
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

//! From a file of any format to a [`WeightFile`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use super::error::{Fault, WeightsError};
use super::file::WeightFile;
use super::format::{Format, PREFIX};
use super::lrn::Lrn;
use super::matlab::Limits;
use super::{matconvnet, safetensors_file, torch, vgg_m};

/// Formats that are read as a whole; VGG-M's whole network takes 400 MB.
const LARGEST_WHOLE: u64 = 1 << 31;
/// Where only convolutions are wanted: conv3 has 1.2 million elements, the next layers up to 75 million.
const CONVOLUTIONS: Limits = Limits { largest_array: 1 << 22, all_arrays: 1 << 26 };
/// Where everything is wanted: VGG-M has 103 million parameters.
const EVERYTHING: Limits = Limits { largest_array: 1 << 27, all_arrays: 1 << 27 };

/// A file's format, and everything in it under its own names.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What the file is.
    pub format: Format,
    /// The tensors of floats by their own names, and the metadata.
    pub file: WeightFile,
}

impl WeightFile {
    /// Reads a file of weights of any known format, which is found from its content.
    ///
    /// A safetensors file is taken as it is. From all others VGG-M's three convolutions are taken, under their
    /// canonical names, with the response normalisation that belongs to them recorded in the metadata.
    ///
    /// # Errors
    /// [`WeightsError::Io`], [`WeightsError::Unrecognised`] or [`WeightsError::Malformed`]; and for other formats than
    /// safetensors, where VGG-M's convolutions are missing, misshapen or not finite, what
    /// [`WeightFile::expect_vgg_m`] says.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let mut source = Source::open(path)?;
        let (tensors, others, lrn) = match source.format {
            Format::Safetensors => return Self::from_safetensors(&source.whole()?, path),
            Format::Matlab => {
                let network = source.network(CONVOLUTIONS)?;
                (network.tensors, network.skipped.into_keys().collect(), network.lrn)
            }
            Format::TorchZip | Format::TorchOld => {
                let wanted = |name: &str| vgg_m::canonical_name(name).is_some();
                let tensors = source.state_dict(&wanted, CONVOLUTIONS.all_arrays)?;
                (tensors.wanted, tensors.others, None)
            }
        };
        let names: Vec<String> = tensors.keys().cloned().chain(others).collect();
        let (tensors, py_mdnet) = vgg_m::rename(tensors).map_err(|reason| WeightsError::Malformed {
            path: path.into(),
            format: source.format.name(),
            reason,
        })?;
        let mut metadata = BTreeMap::from([("architecture".to_owned(), vgg_m::VGG_M.to_owned())]);
        if let Some(name) = path.file_name() {
            metadata.insert("source".into(), format!("{} ({})", name.to_string_lossy(), source.format));
        }
        lrn.unwrap_or(if py_mdnet { Lrn::PY_MDNET } else { Lrn::VGG_M }).record(&mut metadata);
        let file = Self { path: path.into(), tensors, metadata };
        match file.expect_vgg_m() {
            // The file's own names tell more than the canonical ones that were found.
            Err(WeightsError::Missing { path, name, .. }) => {
                Err(WeightsError::Missing { path, name, available: names })
            }
            Err(error) => Err(error),
            Ok(()) => Ok(file),
        }
    }

    /// Reads everything in a file of any known format: all tensors of floats, under the file's own names. This holds
    /// the whole file in memory, 400 MB for VGG-M's.
    ///
    /// # Errors
    /// [`WeightsError::Io`], [`WeightsError::Unrecognised`] or [`WeightsError::Malformed`].
    pub fn inspect(path: &Path) -> Result<Inspection, WeightsError> {
        let mut source = Source::open(path)?;
        let mut metadata = BTreeMap::new();
        let tensors = match source.format {
            Format::Safetensors => {
                let file = Self::from_safetensors(&source.whole()?, path)?;
                return Ok(Inspection { format: source.format, file });
            }
            Format::Matlab => {
                let network = source.network(EVERYTHING)?;
                if let Some(lrn) = network.lrn {
                    lrn.record(&mut metadata);
                }
                network.tensors
            }
            Format::TorchZip | Format::TorchOld => source.state_dict(&|_| true, EVERYTHING.all_arrays)?.wanted,
        };
        Ok(Inspection { format: source.format, file: Self { path: path.into(), tensors, metadata } })
    }

    /// Takes the bytes of a safetensors file; `origin` stands for its path in messages.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] where the bytes break the format's rules.
    pub fn from_safetensors(bytes: &[u8], origin: &Path) -> Result<Self, WeightsError> {
        let (tensors, metadata) =
            safetensors_file::parse(bytes).map_err(|fault| fault.at(origin, safetensors_file::FORMAT))?;
        Ok(Self { path: origin.into(), tensors, metadata })
    }
}

/// An open file whose format is known.
struct Source<'a> {
    path: &'a Path,
    file: File,
    format: Format,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self, WeightsError> {
        let failed = |cause| WeightsError::Io { path: path.into(), cause };
        // Asked before opening, because opening a pipe waits for its other end.
        let about = std::fs::metadata(path).map_err(failed)?;
        if !about.is_file() {
            return Err(failed(io::Error::other("not a regular file")));
        }
        let mut file = File::open(path).map_err(failed)?;
        let mut prefix = Vec::with_capacity(PREFIX);
        (&mut file).take(PREFIX as u64).read_to_end(&mut prefix).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let format = Format::detect(&prefix, about.len())
            .map_err(|reason| WeightsError::Unrecognised { path: path.into(), reason: reason.into() })?;
        Ok(Self { path, file, format })
    }

    fn whole(&mut self) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(LARGEST_WHOLE + 1).read_to_end(&mut bytes);
        let read = read.and_then(|length| match length as u64 {
            0..=LARGEST_WHOLE => Ok(()),
            _ => Err(io::Error::other("too large for a file of weights")),
        });
        read.map(|()| bytes).map_err(|cause| WeightsError::Io { path: self.path.into(), cause })
    }

    fn network(&mut self, limits: Limits) -> Result<matconvnet::Network, WeightsError> {
        matconvnet::parse(BufReader::new(&mut self.file), limits).map_err(|fault| self.fault(fault))
    }

    fn state_dict(&mut self, wanted: &dyn Fn(&str) -> bool, most: usize) -> Result<torch::Tensors, WeightsError> {
        let parsed = match self.format {
            Format::TorchZip => torch::parse_zip(BufReader::new(&mut self.file), wanted, most),
            _ => torch::parse_old(&self.whole()?, wanted, most),
        };
        parsed.map_err(|fault| self.fault(fault))
    }

    fn fault(&self, fault: Fault) -> WeightsError {
        fault.at(self.path, self.format.name())
    }
}

//! Named tensors that a network is built from.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tch::{Device, Kind, Tensor};

use crate::TrackerError;
use crate::config::Features;
use crate::error::guarded;
use crate::parallel::alone;
use crate::weights::WeightFile;

/// Named tensors, their origin and their file's metadata.
#[derive(Debug)]
pub struct Parameters {
    origin: String,
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
    options: (Kind, Device),
    features: Features,
}

impl Parameters {
    /// Parameters from tensors; `origin` is what errors call them, a path for example. Networks
    /// built from them compute in precision `kind` on `device`.
    #[must_use]
    pub fn new(
        origin: impl Into<String>,
        tensors: impl IntoIterator<Item = (String, Tensor)>,
        metadata: BTreeMap<String, String>,
        kind: Kind,
        device: Device,
    ) -> Self {
        Self {
            origin: origin.into(),
            tensors: tensors.into_iter().collect(),
            metadata,
            options: (kind, device),
            features: Features::Images,
        }
    }

    /// Parameters from a file of weights.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if a tensor's numbers do not fill its shape,
    /// [`TrackerError::OutOfMemory`].
    pub fn from_file(file: &WeightFile, kind: Kind, device: Device) -> Result<Self, TrackerError> {
        guarded(|| alone(|| Self::read(file, kind, device)))
    }

    fn read(file: &WeightFile, kind: Kind, device: Device) -> Result<Self, TrackerError> {
        let origin = file.path.display().to_string();
        let tensors = file.tensors.iter().map(|(name, array)| {
            let shape: Vec<i64> = array.shape.iter().map(|side| *side as i64).collect();
            let tensor = Tensor::from_slice(&array.data).f_view(shape.as_slice());
            tensor.map(|tensor| (name.clone(), tensor)).map_err(|_| TrackerError::Weights {
                origin: origin.clone(),
                problem: format!("the tensor {name} has {} numbers for the shape {shape:?}", array.data.len()),
            })
        });
        let tensors = tensors.collect::<Result<_, _>>()?;
        Ok(Self {
            origin: origin.clone(),
            tensors,
            metadata: file.metadata.clone(),
            options: (kind, device),
            features: Features::Images,
        })
    }

    /// The same parameters; tensors are shared.
    pub(crate) fn share(&self) -> Self {
        self.with_kind(self.options.0)
    }

    /// The same parameters for networks that compute in another precision; tensors are shared.
    #[must_use]
    pub fn with_kind(&self, kind: Kind) -> Self {
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        let (origin, metadata) = (self.origin.clone(), self.metadata.clone());
        Self { origin, tensors, metadata, options: (kind, self.options.1), features: self.features }
    }

    /// The same parameters, of which those are taken that were trained so.
    #[must_use]
    pub fn with_features(self, features: Features) -> Self {
        Self { features, ..self }
    }

    /// The tensor of a name, or its replacement.
    fn get(&self, name: &str) -> Option<&Tensor> {
        let videos = (self.features == Features::Videos).then(|| self.tensors.get(&format!("videos.{name}"))).flatten();
        videos.or_else(|| self.tensors.get(name))
    }

    /// The precision that networks compute in.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.options.0
    }

    /// The architecture that the metadata names.
    #[must_use]
    pub fn architecture(&self) -> Option<&str> {
        self.text("architecture")
    }

    /// A text in the metadata.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Where the network will run.
    #[must_use]
    pub fn device(&self) -> Device {
        self.options.1
    }

    /// Whether there is a tensor of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A tensor of exactly this shape, in the network's precision and on its device.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if it is missing, has another shape, or holds a value that is not
    /// finite.
    pub fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor, TrackerError> {
        let tensor = self.get(name).ok_or_else(|| self.problem(format!("the tensor {name} is missing")))?;
        if tensor.size() != shape {
            return Err(self.problem(format!("the tensor {name} has the shape {:?}, not {shape:?}", tensor.size())));
        }
        if tensor.isfinite().all().int64_value(&[]) == 0 {
            return Err(self.problem(format!("the tensor {name} holds a value that is not finite")));
        }
        Ok(tensor.to_device(self.options.1).to_kind(self.options.0))
    }

    /// A number in the metadata, or the default if the metadata does not have it.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if it is not a number in the range.
    pub fn number(&self, key: &str, default: f64, range: RangeInclusive<f64>) -> Result<f64, TrackerError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let (text, low, high) = (text.escape_debug(), range.start(), range.end());
            self.problem(format!("the metadata {key} = '{text}' is not a number from {low} to {high}"))
        })
    }

    /// An error about these parameters.
    #[must_use]
    pub fn problem(&self, problem: String) -> TrackerError {
        TrackerError::Weights { origin: self.origin.clone(), problem }
    }
}

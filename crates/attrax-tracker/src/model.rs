//! The model: one network and one set of parameters, shared by any number of targets.

use std::sync::{Arc, Mutex, PoisonError};

use tch::Device;

use super::backbone::Parameters;
use super::config::Config;
use super::engine::Engine;
use super::error::guarded;
use super::parallel::alone;
use super::{BoundingBox, TrackerError};

/// The network and the parameters, shared by all targets, on any number of threads.
#[derive(Debug)]
pub struct Model {
    /// Where trackers take theirs from.
    engine: Mutex<Engine>,
    /// What the network was built from.
    parameters: Mutex<Parameters>,
    threads: usize,
    config: Config,
    network: &'static str,
    device: Device,
}

/// The tracker's result for a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Where the target is, pixels.
    pub bounding_box: BoundingBox,
    /// Mean target score of the best candidates; above 0 the target counts as found.
    pub confidence: f64,
    /// Whether the target counts as found.
    pub success: bool,
    /// Probability, 0 to 1, that the box overlaps the target by 0.5 or more, by a curve fitted to
    /// the confidences of the default on ten sequences of VOT-2016. It does not calibrate presets
    /// with scores of another scale.
    pub probability: f64,
}

impl Model {
    /// A model with given weights and parameters, on `threads` threads of the CPU.
    ///
    /// Libtorch works in the calling thread alone while the model is built and while a tracker
    /// works: the model shares crops among threads of its own.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if the weights fit no known network, [`TrackerError::Parameter`]
    /// if a parameter is out of range, [`TrackerError::OutOfMemory`], and
    /// [`TrackerError::Libtorch`] for its other failures.
    pub fn new(parameters: &Parameters, config: Config, threads: usize) -> Result<Arc<Self>, TrackerError> {
        config.validate()?;
        attrax_kernels::Width::chosen()?;
        let parameters = parameters.share().with_features(config.features);
        let engine = guarded(|| alone(|| Engine::new(&parameters, config, threads)))?;
        Ok(Self::of(engine, parameters, threads))
    }

    /// A model with the same weights and other parameters.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn with_config(&self, config: Config) -> Result<Arc<Self>, TrackerError> {
        let of_network = |config: &Config| (config.precision, config.resampling, config.features);
        let parameters = self.parameters.lock().unwrap_or_else(PoisonError::into_inner).share();
        if of_network(&config) != of_network(&self.config) {
            return Self::new(&parameters, config, self.threads);
        }
        config.validate()?;
        let engine = guarded(|| alone(|| Engine::of(self.engine().backbone, &parameters, config)))?;
        Ok(Self::of(engine, parameters, self.threads))
    }

    fn of(engine: Engine, parameters: Parameters, threads: usize) -> Arc<Self> {
        let (network, device) = (engine.backbone.name(), engine.backbone.device());
        let (config, parameters) = (engine.config.clone(), Mutex::new(parameters));
        Arc::new(Self { engine: Mutex::new(engine), parameters, threads, config, network, device })
    }

    /// An engine for one tracker.
    pub(super) fn engine(&self) -> Engine {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).share()
    }

    /// The parameters.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Name of the network's architecture: `vgg-m` or `efficientnet-lite0`.
    #[must_use]
    pub fn network(&self) -> &'static str {
        self.network
    }

    /// The device that the network runs on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }
}

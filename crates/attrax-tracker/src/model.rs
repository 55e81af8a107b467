//! The tracker: one network and one set of parameters, and any number of targets.

use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::backbone::{Backbone, Parameters};
use super::config::Config;
use super::error::guarded;
use super::learning::box_head::BoxHead;
use super::learning::head::Head;
use super::learning::ranking::Ranking;
use super::sampling::{Grids, Sampler, Sampling};
use super::{BoundingBox, Frame, TrackerError};

/// The network and the parameters, shared by all targets.
#[derive(Debug)]
pub struct Model {
    pub(super) backbone: Rc<Backbone>,
    /// Where boxes share passes of the network.
    pub(super) grids: Option<Grids>,
    /// What the network was built from, and on how many threads it runs.
    parameters: Parameters,
    threads: usize,
    /// fc4 and fc5 of the weights, if targets start with them.
    pub(super) trained: Option<[Tensor; 4]>,
    /// The box head, if it is used.
    pub(super) boxes: Option<BoxHead>,
    pub(super) config: Config,
    /// The same as updates train: without the regulariser where they have none.
    pub(super) update_config: Config,
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
    /// A tracker with given weights and parameters, on some threads of the CPU.
    ///
    /// Sets libtorch to one thread in this process: the model shares crops among `threads` its own
    /// threads.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if the weights fit no known network, [`TrackerError::Parameter`]
    /// if a parameter is out of range, [`TrackerError::OutOfMemory`], and
    /// [`TrackerError::Libtorch`] for its other failures.
    pub fn new(parameters: &Parameters, config: Config, threads: usize) -> Result<Rc<Self>, TrackerError> {
        config.validate()?;
        attrax_kernels::Width::chosen()?;
        guarded(|| Self::built(parameters, config, threads))
    }

    fn built(parameters: &Parameters, config: Config, threads: usize) -> Result<Rc<Self>, TrackerError> {
        // The model's threads take whole crops each: libtorch's own threads would synchronise at
        // the end of every operator.
        tch::set_num_threads(1);
        let (kind, device) = (parameters.kind(), parameters.device());
        let parameters = parameters.with_kind(kind).with_features(config.features);
        let backbone = Backbone::new(&parameters)?;
        let passes = config.precision.passes(kind, device, backbone.has_kernels());
        let backbone = if passes == kind { backbone } else { Backbone::new(&parameters.with_kind(passes))? };
        let backbone = backbone.with_threads(threads).with_resampling(config.resampling);
        let backbone = backbone.with_ranking(config.precision.ranking(kind, device));
        let backbone = if config.precision.rounds() { backbone.with_rounding() } else { backbone };
        Self::of(Rc::new(backbone), parameters, threads, config)
    }

    /// A tracker with the same weights and other parameters.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn with_config(&self, config: Config) -> Result<Rc<Self>, TrackerError> {
        let of_network = |config: &Config| (config.precision, config.resampling, config.features);
        if of_network(&config) != of_network(&self.config) {
            return Self::new(&self.parameters, config, self.threads);
        }
        config.validate()?;
        guarded(|| {
            let parameters = self.parameters.with_kind(self.parameters.kind());
            Self::of(Rc::clone(&self.backbone), parameters, self.threads, config)
        })
    }

    fn of(
        backbone: Rc<Backbone>,
        parameters: Parameters,
        threads: usize,
        config: Config,
    ) -> Result<Rc<Self>, TrackerError> {
        let trained = Head::trained(&parameters, backbone.feature_length())?;
        let boxes = Self::box_head(&backbone, &parameters, &config)?;
        let grids = (config.grid > 0).then(|| Grids::new(&backbone, &config));
        let mut update_config = config.clone();
        if !config.attention.updates {
            update_config.attention.lambda = 0.0;
        }
        Ok(Rc::new(Self { backbone, grids, parameters, threads, trained, boxes, config, update_config }))
    }

    /// The box head, if it is used.
    fn box_head(
        backbone: &Backbone,
        parameters: &Parameters,
        config: &Config,
    ) -> Result<Option<BoxHead>, TrackerError> {
        if !config.box_head.is_used() {
            return Ok(None);
        }
        let head = BoxHead::load(parameters, backbone.feature_length() / backbone.cells())?;
        let missing = || config.box_head.refused("the weights have no box head (tensors boxes.*)");
        head.map(Some).ok_or_else(missing)
    }

    /// The parameters.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The network.
    #[must_use]
    pub fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    /// What draws a target's boxes: `sampler` one by one, `rng` on grids.
    pub(super) fn sampling<'a>(&'a self, sampler: &'a mut Sampler, rng: &'a mut ChaCha8Rng) -> Sampling<'a> {
        Sampling { backbone: &self.backbone, config: &self.config, grids: self.grids.as_ref(), sampler, rng }
    }

    /// A target's classifier as it ranks candidates.
    pub(super) fn ranking<'a>(&'a self, head: &'a Head) -> Ranking<'a> {
        Ranking { head, backbone: &self.backbone, config: &self.config }
    }

    /// Features of boxes of a frame: `(boxes, features)`.
    pub fn describe(&self, frame: &Frame, boxes: &[BoundingBox]) -> Tensor {
        self.backbone.describe_in(frame, boxes)
    }
}

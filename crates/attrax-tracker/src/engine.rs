//! The network and the parameters as one thread uses them.
//!
//! A tensor can be given to another thread, not lent: each tracker has an engine, and all engines
//! of a model share the weights' memory.

use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::TrackerError;
use super::backbone::{Backbone, Parameters};
use super::config::{Config, Features};
use super::learning::box_head::BoxHead;
use super::learning::head::Head;
use super::learning::ranking::Ranking;
use super::sampling::{Grids, Sampler, Sampling};

/// The network and the parameters of one tracker.
#[derive(Debug)]
pub(super) struct Engine {
    pub backbone: Backbone,
    /// Where boxes share passes of the network.
    pub grids: Option<Grids>,
    /// fc4 and fc5 of the weights, if targets start with them.
    pub trained: Option<[Tensor; 4]>,
    /// The box head, if it is used.
    pub boxes: Option<BoxHead>,
    pub config: Config,
    /// The same as updates train: without the regulariser where they have none.
    pub update_config: Config,
}

impl Engine {
    /// An engine with given weights and valid parameters, on `threads` threads of the CPU.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if the weights fit no known network.
    pub fn new(parameters: &Parameters, config: Config, threads: usize) -> Result<Self, TrackerError> {
        let (kind, device) = (parameters.kind(), parameters.device());
        let backbone = Backbone::new(parameters)?;
        let passes = config.precision.passes(kind, device, backbone.has_kernels());
        let backbone = if passes == kind { backbone } else { Backbone::new(&parameters.with_kind(passes))? };
        let backbone = backbone.with_threads(threads).with_resampling(config.resampling);
        let backbone = backbone.with_ranking(config.precision.ranking(kind, device));
        let backbone = backbone.with_products(config.precision.ranking(kind, device));
        let backbone = if config.precision.rounds() { backbone.with_rounding() } else { backbone };
        Self::of(backbone, parameters, config)
    }

    /// An engine on a network that is built.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if the weights' fc4 and fc5 or their box head do not fit the
    /// network, [`TrackerError::Parameter`] if they have no box head and it is required.
    pub fn of(backbone: Backbone, parameters: &Parameters, config: Config) -> Result<Self, TrackerError> {
        let trained = Head::trained(parameters, backbone.feature_length())?;
        let boxes = Self::box_head(&backbone, parameters, &config)?;
        let grids = (config.grid > 0).then(|| Grids::new(&backbone, &config));
        let mut update_config = config.clone();
        if !config.attention.updates {
            update_config.attention.lambda = 0.0;
        }
        Ok(Self { backbone, grids, trained, boxes, config, update_config })
    }

    /// The box head, if it is used, the weights have it, and the features are those it was trained
    /// with.
    fn box_head(
        backbone: &Backbone,
        parameters: &Parameters,
        config: &Config,
    ) -> Result<Option<BoxHead>, TrackerError> {
        let settings = &config.box_head;
        if !settings.is_used() || config.features != Features::Videos {
            return Ok(None);
        }
        let head = BoxHead::load(parameters, backbone.feature_length() / backbone.cells())?;
        if head.is_none() && settings.required {
            return Err(settings.refused("the weights have no box head (tensors boxes.*)"));
        }
        Ok(head)
    }

    /// The same engine for another thread, its weights shared.
    pub fn share(&self) -> Self {
        Self {
            backbone: self.backbone.share(),
            grids: self.grids.as_ref().map(Grids::share),
            trained: self.trained.as_ref().map(|tensors| tensors.each_ref().map(Tensor::shallow_clone)),
            boxes: self.boxes.as_ref().map(BoxHead::share),
            config: self.config.clone(),
            update_config: self.update_config.clone(),
        }
    }

    /// The classifier of a new target before it is trained.
    pub fn untrained_head(&self, rng: &mut ChaCha8Rng) -> Head {
        let (backbone, head) = (&self.backbone, &self.config.head);
        let draw = (head.draw, head.deviation);
        Head::random(backbone.feature_length(), draw, self.trained.as_ref(), Kind::Float, backbone.device(), rng)
    }

    /// What draws a target's boxes: `sampler` one by one, `rng` on grids.
    pub fn sampling<'a>(&'a self, sampler: &'a mut Sampler, rng: &'a mut ChaCha8Rng) -> Sampling<'a> {
        Sampling { backbone: &self.backbone, config: &self.config, grids: self.grids.as_ref(), sampler, rng }
    }

    /// A target's classifier as it ranks candidates.
    pub fn ranking<'a>(&'a self, head: &'a Head) -> Ranking<'a> {
        Ranking { head, backbone: &self.backbone, config: &self.config }
    }
}

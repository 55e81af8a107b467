//! The tracker: one network and one set of parameters, and any number of targets.

use std::rc::Rc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Parameters};
use super::config::{Config, Samples};
use super::head::Head;
use super::learner::{scores, train};
use super::profile::{self, Stage};
use super::regression::BoxRegression;
use super::sampler::{Accept, Sampler, Spread};
use super::samples::{FrameSamples, Memory, Pool};
use super::{BoundingBox, Frame, TrackerError};

/// Spread of positive samples (MDNet).
const POSITIVE_SPREAD: Spread = Spread::Gaussian { translation: 0.1, scale: 1.3 };
/// Spread of the negative samples near the target in the first frame (MDNet).
const INITIAL_NEGATIVE_SPREAD: Spread = Spread::Uniform { translation: 1.0, scale: 1.6, aspect: 1.1 };
/// Spread of the negative samples over the whole first frame (MDNet).
const WHOLE_FRAME_SPREAD: Spread = Spread::WholeFrame { scale: 1.6 };
/// Spread of the negative samples of later frames (MDNet).
const UPDATE_NEGATIVE_SPREAD: Spread = Spread::Uniform { translation: 2.0, scale: 1.3, aspect: 1.0 };
/// Spread of the samples of box regression (MDNet).
const REGRESSION_SPREAD: Spread = Spread::Uniform { translation: 0.3, scale: 1.6, aspect: 1.1 };

/// The network and the parameters, shared by all targets.
#[derive(Debug)]
pub struct Engine {
    backbone: Rc<Backbone>,
    config: Config,
}

/// What the tracker says about a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Where the target is, pixels.
    pub bounding_box: BoundingBox,
    /// Mean target score of the best candidates; above 0 the target counts as found.
    pub confidence: f64,
    /// Whether the target counts as found.
    pub success: bool,
}

impl Engine {
    /// A tracker with given weights and parameters, on some threads of the CPU.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if the weights fit no known network, [`TrackerError::Parameter`] if a parameter is out
    /// of range.
    pub fn new(parameters: &Parameters, config: Config, threads: usize) -> Result<Rc<Self>, TrackerError> {
        config.validate()?;
        Ok(Rc::new(Self { backbone: Rc::new(Backbone::new(parameters)?.with_threads(threads)), config }))
    }

    /// A tracker with the same network and other parameters.
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] if a parameter is out of range.
    pub fn with_config(&self, config: Config) -> Result<Rc<Self>, TrackerError> {
        config.validate()?;
        Ok(Rc::new(Self { backbone: Rc::clone(&self.backbone), config }))
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

    /// Starts tracking the target inside `region` (pixels), which is clipped to the frame.
    ///
    /// `stream` numbers the initialisations of a run: each draws from a random stream of its own, so that repetitions
    /// differ and a run is reproduced exactly from its seed.
    ///
    /// # Errors
    /// [`TrackerError::Region`] if the region is empty, not finite or outside the frame.
    pub fn initialize(
        self: &Rc<Self>,
        frame: &Frame,
        region: BoundingBox,
        stream: u64,
    ) -> Result<Tracker, TrackerError> {
        let region = region.for_initialization(frame.width(), frame.height())?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        rng.set_stream(stream.wrapping_mul(2));
        let mut sampler_rng = rng.clone();
        sampler_rng.set_stream(stream.wrapping_mul(2).wrapping_add(1));
        let head = Head::random(self.backbone.feature_length(), Kind::Float, self.backbone.device(), &mut rng);
        let mut tracker = Tracker {
            engine: Rc::clone(self),
            head,
            regression: None,
            positives: Memory::new(self.config.positive_frames),
            negatives: Memory::new(self.config.negative_frames),
            sampler: Sampler::new(frame.size(), sampler_rng),
            rng,
            frame_size: frame.size(),
            target: region,
            reported: region,
            success: true,
            frames: 0,
        };
        tracker.learn_first_frame(frame);
        Ok(tracker)
    }

    /// Features of boxes of a frame: `(boxes, features)`.
    pub fn describe(&self, frame: &Frame, boxes: &[BoundingBox]) -> Tensor {
        self.backbone.describe(&boxes.iter().map(|b| (frame, *b)).collect::<Vec<_>>())
    }

    fn samples(&self, frame: &Frame, boxes: Vec<BoundingBox>) -> FrameSamples {
        let features = self.describe(frame, &boxes);
        FrameSamples { frame: frame.clone(), boxes, features }
    }
}

/// One target being tracked.
#[derive(Debug)]
pub struct Tracker {
    engine: Rc<Engine>,
    head: Head,
    regression: Option<BoxRegression>,
    positives: Memory,
    negatives: Memory,
    sampler: Sampler,
    rng: ChaCha8Rng,
    frame_size: (u32, u32),
    /// Where the next candidates are drawn: the reported box, or without feedback of the box regression the mean of the
    /// best candidates.
    target: BoundingBox,
    /// The last box that was reported.
    reported: BoundingBox,
    /// Whether the target was found in the last frame.
    success: bool,
    /// Frames since the initialisation.
    frames: usize,
}

impl Tracker {
    /// Trains the classifier and the box regression on the first frame.
    fn learn_first_frame(&mut self, frame: &Frame) {
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        let target = self.target;
        let Samples { positives, negatives, positive_overlap, negative_overlap } = config.initial_samples;
        let mut positive_boxes =
            self.sampler.draw_accepted(target, POSITIVE_SPREAD, positives, Accept::overlap(positive_overlap, 1.0));
        if positive_boxes.is_empty() {
            // A target of a few pixels: no varied box overlaps it enough, so the classifier learns from the box itself.
            positive_boxes.push(target);
        }
        let accept = Accept::overlap(0.0, negative_overlap);
        let near = negatives / 2;
        let mut negative_boxes = self.sampler.draw_accepted(target, INITIAL_NEGATIVE_SPREAD, near, accept);
        negative_boxes.extend(self.sampler.draw_accepted(target, WHOLE_FRAME_SPREAD, negatives - near, accept));
        let positive = engine.samples(frame, positive_boxes);
        let negative = engine.samples(frame, negative_boxes);
        if let Some(pool) = Pool::new(&[&positive]) {
            let other = Pool::new(&[&negative]);
            let schedule = &config.initial_training;
            train(&self.head, &engine.backbone, config, schedule, (&pool, other.as_ref()), &mut self.rng);
        }
        self.positives.push(positive);
        self.remember_negatives(frame);

        let accept = Accept { overlap: (config.regression_overlap, 1.0), area_ratio: config.regression_area };
        let boxes = self.sampler.draw_accepted(target, REGRESSION_SPREAD, config.regression_samples, accept);
        if !boxes.is_empty() {
            let features = engine.describe(frame, &boxes);
            match BoxRegression::fit(&features, &boxes, target, config.regression_alpha) {
                Ok(regression) => self.regression = Some(regression),
                Err(error) => log::warn!("tracking without box regression: {error}"),
            }
        }
    }

    /// Finds the target in the next frame, and learns from it.
    ///
    /// # Errors
    /// [`TrackerError::FrameSize`] if the frame's size differs from the first one's; the tracker stays as it was.
    pub fn track(&mut self, frame: &Frame) -> Result<Estimate, TrackerError> {
        if frame.size() != self.frame_size {
            return Err(TrackerError::FrameSize { expected: self.frame_size, found: frame.size() });
        }
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        self.frames += 1;
        let translation = if self.success { config.translation } else { config.failure_translation };
        let spread = Spread::Gaussian { translation, scale: config.scale };
        let candidates = self.sampler.draw(self.target, spread, config.candidates);
        let features = engine.describe(frame, &candidates);
        let (confidence, best) = self.best(&features);
        let boxes: Vec<BoundingBox> = best.iter().map(|i| candidates[*i as usize]).collect();
        self.success = confidence > 0.0;
        if self.success {
            let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
            self.target = BoundingBox::mean(&boxes).unwrap_or(self.target).confined(width, height);
            let refined = self.refine(&features, &best, &boxes).unwrap_or(self.target);
            self.reported = refined.clipped(width, height).unwrap_or(self.target);
            if config.regression_feedback {
                self.target = self.reported.confined(width, height);
            }
            self.remember(frame);
        }
        self.update();
        Ok(Estimate { bounding_box: self.reported, confidence, success: self.success })
    }

    /// Mean score of the best candidates, and their positions.
    fn best(&self, features: &Tensor) -> (f64, Vec<i64>) {
        let _span = profile::span(Stage::Scoring);
        let count = self.engine.config.best.min(self.engine.config.candidates);
        let scores = scores(&self.head, &self.engine.backbone, &self.engine.config, features);
        let (values, order) = scores.topk(count as i64, 0, true, true);
        let mut best = vec![0i64; count];
        order.to_device(Device::Cpu).copy_data(&mut best, count);
        (values.mean(Kind::Double).double_value(&[]), best)
    }

    /// Mean of the boxes after regression.
    fn refine(&self, features: &Tensor, best: &[i64], boxes: &[BoundingBox]) -> Option<BoundingBox> {
        let index = Tensor::from_slice(best).to_device(features.device());
        let refined = self.regression.as_ref()?.refine(&features.index_select(0, &index), boxes);
        BoundingBox::mean(&refined)
    }

    /// Collects samples around the target in a frame where it was found.
    fn remember(&mut self, frame: &Frame) {
        let engine = Rc::clone(&self.engine);
        let samples = &engine.config.update_samples;
        let accept = Accept::overlap(samples.positive_overlap, 1.0);
        let boxes = self.sampler.draw_accepted(self.target, POSITIVE_SPREAD, samples.positives, accept);
        self.positives.push(engine.samples(frame, boxes));
        self.remember_negatives(frame);
    }

    fn remember_negatives(&mut self, frame: &Frame) {
        let engine = Rc::clone(&self.engine);
        let samples = &engine.config.update_samples;
        let accept = Accept::overlap(0.0, samples.negative_overlap);
        let boxes = self.sampler.draw_accepted(self.target, UPDATE_NEGATIVE_SPREAD, samples.negatives, accept);
        self.negatives.push(engine.samples(frame, boxes));
    }

    /// The short-term update after a failure, the long-term update every few frames.
    fn update(&mut self) {
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        let frames = if !self.success {
            log::debug!("frame {}: target not found, short-term update", self.frames);
            config.negative_frames
        } else if self.frames.is_multiple_of(config.long_interval) {
            log::debug!("frame {}: long-term update", self.frames);
            config.positive_frames
        } else {
            return;
        };
        if let Some(positives) = self.positives.last(frames) {
            let negatives = self.negatives.last(config.negative_frames);
            let schedule = &config.update_training;
            train(&self.head, &engine.backbone, config, schedule, (&positives, negatives.as_ref()), &mut self.rng);
        }
    }
}

//! What is trained for one target: its classifier and its box regression, the samples that they
//! learn from, and when they learn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::config::{Config, Schedule};
use super::engine::Engine;
use super::learning::head::{Head, TARGET};
use super::learning::memory::{Described, FrameSamples, Memory, Pool};
use super::learning::ranking::Ranking;
use super::learning::regression::{BoxRegression, refined};
use super::learning::train::{scores, train};
use super::maps::Classifier;
use super::profile::{self, Stage};
use super::sampling::{Sampler, Sampling, Seen};
use super::{BoundingBox, Frame, TrackerError};

/// Samples of a copy of the first frame, for each of the first frame itself.
const COPY_SHARE: f64 = 0.25;

/// The classifier and the box regression of one target, and its samples.
#[derive(Debug)]
pub(super) struct Learner {
    pub engine: Engine,
    head: Head,
    regression: Option<BoxRegression>,
    positives: Memory,
    negatives: Memory,
    sampler: Sampler,
    rng: ChaCha8Rng,
    /// The last update's final velocity, if it is kept.
    velocity: Option<Tensor>,
    /// The score that the target's box has in the first frame after training, if a threshold is a
    /// share of it.
    first_score: f64,
}

/// The best candidates of a frame.
pub(super) struct Best {
    /// Their mean score of the target.
    pub confidence: f64,
    pub boxes: Vec<BoundingBox>,
    /// Mean of the boxes after regression, if there is any.
    pub refined: Option<BoundingBox>,
}

impl Learner {
    /// A learner that has learnt the target inside a box of the first frame, with a random stream.
    pub fn new(engine: Engine, frame: &Frame, target: BoundingBox, stream: u64) -> Result<Self, TrackerError> {
        let mut rng = ChaCha8Rng::seed_from_u64(engine.config.seed);
        rng.set_stream(stream.wrapping_mul(2));
        let mut sampler_rng = rng.clone();
        sampler_rng.set_stream(stream.wrapping_mul(2).wrapping_add(1));
        let mut learner = Self {
            head: engine.untrained_head(&mut rng),
            regression: None,
            positives: Memory::new(engine.config.positive_frames),
            negatives: Memory::new(engine.config.negative_frames),
            engine,
            sampler: Sampler::new(frame.size(), sampler_rng).for_target(target),
            rng,
            velocity: None,
            first_score: 0.0,
        };
        learner.learn_first_frame(frame, target)?;
        Ok(learner)
    }

    /// The parameters.
    pub fn config(&self) -> &Config {
        &self.engine.config
    }

    /// The classifier as it is now.
    pub fn classifier(&self) -> Classifier<'_> {
        Classifier { engine: &self.engine, head: &self.head }
    }

    /// Whether a confidence is above a share of the score of the first frame.
    pub fn is_above(&self, confidence: f64, share: f64) -> bool {
        confidence > share * self.first_score
    }

    /// Trains the classifier and the box regression on the first frame.
    fn learn_first_frame(&mut self, frame: &Frame, target: BoundingBox) -> Result<(), TrackerError> {
        let (positive, negative, near) = self.sampling().first(frame, target, 1.0);
        let copies = self.samples_of_copies(frame, target);
        let config = &self.engine.config;
        let all = |first, more: fn(&(FrameSamples, FrameSamples)) -> &FrameSamples| {
            Pool::new(&std::iter::once(first).chain(copies.iter().map(more)).collect::<Vec<_>>())
        };
        if let Some(pool) = all(&positive, |(positive, _)| positive) {
            let other = all(&negative, |(_, negative)| negative);
            let schedule = &config.initial_training;
            let pools = (&pool, other.as_ref());
            // The updates begin at rest, as the released code's second optimiser does.
            let _ = train(&self.head, &self.engine.backbone, config, schedule, pools, None, &mut self.rng);
        }
        if config.first_frame_trimmed {
            self.positives.push(positive.first(config.update_samples.positives));
            self.negatives.push(negative.first(config.update_samples.negatives));
        } else {
            self.positives.push(positive);
            let negatives = self.sampling().negatives(frame, target);
            self.negatives.push(negatives);
        }
        let config = &self.engine.config;
        if config.failure.threshold != 0.0 || config.failure.follow != 0.0 {
            let backbone = &self.engine.backbone;
            let features = backbone.describe_in(frame, &[target]);
            self.first_score = scores(&self.head, backbone, config, &features).double_value(&[0, TARGET]);
        }
        self.check_numbers(1)?;
        self.fit_regression(frame, target, near);
        Ok(())
    }

    /// Learns the target's box in a later frame, the `number`th, as long as a first frame. What was
    /// learnt before stays.
    pub fn correct(&mut self, frame: &Frame, target: BoundingBox, number: usize) -> Result<(), TrackerError> {
        self.velocity = None;
        self.sampler.fit_target(target);
        let (positive, negative, near) = self.sampling().first(frame, target, 1.0);
        self.positives.push(positive);
        self.negatives.push(negative);
        let config = &self.engine.config;
        let (frames, schedule) = (config.positive_frames, config.initial_training.clone());
        // The next update begins at rest, as after a first frame.
        let _ = self.train_on_memory(frames, &schedule);
        self.check_numbers(number)?;
        self.fit_regression(frame, target, near);
        Ok(())
    }

    /// Fits the box regression on the target's box in a frame; `near` are samples that overlap it,
    /// if there are some already.
    fn fit_regression(&mut self, frame: &Frame, target: BoundingBox, near: Option<Described>) {
        let Described { boxes, features, .. } = self.sampling().regression(frame, target, near);
        if !boxes.is_empty() {
            match BoxRegression::fit(&features, &boxes, target, self.engine.config.regression_alpha) {
                Ok(regression) => self.regression = Some(regression),
                Err(error) => log::warn!("tracking without box regression: {error}"),
            }
        }
    }

    /// Samples of copies of the first frame: as if the target moved, along the rows and along the
    /// columns; and as if it turned, to either side.
    fn samples_of_copies(&mut self, frame: &Frame, target: BoundingBox) -> Vec<(FrameSamples, FrameSamples)> {
        let (config, mut copies) = (&self.engine.config, Vec::new());
        let radius = (config.first_frame_blur / 2.0 * target.mean_side()).round() as u32;
        if radius > 0 {
            copies.extend([true, false].map(|along_rows| frame.blurred(radius, along_rows)));
        }
        let angle = config.first_frame_rotation.to_radians();
        if angle > 0.0 {
            copies.extend([-angle, angle].map(|angle| frame.rotated(angle, target.centre())));
        }
        let samples = |copy: Frame| {
            let (positive, negative, _) = self.sampling().first(&copy, target, COPY_SHARE);
            (positive, negative)
        };
        copies.into_iter().map(samples).collect()
    }

    /// The candidates of a frame around a box, drawn up to `translation` mean sides from it.
    pub fn candidates(&mut self, frame: &Frame, around: BoundingBox, translation: f64) -> Seen {
        let ranking = self.engine.ranking(&self.head);
        self.engine.sampling(&mut self.sampler, &mut self.rng).candidates(frame, around, translation, ranking)
    }

    /// The best candidates. What is needed of them comes from the device in one piece: to wait for
    /// it is the one pause in a frame without an update, but for [`Ranking::best_place`].
    pub fn best(&self, seen: &Described, around: BoundingBox) -> Best {
        let _span = profile::span(Stage::Scoring);
        let (candidates, features) = (&seen.boxes, &seen.features);
        let count = self.engine.config.best.min(candidates.len());
        let (order, values) = self.ranking().ranked(seen, around, count as i64);
        let column = |tensor: &Tensor| tensor.to_kind(Kind::Double).unsqueeze(1);
        let mut columns = vec![column(&order), column(&values)];
        if let Some(regression) = &self.regression {
            columns.push(regression.predict(&features.index_select(0, &order)));
        }
        let table = Tensor::cat(&columns, 1).to_device(Device::Cpu).contiguous();
        let mut numbers = vec![0f64; table.numel()];
        let length = numbers.len();
        table.copy_data(&mut numbers, length);
        let rows: Vec<&[f64]> = numbers.chunks_exact((length / count.max(1)).max(1)).collect();
        let boxes: Vec<BoundingBox> = rows.iter().map(|row| candidates[row[0] as usize]).collect();
        let moved = boxes.iter().zip(&rows).filter_map(|(b, row)| refined(*b, &row[2..]));
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / count as f64;
        Best { confidence: mean(1), refined: BoundingBox::mean(&moved.collect::<Vec<_>>()), boxes }
    }

    /// Remembers samples of a frame in which the target was found.
    pub fn remember(&mut self, frame: &Frame, target: BoundingBox, seen: &Seen) {
        let (positives, negatives) = self.sampling().later(frame, target, seen);
        self.positives.push(positives);
        self.negatives.push(negatives);
    }

    /// The short-term update after a failure, the long-term update every few frames: `frames`
    /// frames after the initialisation, and in the `lost`th frame in a row without the target.
    pub fn update(&mut self, frames: usize, lost: usize) {
        let config = &self.engine.config;
        let remembered = if lost > 0 {
            if !(lost - 1).is_multiple_of(config.failure.interval) {
                return;
            }
            log::debug!("frame {frames}: target not found, short-term update");
            config.negative_frames
        } else if frames.is_multiple_of(config.long_interval) {
            log::debug!("frame {frames}: long-term update");
            config.positive_frames
        } else {
            return;
        };
        let (schedule, momentum_kept) = (config.update_training.clone(), config.momentum_kept);
        if let Some(velocity) = self.train_on_memory(remembered, &schedule) {
            self.velocity = momentum_kept.then_some(velocity);
        }
    }

    /// Trains the classifier on the positive samples of the last `frames` frames and the negative
    /// ones that are kept, from the kept velocity on. Returns the final velocity, or `None` without
    /// positive samples.
    fn train_on_memory(&mut self, frames: usize, schedule: &Schedule) -> Option<Tensor> {
        let engine = &self.engine;
        let positives = self.positives.last(frames)?;
        let negatives = self.negatives.last(engine.config.negative_frames);
        let pools = (&positives, negatives.as_ref());
        let velocity = self.velocity.take();
        Some(train(&self.head, &engine.backbone, &engine.update_config, schedule, pools, velocity, &mut self.rng))
    }

    /// The classifier as it ranks candidates.
    fn ranking(&self) -> Ranking<'_> {
        self.engine.ranking(&self.head)
    }

    /// What draws this target's boxes.
    fn sampling(&mut self) -> Sampling<'_> {
        self.engine.sampling(&mut self.sampler, &mut self.rng)
    }

    /// Makes sure that the training on a frame, the `number`th, has not diverged: one number of the
    /// head that is not finite spreads to every score.
    fn check_numbers(&self, number: usize) -> Result<(), TrackerError> {
        if self.head.flat().isfinite().all().int64_value(&[]) != 0 && self.first_score.is_finite() {
            return Ok(());
        }
        Err(TrackerError::NotFinite { frame: number })
    }
}

//! One target: learning its first frame, finding it in the next one, updates.

use std::rc::Rc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::engine::{Engine, Estimate};
use super::head::{BACKGROUND, Head, TARGET};
use super::learner::{scores, train};
use super::profile::{self, Stage};
use super::regression::{BoxRegression, refined};
use super::sampler::Sampler;
use super::samples::{Described, Memory, Pool};
use super::{BoundingBox, Frame, TrackerError};

/// One target being tracked.
#[derive(Debug)]
pub struct Tracker {
    pub(super) engine: Rc<Engine>,
    head: Head,
    regression: Option<BoxRegression>,
    pub(super) positives: Memory,
    pub(super) negatives: Memory,
    pub(super) sampler: Sampler,
    pub(super) rng: ChaCha8Rng,
    frame_size: (u32, u32),
    /// Where the next candidates are drawn: the reported box, or without feedback of the box regression the mean of the
    /// best candidates.
    pub(super) target: BoundingBox,
    /// The last box that was reported.
    reported: BoundingBox,
    /// Whether the target was found in the last frame.
    success: bool,
    /// Frames since the initialisation.
    frames: usize,
}

/// The best candidates of a frame.
struct Best {
    /// Their mean score of the target.
    confidence: f64,
    /// Their mean score of the background.
    background: f64,
    boxes: Vec<BoundingBox>,
    /// Mean of the boxes after regression, where there is one.
    refined: Option<BoundingBox>,
}

impl Tracker {
    /// A tracker that has learnt the target inside `region`, a box in the frame. See [`Engine::initialize`].
    pub(super) fn start(engine: &Rc<Engine>, frame: &Frame, region: BoundingBox, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(engine.config.seed);
        rng.set_stream(stream.wrapping_mul(2));
        let mut sampler_rng = rng.clone();
        sampler_rng.set_stream(stream.wrapping_mul(2).wrapping_add(1));
        let head = Head::random(engine.backbone.feature_length(), Kind::Float, engine.backbone.device(), &mut rng);
        let mut tracker = Tracker {
            engine: Rc::clone(engine),
            head,
            regression: None,
            positives: Memory::new(engine.config.positive_frames),
            negatives: Memory::new(engine.config.negative_frames),
            sampler: Sampler::new(frame.size(), sampler_rng),
            rng,
            frame_size: frame.size(),
            target: region,
            reported: region,
            success: true,
            frames: 0,
        };
        tracker.learn_first_frame(frame);
        tracker
    }

    /// Trains the classifier and the box regression on the first frame.
    fn learn_first_frame(&mut self, frame: &Frame) {
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        let target = self.target;
        let (positive, negative, near) = self.first_samples(frame);
        if let Some(pool) = Pool::new(&[&positive]) {
            let other = Pool::new(&[&negative]);
            let schedule = &config.initial_training;
            train(&self.head, &engine.backbone, config, schedule, (&pool, other.as_ref()), &mut self.rng);
        }
        self.positives.push(positive);
        self.remember_negatives(frame);

        let Described { boxes, features, .. } = self.regression_samples(frame, near);
        if !boxes.is_empty() {
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
        let seen = self.candidates(frame, translation);
        let (candidates, features) = (&seen.boxes, &seen.features);
        let Best { confidence, background, boxes, refined } = self.best(candidates, features);
        self.success = confidence > 0.0;
        if self.success {
            let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
            self.target = BoundingBox::mean(&boxes).unwrap_or(self.target).confined(width, height);
            let refined = refined.unwrap_or(self.target);
            self.reported = refined.clipped(width, height).unwrap_or(self.target);
            if config.regression_feedback {
                self.target = self.reported.confined(width, height);
            }
            self.remember(frame, &seen);
        }
        self.update();
        let probability = (1.0 + (background - confidence).exp()).recip();
        Ok(Estimate { bounding_box: self.reported, confidence, success: self.success, probability })
    }

    /// The best candidates. What is needed of them comes from the device in one piece: to wait for it is the one pause in a
    /// frame without an update.
    fn best(&self, candidates: &[BoundingBox], features: &Tensor) -> Best {
        let _span = profile::span(Stage::Scoring);
        let count = self.engine.config.best.min(candidates.len());
        let scores = scores(&self.head, &self.engine.backbone, &self.engine.config, features);
        let (values, order) = scores.select(1, TARGET).topk(count as i64, 0, true, true);
        let column = |tensor: &Tensor| tensor.to_kind(Kind::Double).unsqueeze(1);
        let background = scores.select(1, BACKGROUND).index_select(0, &order);
        let mut columns = vec![column(&order), column(&values), column(&background)];
        if let Some(regression) = &self.regression {
            columns.push(regression.predict(&features.index_select(0, &order)));
        }
        let table = Tensor::cat(&columns, 1).to_device(Device::Cpu).contiguous();
        let mut numbers = vec![0f64; table.numel()];
        let length = numbers.len();
        table.copy_data(&mut numbers, length);
        let rows: Vec<&[f64]> = numbers.chunks_exact(length / count.max(1)).collect();
        let boxes: Vec<BoundingBox> = rows.iter().map(|row| candidates[row[0] as usize]).collect();
        let moved = boxes.iter().zip(&rows).filter_map(|(b, row)| refined(*b, &row[3..]));
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / count as f64;
        Best { confidence: mean(1), background: mean(2), refined: BoundingBox::mean(&moved.collect::<Vec<_>>()), boxes }
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

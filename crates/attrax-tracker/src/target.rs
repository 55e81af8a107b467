//! One target: learning its first frame, finding it in the next one, updates.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::config::Schedule;
use super::engine::Engine;
use super::error::guarded;
use super::learning::box_head;
use super::learning::head::{Head, TARGET};
use super::learning::memory::{Described, FrameSamples, Memory, Pool};
use super::learning::ranking::Ranking;
use super::learning::regression::{BoxRegression, refined};
use super::learning::train::{scores, train};
use super::maps::{Classifier, Maps};
use super::model::{Estimate, Model};
use super::parallel::alone;
use super::profile::{self, Stage};
use super::sampling::{Sampler, Sampling};
use super::{BoundingBox, Frame, TrackerError};

/// Offset and slope of the logistic curve from a confidence to the probability that the box is
/// right.
const CALIBRATION: (f64, f64) = (-0.250, 0.236);

/// The probability that a box with this confidence overlaps the target by 0.5 or more, as fitted by
/// `attrax-vot calibrate` for the default ranked in bfloat16 on ten sequences of VOT-2016
/// (`docs/results.md`).
fn calibrated(confidence: f64) -> f64 {
    let (offset, slope) = CALIBRATION;
    (1.0 + (-(offset + slope * confidence)).exp()).recip()
}

/// Samples of a blurred copy of the first frame, for each of the first frame itself.
const BLURRED_SHARE: f64 = 0.25;

/// One target being tracked.
#[derive(Debug)]
pub struct Tracker {
    engine: Engine,
    head: Head,
    regression: Option<BoxRegression>,
    /// What the box head knows of the target, if it is used.
    edges: Option<box_head::Target>,
    positives: Memory,
    negatives: Memory,
    sampler: Sampler,
    rng: ChaCha8Rng,
    frame_size: (u32, u32),
    /// Where the next candidates are drawn: the reported box, or without feedback of the box
    /// regression the mean of the best candidates.
    target: BoundingBox,
    /// The last box that was reported.
    reported: BoundingBox,
    /// The smallest sides of the target, pixels.
    least: (f64, f64),
    /// The last update's final velocity, if it is kept.
    velocity: Option<Tensor>,
    /// How far the target moved from the frame before the last one to the last one, pixels; zero
    /// if the box stayed.
    movement: (f64, f64),
    /// The score that the target's box has in the first frame after training, if a threshold is a
    /// share of it.
    first_score: f64,
    /// Frames in a row, up to the last one, in which the target was not found.
    lost: usize,
    /// Frames since the initialisation.
    frames: usize,
}

/// The best candidates of a frame.
struct Best {
    /// Their mean score of the target.
    confidence: f64,
    boxes: Vec<BoundingBox>,
    /// Mean of the boxes after regression, if there is any.
    refined: Option<BoundingBox>,
}

impl Tracker {
    /// Starts tracking the target inside `region` (pixels), which is clipped to the frame.
    ///
    /// The tracker may go to another thread. Trackers on several threads share the model's weights
    /// and threads, and each gives the boxes that it gives alone.
    ///
    /// # Errors
    /// [`TrackerError::Region`] if the region is empty, not finite or outside the frame,
    /// [`TrackerError::NotFinite`] if the training diverges, [`TrackerError::OutOfMemory`], and
    /// [`TrackerError::Libtorch`] for its other failures.
    pub fn new(model: &Arc<Model>, frame: &Frame, region: BoundingBox) -> Result<Self, TrackerError> {
        Self::with_stream(model, frame, region, 0)
    }

    /// As [`Tracker::new`], which draws from the random stream 0, with another stream.
    ///
    /// A program that starts several targets numbers them: their draws differ, and a seed
    /// reproduces the whole run.
    ///
    /// # Errors
    /// As [`Tracker::new`].
    pub fn with_stream(
        model: &Arc<Model>,
        frame: &Frame,
        region: BoundingBox,
        stream: u64,
    ) -> Result<Self, TrackerError> {
        let region = region.for_initialization(frame.width(), frame.height())?;
        guarded(|| alone(|| Self::start(model.engine(), frame, region, stream)))
    }

    /// A tracker that has learnt the target inside `region`, a box in the frame.
    fn start(engine: Engine, frame: &Frame, region: BoundingBox, stream: u64) -> Result<Self, TrackerError> {
        let mut rng = ChaCha8Rng::seed_from_u64(engine.config.seed);
        rng.set_stream(stream.wrapping_mul(2));
        let mut sampler_rng = rng.clone();
        sampler_rng.set_stream(stream.wrapping_mul(2).wrapping_add(1));
        let mut tracker = Tracker {
            head: engine.untrained_head(&mut rng),
            regression: None,
            edges: engine.boxes.as_ref().map(|head| head.target(&engine.backbone, frame, region)),
            positives: Memory::new(engine.config.positive_frames),
            negatives: Memory::new(engine.config.negative_frames),
            engine,
            sampler: Sampler::new(frame.size(), sampler_rng).for_target(region),
            least: region.least_sides(),
            rng,
            frame_size: frame.size(),
            target: region,
            reported: region,
            velocity: None,
            movement: (0.0, 0.0),
            first_score: 0.0,
            lost: 0,
            frames: 0,
        };
        tracker.learn_first_frame(frame)?;
        Ok(tracker)
    }

    /// Trains the classifier and the box regression on the first frame.
    fn learn_first_frame(&mut self, frame: &Frame) -> Result<(), TrackerError> {
        let target = self.target;
        let (positive, negative, near) = self.sampling().first(frame, target, 1.0);
        let blurred = self.blurred_samples(frame);
        let config = &self.engine.config;
        let all = |first, more: fn(&(FrameSamples, FrameSamples)) -> &FrameSamples| {
            Pool::new(&std::iter::once(first).chain(blurred.iter().map(more)).collect::<Vec<_>>())
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
        self.check_numbers()?;
        self.fit_regression(frame, near);
        Ok(())
    }

    /// Fits the box regression on the target's box in a frame; `near` are samples that overlap it,
    /// if there are some already.
    fn fit_regression(&mut self, frame: &Frame, near: Option<Described>) {
        let target = self.target;
        let Described { boxes, features, .. } = self.sampling().regression(frame, target, near);
        if !boxes.is_empty() {
            match BoxRegression::fit(&features, &boxes, target, self.engine.config.regression_alpha) {
                Ok(regression) => self.regression = Some(regression),
                Err(error) => log::warn!("tracking without box regression: {error}"),
            }
        }
    }

    /// Takes the target's box in the next frame from the caller. What was learnt before stays: the
    /// samples of this frame join the memory, on which the classifier is trained as long as on a
    /// first frame. The box regression is fitted on the new box.
    ///
    /// # Errors
    /// [`TrackerError::FrameSize`] and [`TrackerError::Region`] if the frame's size differs from
    /// the first one's, or the box is empty, not finite or outside the frame; the tracker stays as
    /// it was. Otherwise as [`Tracker::track`].
    pub fn correct(&mut self, frame: &Frame, region: BoundingBox) -> Result<(), TrackerError> {
        self.check_size(frame)?;
        let region = region.for_initialization(frame.width(), frame.height())?;
        guarded(|| alone(|| self.learn_correction(frame, region)))
    }

    fn learn_correction(&mut self, frame: &Frame, region: BoundingBox) -> Result<(), TrackerError> {
        self.frames += 1;
        (self.target, self.reported, self.least) = (region, region, region.least_sides());
        (self.movement, self.lost, self.velocity) = ((0.0, 0.0), 0, None);
        self.sampler.fit_target(region);
        let (positive, negative, near) = self.sampling().first(frame, region, 1.0);
        self.positives.push(positive);
        self.negatives.push(negative);
        let config = &self.engine.config;
        let (frames, schedule) = (config.positive_frames, config.initial_training.clone());
        // The next update begins at rest, as after a first frame.
        let _ = self.train_on_memory(frames, &schedule);
        self.check_numbers()?;
        self.fit_regression(frame, near);
        Ok(())
    }

    /// Samples of the first frame as if the target moved, along the rows and along the columns.
    fn blurred_samples(&mut self, frame: &Frame) -> Vec<(FrameSamples, FrameSamples)> {
        let target = self.target;
        let radius = (self.engine.config.first_frame_blur / 2.0 * self.target.mean_side()).round() as u32;
        let directions = if radius == 0 { [].as_slice() } else { &[true, false] };
        let samples = |along_rows: &bool| {
            let (positive, negative, _) =
                self.sampling().first(&frame.blurred(radius, *along_rows), target, BLURRED_SHARE);
            (positive, negative)
        };
        directions.iter().map(samples).collect()
    }

    /// Finds the target in the next frame, and learns from it.
    ///
    /// # Errors
    /// [`TrackerError::FrameSize`] if the frame's size differs from the first one's; the tracker
    /// stays as it was. [`TrackerError::NotFinite`] if the training diverged,
    /// [`TrackerError::OutOfMemory`], and [`TrackerError::Libtorch`] for its other failures: then
    /// the target has to be initialised again.
    pub fn track(&mut self, frame: &Frame) -> Result<Estimate, TrackerError> {
        self.check_size(frame)?;
        guarded(|| alone(|| self.find(frame)))
    }

    fn find(&mut self, frame: &Frame) -> Result<Estimate, TrackerError> {
        self.frames += 1;
        let around = self.search_centre();
        let translation = self.search_translation();
        let ranking = self.engine.ranking(&self.head);
        let mut sampling = self.engine.sampling(&mut self.sampler, &mut self.rng);
        let seen = sampling.candidates(frame, around, translation, ranking);
        let Best { confidence, boxes, refined } = self.best(&seen.candidates, around);
        if !confidence.is_finite() {
            return Err(TrackerError::NotFinite { frame: self.frames + 1 });
        }
        let config = &self.engine.config;
        let above = |share: f64| confidence > share * self.first_score;
        let (found, follows) = (above(config.failure.threshold), above(config.failure.follow));
        self.lost = if found { 0 } else { self.lost + 1 };
        let before = self.target.centre();
        if found || follows {
            let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
            self.target = BoundingBox::mean(&boxes).unwrap_or(self.target).confined_above(self.least, width, height);
            let refined = refined.unwrap_or(self.target);
            let edged = self.edged(frame, self.target);
            let refined = edged.map_or(refined, |edged| edged.joined(refined, &config.box_head));
            self.reported = refined.clipped(width, height).unwrap_or(self.target);
            if config.regression_feedback {
                self.target = self.reported.confined_above(self.least, width, height);
            } else if config.scale_feedback > 0.0 {
                let factor = (refined.area() / self.target.area()).powf(config.scale_feedback / 2.0);
                let scaled = (self.target.width * factor, self.target.height * factor);
                let target = BoundingBox::from_centre(self.target.centre(), scaled.0, scaled.1);
                self.target = target.confined_above(self.least, width, height);
            } else if let Some(edged) = edged.filter(|_| found && config.box_head.feedback > 0.0) {
                let target = edged.followed(self.target, refined, &config.box_head);
                self.target = target.confined_above(self.least, width, height);
            }
        }
        let after = self.target.centre();
        self.movement = (after.0 - before.0, after.1 - before.1);
        if found {
            let target = self.target;
            let (positives, negatives) = self.sampling().later(frame, target, &seen);
            self.positives.push(positives);
            self.negatives.push(negatives);
        }
        self.update();
        Ok(Estimate {
            bounding_box: self.reported,
            confidence,
            success: self.lost == 0,
            probability: calibrated(confidence),
        })
    }

    /// What the classifier, as it is now, sees in boxes of a frame. Nothing changes in what is
    /// tracked.
    ///
    /// Scores come from the passes that the tracker itself uses: one for all boxes with a grid
    /// ([`Config::grid`](super::Config::grid)) and where the network pads nothing, so that one pass
    /// is exact; otherwise a crop for each box. If attention weighs the features, the attention
    /// here is that of the score without the weights.
    ///
    /// # Errors
    /// [`TrackerError::FrameSize`] if the frame's size differs from the first one's,
    /// [`TrackerError::Region`] for a box that is empty, not finite or outside the frame,
    /// [`TrackerError::Libtorch`] where libtorch fails.
    pub fn maps(&self, frame: &Frame, boxes: &[BoundingBox]) -> Result<Vec<Maps>, TrackerError> {
        self.check_size(frame)?;
        for region in boxes {
            region.for_initialization(frame.width(), frame.height())?;
        }
        let classifier = self.classifier();
        let maps = || tch::no_grad(|| Ok(boxes.iter().map(|region| classifier.maps(frame, *region)).collect()));
        guarded(|| alone(maps))
    }

    /// The best candidates. What is needed of them comes from the device in one piece: to wait for
    /// it is the one pause in a frame without an update, but for [`Ranking::best_place`].
    fn best(&self, seen: &Described, around: BoundingBox) -> Best {
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

    /// The box head's box of the target in the surroundings of a box, and in those of that box for
    /// each further pass, if the head is used.
    fn edged(&self, frame: &Frame, region: BoundingBox) -> Option<box_head::Found> {
        let (head, target) = (self.engine.boxes.as_ref()?, self.edges.as_ref()?);
        let find = |around| head.find(&self.engine.backbone, frame, around, target);
        let further = 1..self.engine.config.box_head.passes;
        further.fold(find(region), |found, _| found.and_then(|found| find(found.region).or(Some(found))))
    }

    /// The classifier as it is now.
    pub(super) fn classifier(&self) -> Classifier<'_> {
        Classifier { engine: &self.engine, head: &self.head }
    }

    /// The classifier as it ranks candidates.
    fn ranking(&self) -> Ranking<'_> {
        self.engine.ranking(&self.head)
    }

    /// What draws this target's boxes.
    fn sampling(&mut self) -> Sampling<'_> {
        self.engine.sampling(&mut self.sampler, &mut self.rng)
    }

    /// Where candidates are drawn: at the last place, or ahead of it.
    fn search_centre(&self) -> BoundingBox {
        let (velocity, (width, height)) = (self.engine.config.velocity, self.frame_size);
        if velocity == 0.0 {
            return self.target;
        }
        let (cx, cy) = self.target.centre();
        let centre = (cx + velocity * self.movement.0, cy + velocity * self.movement.1);
        let ahead = BoundingBox::from_centre(centre, self.target.width, self.target.height);
        ahead.confined_above(self.least, f64::from(width), f64::from(height))
    }

    /// How far candidates are drawn from there, in mean sides: farther while the target is not
    /// found.
    fn search_translation(&self) -> f64 {
        let (config, failure) = (&self.engine.config, &self.engine.config.failure);
        match self.lost {
            0 => config.translation,
            _ if failure.growth == 0.0 => failure.translation,
            lost => (config.translation * failure.growth.powi(lost.min(1000) as i32)).min(failure.translation),
        }
    }

    /// The short-term update after a failure, the long-term update every few frames.
    fn update(&mut self) {
        let config = &self.engine.config;
        let frames = if self.lost > 0 {
            if !(self.lost - 1).is_multiple_of(config.failure.interval) {
                return;
            }
            log::debug!("frame {}: target not found, short-term update", self.frames);
            config.negative_frames
        } else if self.frames.is_multiple_of(config.long_interval) {
            log::debug!("frame {}: long-term update", self.frames);
            config.positive_frames
        } else {
            return;
        };
        let (schedule, momentum_kept) = (config.update_training.clone(), config.momentum_kept);
        if let Some(velocity) = self.train_on_memory(frames, &schedule) {
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

    /// Makes sure that a frame is as large as the first one.
    fn check_size(&self, frame: &Frame) -> Result<(), TrackerError> {
        if frame.size() == self.frame_size {
            return Ok(());
        }
        Err(TrackerError::FrameSize { expected: self.frame_size, found: frame.size() })
    }

    /// Makes sure that the training has not diverged: one number of the head that is not finite
    /// spreads to every score.
    fn check_numbers(&self) -> Result<(), TrackerError> {
        if self.head.flat().isfinite().all().int64_value(&[]) != 0 && self.first_score.is_finite() {
            return Ok(());
        }
        Err(TrackerError::NotFinite { frame: self.frames + 1 })
    }
}

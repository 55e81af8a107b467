//! One target: where it is looked for, where it is found, and where it is reported.

use std::sync::Arc;

use super::engine::Engine;
use super::error::guarded;
use super::geometry::{confined, least_sides};
use super::learner::{Best, Learner};
use super::learning::box_head;
use super::maps::{Classifier, Maps};
use super::model::{Estimate, Model};
use super::parallel::alone;
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

/// One target being tracked.
#[derive(Debug)]
pub struct Tracker {
    learner: Learner,
    /// What the box head knows of the target, if it is used.
    edges: Option<box_head::Target>,
    frame_size: (u32, u32),
    /// Where the next candidates are drawn: the reported box, or without feedback of the box
    /// regression the mean of the best candidates.
    target: BoundingBox,
    /// The last box that was reported.
    reported: BoundingBox,
    /// The smallest sides of the target, pixels.
    least: (f64, f64),
    /// How far the target moved from the frame before the last one to the last one, pixels; zero
    /// if the box stayed.
    movement: (f64, f64),
    /// Frames in a row, up to the last one, in which the target was not found.
    lost: usize,
    /// Frames since the initialisation.
    frames: usize,
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
        let region = frame.initial_region(region)?;
        guarded(|| alone(|| Self::start(model.engine(), frame, region, stream)))
    }

    /// A tracker that has learnt the target inside `region`, a box in the frame.
    fn start(engine: Engine, frame: &Frame, region: BoundingBox, stream: u64) -> Result<Self, TrackerError> {
        Ok(Self {
            edges: engine.boxes.as_ref().map(|head| head.target(&engine.backbone, frame, region)),
            learner: Learner::new(engine, frame, region, stream)?,
            least: least_sides(region),
            frame_size: frame.size(),
            target: region,
            reported: region,
            movement: (0.0, 0.0),
            lost: 0,
            frames: 0,
        })
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
        let region = frame.initial_region(region)?;
        guarded(|| alone(|| self.take(frame, region)))
    }

    fn take(&mut self, frame: &Frame, region: BoundingBox) -> Result<(), TrackerError> {
        self.frames += 1;
        (self.target, self.reported, self.least) = (region, region, least_sides(region));
        (self.movement, self.lost) = ((0.0, 0.0), 0);
        self.learner.correct(frame, region, self.frames + 1)
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
        let seen = self.learner.candidates(frame, around, self.search_translation());
        let best = self.learner.best(&seen.candidates, around);
        let confidence = best.confidence;
        if !confidence.is_finite() {
            return Err(TrackerError::NotFinite { frame: self.frames + 1 });
        }
        let failure = &self.learner.config().failure;
        let found = self.learner.is_above(confidence, failure.threshold);
        let follows = self.learner.is_above(confidence, failure.follow);
        self.lost = if found { 0 } else { self.lost + 1 };
        let before = self.target.centre();
        if found || follows {
            self.follow(frame, &best, found);
        }
        let after = self.target.centre();
        self.movement = (after.0 - before.0, after.1 - before.1);
        if found {
            self.learner.remember(frame, self.target, &seen);
        }
        self.learner.update(self.frames, self.lost);
        Ok(Estimate {
            bounding_box: self.reported,
            confidence,
            success: self.lost == 0,
            probability: calibrated(confidence),
        })
    }

    /// Moves the target to the best candidates, and decides on the box to report.
    fn follow(&mut self, frame: &Frame, best: &Best, found: bool) {
        let config = self.learner.config();
        let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
        let (size, least) = ((width, height), self.least);
        self.target = confined(BoundingBox::mean(&best.boxes).unwrap_or(self.target), least, size);
        let refined = best.refined.unwrap_or(self.target);
        let edged = self.edged(frame, self.target);
        let refined = edged.map_or(refined, |edged| edged.joined(refined, &config.box_head));
        self.reported = refined.clipped(width, height).unwrap_or(self.target);
        if config.regression_feedback {
            self.target = confined(self.reported, least, size);
        } else if config.scale_feedback > 0.0 {
            let factor = (refined.area() / self.target.area()).powf(config.scale_feedback / 2.0);
            let scaled = (self.target.width * factor, self.target.height * factor);
            let target = BoundingBox::from_centre(self.target.centre(), scaled.0, scaled.1);
            self.target = confined(target, least, size);
        } else if let Some(edged) = edged.filter(|_| found && config.box_head.feedback > 0.0) {
            let target = edged.followed(self.target, refined, &config.box_head);
            self.target = confined(target, least, size);
        }
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
            frame.initial_region(*region)?;
        }
        let classifier = self.classifier();
        let maps = || tch::no_grad(|| Ok(boxes.iter().map(|region| classifier.maps(frame, *region)).collect()));
        guarded(|| alone(maps))
    }

    /// The box head's box of the target in the surroundings of a box, and in those of that box for
    /// each further pass, if the head is used.
    fn edged(&self, frame: &Frame, region: BoundingBox) -> Option<box_head::Found> {
        let engine = &self.learner.engine;
        let (head, target) = (engine.boxes.as_ref()?, self.edges.as_ref()?);
        let find = |around| head.find(&engine.backbone, frame, around, target);
        let further = 1..engine.config.box_head.passes;
        further.fold(find(region), |found, _| found.and_then(|found| find(found.region).or(Some(found))))
    }

    /// The classifier as it is now.
    pub(super) fn classifier(&self) -> Classifier<'_> {
        self.learner.classifier()
    }

    /// Where candidates are drawn: at the last place, or ahead of it.
    fn search_centre(&self) -> BoundingBox {
        let (velocity, (width, height)) = (self.learner.config().velocity, self.frame_size);
        if velocity == 0.0 {
            return self.target;
        }
        let (cx, cy) = self.target.centre();
        let centre = (cx + velocity * self.movement.0, cy + velocity * self.movement.1);
        let ahead = BoundingBox::from_centre(centre, self.target.width, self.target.height);
        confined(ahead, self.least, (f64::from(width), f64::from(height)))
    }

    /// How far candidates are drawn from there, in mean sides: farther while the target is not
    /// found.
    fn search_translation(&self) -> f64 {
        let config = self.learner.config();
        let failure = &config.failure;
        match self.lost {
            0 => config.translation,
            _ if failure.growth == 0.0 => failure.translation,
            lost => (config.translation * failure.growth.powi(lost.min(1000) as i32)).min(failure.translation),
        }
    }

    /// Makes sure that a frame is as large as the first one.
    fn check_size(&self, frame: &Frame) -> Result<(), TrackerError> {
        if frame.size() == self.frame_size {
            return Ok(());
        }
        Err(TrackerError::FrameSize { expected: self.frame_size, found: frame.size() })
    }
}

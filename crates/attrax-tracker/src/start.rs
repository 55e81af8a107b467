//! The start of a target: its region made usable, and a tracker that has learnt the first frame.

use std::rc::Rc;

use super::error::guarded;
use super::model::Model;
use super::target::Tracker;
use super::{BoundingBox, Frame, TrackerError};

impl BoundingBox {
    /// The region a tracker is initialised with, made usable: clipped to the frame.
    ///
    /// # Errors
    /// [`TrackerError::Region`] if a number is not finite, a side is not positive, or nothing of
    /// the box is inside the frame.
    pub fn for_initialization(self, frame_width: u32, frame_height: u32) -> Result<Self, TrackerError> {
        let refuse = |reason| TrackerError::Region { region: self, frame: (frame_width, frame_height), reason };
        if ![self.x, self.y, self.width, self.height].iter().all(|v| v.is_finite()) {
            return Err(refuse("a coordinate is not a finite number"));
        }
        if self.width <= 0.0 || self.height <= 0.0 {
            return Err(refuse("it is empty"));
        }
        self.clipped(f64::from(frame_width), f64::from(frame_height)).ok_or_else(|| refuse("it lies outside the frame"))
    }
}

impl Model {
    /// Starts tracking the target inside `region` (pixels), which is clipped to the frame.
    ///
    /// `stream` numbers the initialisations of a run: each draws from its own random stream.
    /// Repetitions differ, and a seed reproduces a run exactly.
    ///
    /// # Errors
    /// [`TrackerError::Region`] if the region is empty, not finite or outside the frame,
    /// [`TrackerError::NotFinite`] if the training diverges, [`TrackerError::OutOfMemory`], and
    /// [`TrackerError::Libtorch`] for its other failures.
    pub fn initialize(
        self: &Rc<Self>,
        frame: &Frame,
        region: BoundingBox,
        stream: u64,
    ) -> Result<Tracker, TrackerError> {
        let region = region.for_initialization(frame.width(), frame.height())?;
        guarded(|| Tracker::start(self, frame, region, stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_that_cannot_start_a_tracker_are_refused() {
        for b in [
            BoundingBox::new(f64::NAN, 0.0, 1.0, 1.0),
            BoundingBox::new(0.0, 0.0, 0.0, 5.0),
            BoundingBox::new(100.0, 0.0, 5.0, 5.0),
        ] {
            assert!(b.for_initialization(100, 100).is_err(), "{b}");
        }
        let partly = BoundingBox::new(-5.0, 90.0, 10.0, 20.0).for_initialization(100, 100).unwrap();
        assert_eq!(partly, BoundingBox::new(0.0, 90.0, 5.0, 10.0));
    }
}

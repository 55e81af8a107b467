//! The region of a first frame made usable.

use super::{BoundingBox, TrackerError};

/// The shortest side that a target may have inside the first frame, pixels.
const THIN: f64 = 0.01;

impl BoundingBox {
    /// The region a tracker is initialised with, made usable: clipped to the frame.
    ///
    /// # Errors
    /// [`TrackerError::Region`] if a number is not finite, a side is not positive, nothing of
    /// the box is inside the frame, or what is inside is narrower than 0.01 pixels.
    pub fn for_initialization(self, frame_width: u32, frame_height: u32) -> Result<Self, TrackerError> {
        let refuse = |reason| TrackerError::Region { region: self, frame: (frame_width, frame_height), reason };
        if ![self.x, self.y, self.width, self.height].iter().all(|v| v.is_finite()) {
            return Err(refuse("a coordinate is not a finite number"));
        }
        if self.width <= 0.0 || self.height <= 0.0 {
            return Err(refuse("it is empty"));
        }
        let inside = self
            .clipped(f64::from(frame_width), f64::from(frame_height))
            .ok_or_else(|| refuse("it lies outside the frame"))?;
        if inside.width.min(inside.height) < THIN {
            return Err(refuse("a side of its part inside the frame is less than 0.01 pixels long"));
        }
        Ok(inside)
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
            BoundingBox::new(1.0, 1.0, 1e-30, 5.0),
            BoundingBox::new(99.999, 0.0, 5.0, 5.0),
        ] {
            assert!(b.for_initialization(100, 100).is_err(), "{b}");
        }
        let partly = BoundingBox::new(-5.0, 90.0, 10.0, 20.0).for_initialization(100, 100).unwrap();
        assert_eq!(partly, BoundingBox::new(0.0, 90.0, 5.0, 10.0));
    }
}

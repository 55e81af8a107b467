//! The region of a first frame made usable.

use super::{BoundingBox, Frame, TrackerError};

/// The shortest side that a target may have inside the first frame, pixels.
const THIN: f64 = 0.01;

impl Frame {
    /// A region that a tracker is initialised with, clipped to the frame.
    ///
    /// # Errors
    /// [`TrackerError::Region`] if a number is not finite, a side is not positive, nothing of
    /// the box is inside the frame, or what is inside is narrower than 0.01 pixels.
    pub fn initial_region(&self, region: BoundingBox) -> Result<BoundingBox, TrackerError> {
        let (width, height) = self.size();
        let refuse = |reason| TrackerError::Region { region, frame: (width, height), reason };
        if ![region.x, region.y, region.width, region.height].iter().all(|v| v.is_finite()) {
            return Err(refuse("a coordinate is not a finite number"));
        }
        if region.width <= 0.0 || region.height <= 0.0 {
            return Err(refuse("it is empty"));
        }
        let inside =
            region.clipped(f64::from(width), f64::from(height)).ok_or_else(|| refuse("it lies outside the frame"))?;
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
        let frame = Frame::from_rgb8(100, 100, vec![0; 100 * 100 * 3]).unwrap();
        for b in [
            BoundingBox::new(f64::NAN, 0.0, 1.0, 1.0),
            BoundingBox::new(0.0, 0.0, 0.0, 5.0),
            BoundingBox::new(100.0, 0.0, 5.0, 5.0),
            BoundingBox::new(1.0, 1.0, 1e-30, 5.0),
            BoundingBox::new(99.999, 0.0, 5.0, 5.0),
        ] {
            assert!(frame.initial_region(b).is_err(), "{b}");
        }
        let partly = frame.initial_region(BoundingBox::new(-5.0, 90.0, 10.0, 20.0)).unwrap();
        assert_eq!(partly, BoundingBox::new(0.0, 90.0, 5.0, 10.0));
    }
}

#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// An axis-aligned box: top-left corner and size in pixels, pixel centres at half-integers.
///
/// A frame of width `W` covers `x` from 0 to `W`.
///
/// ```
/// use attrax_geometry::BoundingBox;
/// let a = BoundingBox::new(0.0, 0.0, 10.0, 10.0);
/// let b = BoundingBox::new(5.0, 0.0, 10.0, 10.0);
/// assert!((a.overlap(b) - 1.0 / 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Left edge, pixels.
    pub x: f64,
    /// Top edge, pixels.
    pub y: f64,
    /// Width, pixels.
    pub width: f64,
    /// Height, pixels.
    pub height: f64,
}

impl BoundingBox {
    /// A box from its top-left corner and size, pixels.
    #[must_use]
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// A box from its centre and size, pixels.
    #[must_use]
    pub fn from_centre((cx, cy): (f64, f64), width: f64, height: f64) -> Self {
        Self::new(cx - width / 2.0, cy - height / 2.0, width, height)
    }

    /// Centre, pixels.
    #[must_use]
    pub fn centre(self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Area, square pixels.
    #[must_use]
    pub fn area(self) -> f64 {
        self.width * self.height
    }

    /// Mean of width and height, pixels: the unit of translation of the samplers.
    #[must_use]
    pub fn mean_side(self) -> f64 {
        f64::midpoint(self.width, self.height)
    }

    /// Whether all four numbers are finite and both sides positive.
    #[must_use]
    pub fn is_valid(self) -> bool {
        [self.x, self.y, self.width, self.height].iter().all(|v| v.is_finite()) && self.width > 0.0 && self.height > 0.0
    }

    /// Overlap (intersection over union) with another box, 0 to 1.
    #[must_use]
    pub fn overlap(self, other: Self) -> f64 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        let intersection = width.max(0.0) * height.max(0.0);
        intersection / (self.area() + other.area() - intersection)
    }

    /// The part of the box inside a frame of the given size (pixels), or `None` where nothing of it
    /// is inside.
    #[must_use]
    pub fn clipped(self, frame_width: f64, frame_height: f64) -> Option<Self> {
        let (left, top) = (self.x.max(0.0), self.y.max(0.0));
        let (right, bottom) = ((self.x + self.width).min(frame_width), (self.y + self.height).min(frame_height));
        let clipped = Self::new(left, top, right - left, bottom - top);
        clipped.is_valid().then_some(clipped)
    }

    /// The box moved so that all of it is inside a frame of the given size (pixels); a side larger
    /// than the frame's is centred.
    #[must_use]
    pub fn moved_inside(self, frame_width: f64, frame_height: f64) -> Self {
        let place = |start: f64, side: f64, limit: f64| {
            if side < limit { start.clamp(0.0, limit - side) } else { (limit - side) / 2.0 }
        };
        let (x, y) = (place(self.x, self.width, frame_width), place(self.y, self.height, frame_height));
        Self { x, y, ..self }
    }

    /// Mean of several boxes, number by number. `None` for no boxes.
    #[must_use]
    pub fn mean(boxes: &[Self]) -> Option<Self> {
        let n = boxes.len() as f64;
        let sum = boxes
            .iter()
            .copied()
            .reduce(|a, b| Self::new(a.x + b.x, a.y + b.y, a.width + b.width, a.height + b.height))?;
        Some(Self::new(sum.x / n, sum.y / n, sum.width / n, sum.height / n))
    }
}

impl std::fmt::Display for BoundingBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2},{:.2},{:.2},{:.2}", self.x, self.y, self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_of_disjoint_and_nested_boxes() {
        let outer = BoundingBox::new(0.0, 0.0, 20.0, 20.0);
        assert!(outer.overlap(BoundingBox::new(30.0, 0.0, 5.0, 5.0)).abs() < 1e-12);
        assert!((outer.overlap(BoundingBox::new(5.0, 5.0, 10.0, 10.0)) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn boxes_are_clipped_to_the_frame() {
        let clipped = |x, y, width, height| BoundingBox::new(x, y, width, height).clipped(100.0, 50.0);
        assert_eq!(clipped(-5.0, -5.0, 10.0, 10.0), Some(BoundingBox::new(0.0, 0.0, 5.0, 5.0)));
        assert_eq!(clipped(-5.0, -5.0, 1000.0, 1000.0), Some(BoundingBox::new(0.0, 0.0, 100.0, 50.0)));
        assert_eq!(clipped(99.0, 49.0, 1.0, 1.0), Some(BoundingBox::new(99.0, 49.0, 1.0, 1.0)));
        for (x, y, width, height) in [(100.0, 0.0, 5.0, 5.0), (-5.0, 0.0, 5.0, 5.0), (0.0, 50.0, 5.0, 5.0)] {
            assert_eq!(clipped(x, y, width, height), None);
        }
    }
}

//! Axis-aligned boxes in pixels and their overlap.

/// The shortest side of a box around a target, pixels, unless the target starts smaller.
const LEAST_SIDE: f64 = 10.0;

/// An axis-aligned box: top-left corner and size in pixels, pixel centres at half-integers.
///
/// A frame of width `W` covers `x` from 0 to `W`.
///
/// ```
/// use attrax_tracker::BoundingBox;
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

    /// The box moved and resized so that a tracker can work with it: sides between 10 px and the
    /// frame's side less 10 px, centre inside the frame. In frames too small for that, sides are at
    /// most the frame's.
    #[must_use]
    pub fn confined(self, frame_width: f64, frame_height: f64) -> Self {
        self.confined_above((LEAST_SIDE, LEAST_SIDE), frame_width, frame_height)
    }

    /// As [`Self::confined`], with other smallest sides than 10 px.
    pub(crate) fn confined_above(self, least: (f64, f64), frame_width: f64, frame_height: f64) -> Self {
        let side = |value: f64, least: f64, limit: f64| {
            value.min((limit - LEAST_SIDE).max(limit.min(LEAST_SIDE))).max(limit.min(least))
        };
        let (cx, cy) = self.centre();
        Self::from_centre(
            (cx.clamp(0.0, frame_width), cy.clamp(0.0, frame_height)),
            side(self.width, least.0, frame_width),
            side(self.height, least.1, frame_height),
        )
    }

    /// The smallest sides of boxes around a target that starts with this box, pixels: 10, or the
    /// box's own if they are shorter.
    pub(crate) fn least_sides(self) -> (f64, f64) {
        (self.width.clamp(1.0, LEAST_SIDE), self.height.clamp(1.0, LEAST_SIDE))
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
    fn confined_boxes_have_usable_sides_even_in_tiny_frames() {
        for (w, h) in [(4.0, 4.0), (15.0, 300.0), (320.0, 240.0)] {
            let b = BoundingBox::new(-50.0, 1000.0, 0.5, 9000.0).confined(w, h);
            assert!(b.is_valid() && b.width <= w && b.height <= h, "{b} in {w} x {h}");
            let (cx, cy) = b.centre();
            assert!((0.0..=w).contains(&cx) && (0.0..=h).contains(&cy));
        }
    }

    #[test]
    fn the_smallest_sides_follow_a_small_first_box() {
        let sides = |width, height| BoundingBox::new(3.0, 4.0, width, height).least_sides();
        assert_eq!((sides(40.0, 10.0), sides(12.0, 4.0), sides(0.2, 30.0)), ((10.0, 10.0), (10.0, 4.0), (1.0, 10.0)));
        let small = BoundingBox::new(50.0, 50.0, 2.0, 6.0).confined_above((3.0, 4.0), 320.0, 240.0);
        assert_eq!((small.width, small.height, small.centre()), (3.0, 6.0, (51.0, 53.0)));
    }
}

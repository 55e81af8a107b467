//! Boxes in pixels, and those that a tracker can work with.

pub use attrax_geometry::BoundingBox;

/// The shortest side of a box around a target, pixels, unless the target starts smaller.
const LEAST_SIDE: f64 = 10.0;

/// A box moved and resized so that a tracker can work with it: sides between the smallest ones and
/// the frame's side less 10 px, centre inside the frame. In frames too small for that, sides are at
/// most the frame's. All lengths are in pixels.
#[must_use]
pub fn confined(region: BoundingBox, least: (f64, f64), (frame_width, frame_height): (f64, f64)) -> BoundingBox {
    let side = |value: f64, least: f64, limit: f64| {
        value.min((limit - LEAST_SIDE).max(limit.min(LEAST_SIDE))).max(limit.min(least))
    };
    let (cx, cy) = region.centre();
    BoundingBox::from_centre(
        (cx.clamp(0.0, frame_width), cy.clamp(0.0, frame_height)),
        side(region.width, least.0, frame_width),
        side(region.height, least.1, frame_height),
    )
}

/// The smallest sides of boxes around a target that starts with this box, pixels: 10, or the box's
/// own if they are shorter.
#[must_use]
pub fn least_sides(region: BoundingBox) -> (f64, f64) {
    (region.width.clamp(1.0, LEAST_SIDE), region.height.clamp(1.0, LEAST_SIDE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confined_boxes_have_usable_sides_even_in_tiny_frames() {
        for (w, h) in [(4.0, 4.0), (15.0, 300.0), (320.0, 240.0)] {
            let b = confined(BoundingBox::new(-50.0, 1000.0, 0.5, 9000.0), (10.0, 10.0), (w, h));
            assert!(b.is_valid() && b.width <= w && b.height <= h, "{b} in {w} x {h}");
            let (cx, cy) = b.centre();
            assert!((0.0..=w).contains(&cx) && (0.0..=h).contains(&cy));
        }
    }

    #[test]
    fn the_smallest_sides_follow_a_small_first_box() {
        let sides = |width, height| least_sides(BoundingBox::new(3.0, 4.0, width, height));
        assert_eq!((sides(40.0, 10.0), sides(12.0, 4.0), sides(0.2, 30.0)), ((10.0, 10.0), (10.0, 4.0), (1.0, 10.0)));
        let small = confined(BoundingBox::new(50.0, 50.0, 2.0, 6.0), (3.0, 4.0), (320.0, 240.0));
        assert_eq!((small.width, small.height, small.centre()), (3.0, 6.0, (51.0, 53.0)));
    }
}

//! The box that a tracker starts from, made of whatever region the client sent.

use trax::{Polygon, Region};

/// A box in pixels from the frame's top left corner; a frame of width `W` reaches from 0 to `W`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetBox {
    /// The left edge.
    pub x: f64,
    /// The top edge.
    pub y: f64,
    /// From the left edge to the right one.
    pub width: f64,
    /// From the top edge to the bottom one.
    pub height: f64,
}

/// How a polygon becomes a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolygonBox {
    /// The smallest box around it.
    #[default]
    Bounding,
    /// The box of its area around the mean of its corners, in the proportions of the smallest box around it.
    SameArea,
}

/// The box that stands for a region, or what is wrong with the region.
///
/// # Errors
///
/// A text for regions without an area: special ones, masks without set pixels, boxes without width or height.
pub fn target_box(region: &Region, rule: PolygonBox) -> Result<TargetBox, &'static str> {
    let bounds = match region {
        Region::Special(_) => return Err("a special region is no place to start from"),
        Region::Mask(_) => region.bounds().ok_or("the mask is empty")?,
        _ => region.bounds().ok_or("the region is empty")?,
    };
    let target = TargetBox {
        x: f64::from(bounds.x),
        y: f64::from(bounds.y),
        width: f64::from(bounds.width),
        height: f64::from(bounds.height),
    };
    if ![target.x, target.y, target.width, target.height].iter().all(|value| value.is_finite()) {
        return Err("the region is not finite");
    }
    if target.width <= 0.0 || target.height <= 0.0 {
        return Err("the region is empty");
    }
    match region {
        Region::Polygon(polygon) if rule == PolygonBox::SameArea => Ok(same_area(polygon, target)),
        _ => Ok(target),
    }
}

/// The box of the polygon's area around the mean of its corners; a polygon that crosses itself may enclose nothing by the formula, and
/// then its bounding box has to do.
fn same_area(polygon: &Polygon, bounds: TargetBox) -> TargetBox {
    let scale = (polygon.area() / (bounds.width * bounds.height)).sqrt();
    if scale < 0.1 {
        return bounds;
    }
    let count = polygon.points().len() as f64;
    let x = polygon.points().iter().map(|point| f64::from(point.x)).sum::<f64>() / count;
    let y = polygon.points().iter().map(|point| f64::from(point.y)).sum::<f64>() / count;
    let (width, height) = (bounds.width * scale, bounds.height * scale);
    TargetBox { x: x - width / 2.0, y: y - height / 2.0, width, height }
}

/// The part of a box inside a frame of `size` pixels, or what is wrong with the box.
pub(super) fn clip(target: TargetBox, size: (u32, u32)) -> Result<TargetBox, &'static str> {
    let (right, bottom) = (target.x + target.width, target.y + target.height);
    let (left, top) = (target.x.max(0.0), target.y.max(0.0));
    let width = right.min(f64::from(size.0)) - left;
    let height = bottom.min(f64::from(size.1)) - top;
    if width <= 0.0 || height <= 0.0 {
        return Err("the region is outside the frame");
    }
    Ok(TargetBox { x: left, y: top, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trax::Mask;

    #[test]
    fn regions_become_boxes() {
        let tilted = Region::polygon([(10.0, 0.0), (20.0, 10.0), (10.0, 20.0), (0.0, 10.0)]).unwrap();
        let bounding = TargetBox { x: 0.0, y: 0.0, width: 20.0, height: 20.0 };
        assert_eq!(target_box(&tilted, PolygonBox::Bounding), Ok(bounding));
        let same = target_box(&tilted, PolygonBox::SameArea).unwrap();
        assert!((same.width * same.height - 200.0).abs() < 1e-9);
        assert!((same.x + same.width / 2.0 - 10.0).abs() < 1e-9);
        let crossing = Region::polygon([(0.0, 0.0), (20.0, 20.0), (20.0, 0.0), (0.0, 20.0)]).unwrap();
        assert_eq!(target_box(&crossing, PolygonBox::SameArea), Ok(bounding));
        let mask = Region::Mask(Mask::new(5, 6, 3, 2, vec![false, true, true, false, false, false]).unwrap());
        let expected = TargetBox { x: 6.0, y: 6.0, width: 2.0, height: 1.0 };
        assert_eq!(target_box(&mask, PolygonBox::Bounding), Ok(expected));
    }

    #[test]
    fn regions_without_an_area_are_refused() {
        let empty = Region::Mask(Mask::new(0, 0, 2, 2, vec![false; 4]).unwrap());
        let line = Region::polygon([(0.0, 0.0), (5.0, 0.0), (9.0, 0.0)]).unwrap();
        for region in [
            Region::Special(0),
            empty,
            line,
            Region::rectangle(1.0, 1.0, 0.0, 5.0),
            Region::rectangle(1.0, 1.0, 5.0, -5.0),
            Region::rectangle(f32::NAN, 1.0, 5.0, 5.0),
            Region::polygon([(-3e38, 0.0), (3e38, 0.0), (0.0, 1.0)]).unwrap(),
        ] {
            assert!(target_box(&region, PolygonBox::Bounding).is_err(), "{region}");
        }
    }

    #[test]
    fn boxes_are_clipped_to_the_frame() {
        let target = |x, y, width, height| TargetBox { x, y, width, height };
        assert_eq!(clip(target(-5.0, -5.0, 10.0, 10.0), (100, 50)), Ok(target(0.0, 0.0, 5.0, 5.0)));
        assert_eq!(clip(target(-5.0, -5.0, 1000.0, 1000.0), (100, 50)), Ok(target(0.0, 0.0, 100.0, 50.0)));
        assert_eq!(clip(target(99.0, 49.0, 1.0, 1.0), (100, 50)), Ok(target(99.0, 49.0, 1.0, 1.0)));
        for outside in [target(100.0, 0.0, 5.0, 5.0), target(-5.0, 0.0, 5.0, 5.0), target(0.0, 50.0, 5.0, 5.0)] {
            assert!(clip(outside, (100, 50)).is_err());
        }
    }
}

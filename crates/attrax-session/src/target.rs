//! The box that a tracker starts from, of the region that a client sent.

use std::fmt;
use std::str::FromStr;

use attrax_geometry::BoundingBox;
use trax::{Polygon, Rectangle, Region};

/// The box of a rectangle.
fn box_of(Rectangle { x, y, width, height }: Rectangle) -> BoundingBox {
    let [x, y, width, height] = [x, y, width, height].map(f64::from);
    BoundingBox::new(x, y, width, height)
}

/// The rectangle of a box, in the protocol's single precision.
#[must_use]
pub fn rectangle(BoundingBox { x, y, width, height }: BoundingBox) -> Region {
    Region::rectangle(x as f32, y as f32, width as f32, height as f32)
}

/// How a polygon becomes a box. Displayed and parsed, it is `bounding` or `equal-area`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolygonBox {
    /// The smallest box around it.
    Bounding,
    /// The box of its area around the mean of its corners, in the proportions of the smallest box
    /// around it.
    #[default]
    EqualArea,
}

impl PolygonBox {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::Bounding, Self::EqualArea];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounding => "bounding",
            Self::EqualArea => "equal-area",
        }
    }
}

impl fmt::Display for PolygonBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PolygonBox {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|rule| rule.name() == name).ok_or("known are bounding and equal-area")
    }
}

/// The box that stands for a region, or what is wrong with the region.
///
/// # Errors
///
/// A text for regions without an area: special ones, masks without set pixels, boxes without width
/// or height.
pub fn target_box(region: &Region, rule: PolygonBox) -> Result<BoundingBox, &'static str> {
    let bounds = match region {
        Region::Special(_) => return Err("a special region is no place to start from"),
        Region::Mask(_) => region.bounds().ok_or("the mask is empty")?,
        _ => region.bounds().ok_or("the region is empty")?,
    };
    let target = box_of(bounds);
    if ![target.x, target.y, target.width, target.height].iter().all(|value| value.is_finite()) {
        return Err("the region is not finite");
    }
    if target.width <= 0.0 || target.height <= 0.0 {
        return Err("the region is empty");
    }
    match region {
        Region::Polygon(polygon) if rule == PolygonBox::EqualArea => Ok(equal_area(polygon, target)),
        _ => Ok(target),
    }
}

/// The box of the polygon's area around the mean of its corners; a polygon that crosses itself may
/// enclose nothing by the formula, and then its bounding box has to do.
fn equal_area(polygon: &Polygon, bounds: BoundingBox) -> BoundingBox {
    let scale = (polygon.area() / (bounds.width * bounds.height)).sqrt();
    if scale < 0.1 {
        return bounds;
    }
    let count = polygon.points().len() as f64;
    let x = polygon.points().iter().map(|point| f64::from(point.x)).sum::<f64>() / count;
    let y = polygon.points().iter().map(|point| f64::from(point.y)).sum::<f64>() / count;
    let (width, height) = (bounds.width * scale, bounds.height * scale);
    BoundingBox::from_centre((x, y), width, height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trax::Mask;

    #[test]
    fn regions_become_boxes() {
        let tilted = Region::polygon([(10.0, 0.0), (20.0, 10.0), (10.0, 20.0), (0.0, 10.0)]).unwrap();
        let bounding = BoundingBox::new(0.0, 0.0, 20.0, 20.0);
        assert_eq!(target_box(&tilted, PolygonBox::Bounding), Ok(bounding));
        let same = target_box(&tilted, PolygonBox::EqualArea).unwrap();
        assert!((same.width * same.height - 200.0).abs() < 1e-9);
        assert!((same.x + same.width / 2.0 - 10.0).abs() < 1e-9);
        let crossing = Region::polygon([(0.0, 0.0), (20.0, 20.0), (20.0, 0.0), (0.0, 20.0)]).unwrap();
        assert_eq!(target_box(&crossing, PolygonBox::EqualArea), Ok(bounding));
        let mask = Region::Mask(Mask::new(5, 6, 3, 2, vec![false, true, true, false, false, false]).unwrap());
        let expected = BoundingBox::new(6.0, 6.0, 2.0, 1.0);
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
}

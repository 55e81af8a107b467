//! Regions as pixels: a pixel belongs to a region if its centre does.

use super::{Mask, Polygon, Rectangle, Region};

/// The most pixels that are looked at for one region or one pair.
const MOST_PIXELS: i64 = 1 << 28;

/// The farthest coordinate, in pixels, that is looked at: all whole numbers up to it are exact in
/// single precision.
const FARTHEST: f64 = 16_777_216.0;

/// Columns and rows of pixels, ends excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Window {
    /// The pixels whose centres may be in the rectangle; `None` if there are too many or they are
    /// too far away.
    fn around(rectangle: Rectangle) -> Option<Self> {
        let (left, top) = (f64::from(rectangle.x), f64::from(rectangle.y));
        let (right, bottom) = (left + f64::from(rectangle.width), top + f64::from(rectangle.height));
        if ![left, top, right, bottom].iter().all(|value| value.abs() <= FARTHEST) {
            return None;
        }
        let (left, right) = (left.min(right), left.max(right));
        let (top, bottom) = (top.min(bottom), top.max(bottom));
        let window = Self {
            left: left.floor() as i64,
            top: top.floor() as i64,
            right: right.ceil() as i64,
            bottom: bottom.ceil() as i64,
        };
        (window.pixels() <= MOST_PIXELS).then_some(window)
    }

    /// What two windows and all between them cover.
    fn united(self, other: Self) -> Option<Self> {
        let window = Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        };
        (window.pixels() <= MOST_PIXELS).then_some(window)
    }

    /// What two windows have in common, which may be nothing.
    fn common(self, other: Self) -> Self {
        let (left, top) = (self.left.max(other.left), self.top.max(other.top));
        Self { left, top, right: self.right.min(other.right).max(left), bottom: self.bottom.min(other.bottom).max(top) }
    }

    fn pixels(self) -> i64 {
        self.width() as i64 * (self.bottom - self.top)
    }

    fn width(self) -> usize {
        (self.right - self.left) as usize
    }
}

impl Region {
    /// Sets the pixels of one row that belong to the region; `row` starts at column `left` and is
    /// unset at first.
    fn fill_row(&self, y: i64, left: i64, row: &mut [bool]) {
        match self {
            Self::Special(_) => {}
            Self::Rectangle(r) => {
                let (top, height) = (f64::from(r.y), f64::from(r.height));
                if (top..top + height).contains(&(y as f64 + 0.5)) {
                    let start = f64::from(r.x);
                    set(row, left, start, start + f64::from(r.width));
                }
            }
            Self::Polygon(polygon) => {
                for pair in crossings(polygon, y as f64 + 0.5).chunks_exact(2) {
                    set(row, left, pair[0], pair[1]);
                }
            }
            Self::Mask(mask) => {
                let Ok(index) = usize::try_from(y - i64::from(mask.y())) else { return };
                let Some(pixels) = mask.data().chunks_exact(mask.width() as usize).nth(index) else { return };
                for (column, _) in (i64::from(mask.x()) - left..).zip(pixels).filter(|(_, pixel)| **pixel) {
                    if let Some(pixel) = usize::try_from(column).ok().and_then(|column| row.get_mut(column)) {
                        *pixel = true;
                    }
                }
            }
        }
    }

    /// The region as a mask of the pixels whose centres are in it. `None` for a special region, for
    /// one that covers no pixel's centre, and for one that is too large or too far away to be
    /// counted pixel by pixel.
    ///
    /// ```
    /// use trax::Region;
    ///
    /// let mask = Region::rectangle(1.0, 1.0, 2.0, 3.0).to_mask().unwrap();
    /// assert_eq!((mask.width(), mask.height(), mask.area()), (2, 3, 6));
    /// ```
    #[must_use]
    pub fn to_mask(&self) -> Option<Mask> {
        if let Self::Mask(mask) = self {
            return Some(mask.clone());
        }
        let window = Window::around(self.bounds()?)?;
        let mut data = vec![false; window.pixels() as usize];
        if data.is_empty() {
            return None;
        }
        for (y, row) in (window.top..).zip(data.chunks_exact_mut(window.width())) {
            self.fill_row(y, window.left, row);
        }
        let (width, height) = (window.width() as u32, (window.bottom - window.top) as u32);
        let mask = Mask::new(window.left as i32, window.top as i32, width, height, data).ok()?;
        (mask.area() > 0).then_some(mask)
    }

    /// The overlap with another region: pixels whose centres are in both, divided by pixels whose
    /// centres are in either; only those `within` a rectangle are counted, if there is one. Two
    /// rectangles are compared exactly instead.
    ///
    /// 0 if no pixel is counted, `None` for special regions, for rectangles that are not finite,
    /// and for regions too large or too far away.
    ///
    /// ```
    /// use trax::Region;
    ///
    /// let a = Region::rectangle(0.0, 0.0, 10.0, 10.0);
    /// let b = Region::rectangle(5.0, 0.0, 10.0, 10.0);
    /// assert!((a.overlap(&b, None).unwrap() - 1.0 / 3.0).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn overlap(&self, other: &Self, within: Option<Rectangle>) -> Option<f64> {
        if !self.is_finite() || !other.is_finite() {
            return None;
        }
        if let (Self::Rectangle(a), Self::Rectangle(b)) = (self, other) {
            let clip = |r| within.map_or(edges(r), |within| intersection(edges(r), edges(&within)));
            return Some(rectangle_overlap(clip(a), clip(b)));
        }
        let mut window = match (self.bounds(), other.bounds()) {
            (Some(a), Some(b)) => Window::around(a)?.united(Window::around(b)?)?,
            // One of them is a special region, or a mask without set pixels, which overlaps
            // nothing.
            _ if matches!(self, Self::Special(_)) || matches!(other, Self::Special(_)) => return None,
            _ => return Some(0.0),
        };
        if let Some(within) = within {
            window = window.common(Window::around(within)?);
        }
        let (mut ours, mut theirs) = (vec![false; window.width()], vec![false; window.width()]);
        let (mut both, mut either) = (0_u64, 0_u64);
        for y in window.top..window.bottom {
            ours.fill(false);
            theirs.fill(false);
            self.fill_row(y, window.left, &mut ours);
            other.fill_row(y, window.left, &mut theirs);
            for (&a, &b) in ours.iter().zip(&theirs) {
                both += u64::from(a && b);
                either += u64::from(a || b);
            }
        }
        Some(if either == 0 { 0.0 } else { both as f64 / either as f64 })
    }
}

/// Sets the pixels of a row whose centres are between two coordinates, the first included.
fn set(row: &mut [bool], left: i64, start: f64, end: f64) {
    let column = |x: f64| ((x - 0.5).ceil() - left as f64).clamp(0.0, row.len() as f64) as usize;
    let (start, end) = (column(start), column(end));
    if start < end {
        row[start..end].fill(true);
    }
}

/// Where a horizontal line crosses the polygon's edges, from left to right; between the first and
/// the second is inside, and so on.
fn crossings(polygon: &Polygon, y: f64) -> Vec<f64> {
    let points = polygon.points();
    let mut found: Vec<f64> = points
        .iter()
        .zip(points.iter().cycle().skip(1))
        .filter_map(|(a, b)| {
            let (ax, ay, bx, by) = (f64::from(a.x), f64::from(a.y), f64::from(b.x), f64::from(b.y));
            ((ay <= y) != (by <= y)).then(|| ax + (y - ay) / (by - ay) * (bx - ax))
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

/// Left, top, right and bottom edge of a rectangle, in the precision that their differences need.
type Edges = [f64; 4];

/// The edges of a rectangle.
fn edges(r: &Rectangle) -> Edges {
    let (x, y) = (f64::from(r.x), f64::from(r.y));
    [x, y, x + f64::from(r.width), y + f64::from(r.height)]
}

/// What two rectangles have in common, perhaps with sides of no or negative length.
fn intersection(a: Edges, b: Edges) -> Edges {
    [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]
}

/// Intersection over union.
fn rectangle_overlap(a: Edges, b: Edges) -> f64 {
    let area = |edges: Edges| (edges[2] - edges[0]).max(0.0) * (edges[3] - edges[1]).max(0.0);
    let both = area(intersection(a, b));
    let either = area(a) + area(b) - both;
    if either > 0.0 { both / either } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_hold_the_centres() {
        let square = Region::polygon([(1.0, 1.0), (4.0, 1.0), (4.0, 3.0), (1.0, 3.0)]).unwrap();
        let mask = square.to_mask().unwrap();
        assert_eq!((mask.x(), mask.y(), mask.width(), mask.height(), mask.area()), (1, 1, 3, 2, 6));
        assert_eq!(Region::rectangle(1.0, 1.0, 3.0, 2.0).to_mask().unwrap(), mask);
        // Half of a square, and a bow tie of two quarters of it.
        let triangle = Region::polygon([(0.0, 0.0), (100.0, 0.0), (0.0, 100.0)]).unwrap();
        assert!((triangle.to_mask().unwrap().area() as f64 - 5000.0).abs() < 60.0);
        let tie = Region::polygon([(0.0, 0.0), (100.0, 100.0), (100.0, 0.0), (0.0, 100.0)]).unwrap();
        assert!((tie.to_mask().unwrap().area() as f64 - 5000.0).abs() < 120.0);
        assert_eq!(Region::rectangle(0.6, 0.6, 0.3, 0.3).to_mask(), None);
        assert_eq!(Region::rectangle(0.0, 0.0, 1e9, 1e9).to_mask(), None);
        assert_eq!(Region::rectangle(5.0, 5.0, -2.0, 3.0).to_mask(), None);
    }

    #[test]
    fn overlaps_agree_whatever_the_form() {
        let (a, b) = (Region::rectangle(0.0, 0.0, 20.0, 10.0), Region::rectangle(5.0, 2.0, 20.0, 10.0));
        let expected = 15.0 * 8.0 / (400.0 - 120.0);
        let forms = |region: &Region| {
            let r = region.bounds().unwrap();
            let (right, bottom) = (r.x + r.width, r.y + r.height);
            let corners = [(r.x, r.y), (right, r.y), (right, bottom), (r.x, bottom)];
            [region.clone(), Region::polygon(corners).unwrap(), Region::Mask(region.to_mask().unwrap())]
        };
        for a in forms(&a) {
            for b in forms(&b) {
                assert!((a.overlap(&b, None).unwrap() - expected).abs() < 1e-9, "{a} {b}");
                let left = Rectangle { x: 0.0, y: 0.0, width: 10.0, height: 10.0 };
                assert!((a.overlap(&b, Some(left)).unwrap() - 40.0 / 100.0).abs() < 1e-9, "{a} {b}");
            }
        }
    }

    #[test]
    fn what_cannot_be_compared() {
        let a = Region::rectangle(0.0, 0.0, 20.0, 10.0);
        let empty = Region::Mask(Mask::new(0, 0, 2, 2, vec![false; 4]).unwrap());
        let far = Region::polygon([(1e30, 0.0), (1e30, 1e30), (0.0, 1.0)]).unwrap();
        assert_eq!(a.overlap(&Region::Special(1), None), None);
        assert_eq!(a.overlap(&empty, None), Some(0.0));
        assert_eq!(a.overlap(&far, None), None);
        assert_eq!(a.overlap(&Region::rectangle(f32::NAN, 0.0, 1.0, 1.0), None), None);
    }
}

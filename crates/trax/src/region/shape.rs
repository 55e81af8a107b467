//! The three shapes.

use super::RegionError;

/// A point in pixels from the frame's top left corner.
///
/// ```
/// use trax::{Point, Polygon};
///
/// let triangle = Polygon::new(vec![Point { x: 0.0, y: 0.0 }, Point { x: 4.0, y: 0.0 }, Point { x: 4.0, y: 3.0 }])?;
/// assert_eq!(triangle.points()[2], Point { x: 4.0, y: 3.0 });
/// # Ok::<(), trax::RegionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

/// An axis-aligned rectangle, in pixels. Sides may be zero or negative in what the other side
/// sends.
///
/// ```
/// use trax::{Rectangle, Region};
///
/// let rectangle = Rectangle { x: 1.0, y: 2.0, width: 30.0, height: 40.0 };
/// assert_eq!(Region::Rectangle(rectangle), Region::rectangle(1.0, 2.0, 30.0, 40.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    /// The left edge.
    pub x: f32,
    /// The top edge.
    pub y: f32,
    /// From the left edge to the right one.
    pub width: f32,
    /// From the top edge to the bottom one.
    pub height: f32,
}

/// A polygon of three or more corners with finite coordinates; it may cross itself.
///
/// ```
/// use trax::{Point, Polygon};
///
/// let corners = [(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)].map(|(x, y)| Point { x, y });
/// let triangle = Polygon::new(corners.to_vec())?;
/// assert_eq!(triangle.area(), 6.0);
/// assert!(Polygon::new(corners[..2].to_vec()).is_err());
/// # Ok::<(), trax::RegionError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    points: Vec<Point>,
}

impl Polygon {
    /// A polygon from its corners in order.
    ///
    /// ```
    /// use trax::{Point, Polygon, RegionError};
    ///
    /// let line = [(0.0, 0.0), (4.0, 3.0)].map(|(x, y)| Point { x, y });
    /// assert_eq!(Polygon::new(line.to_vec()), Err(RegionError::Corners(2)));
    /// ```
    ///
    /// # Errors
    ///
    /// [`RegionError::Corners`] for fewer than three, [`RegionError::NotFinite`].
    pub fn new(points: Vec<Point>) -> Result<Self, RegionError> {
        if points.len() < 3 {
            return Err(RegionError::Corners(points.len()));
        }
        if points.iter().any(|point| !point.x.is_finite() || !point.y.is_finite()) {
            return Err(RegionError::NotFinite);
        }
        Ok(Self { points })
    }

    /// The corners in order.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The smallest rectangle around the corners.
    ///
    /// ```
    /// # use trax::{Point, Polygon, Rectangle};
    /// let triangle = Polygon::new([(1.0, 0.0), (4.0, 0.0), (4.0, 3.0)].map(|(x, y)| Point { x, y }).to_vec())?;
    /// assert_eq!(triangle.bounds(), Rectangle { x: 1.0, y: 0.0, width: 3.0, height: 3.0 });
    /// # Ok::<(), trax::RegionError>(())
    /// ```
    #[must_use]
    pub fn bounds(&self) -> Rectangle {
        let (mut left, mut top) = (f32::INFINITY, f32::INFINITY);
        let (mut right, mut bottom) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        for point in &self.points {
            (left, right) = (left.min(point.x), right.max(point.x));
            (top, bottom) = (top.min(point.y), bottom.max(point.y));
        }
        Rectangle { x: left, y: top, width: right - left, height: bottom - top }
    }

    /// The enclosed area in square pixels by the shoelace formula: what a self-crossing polygon
    /// goes around in opposite directions cancels.
    #[must_use]
    pub fn area(&self) -> f64 {
        let next = self.points.iter().cycle().skip(1);
        let twice: f64 = self
            .points
            .iter()
            .zip(next)
            .map(|(a, b)| f64::from(a.x) * f64::from(b.y) - f64::from(b.x) * f64::from(a.y))
            .sum();
        twice.abs() / 2.0
    }
}

/// A binary mask: a rectangle of pixels somewhere in the frame, each set or not; pixels outside it
/// are not set.
///
/// ```
/// use trax::{Mask, Rectangle};
///
/// let mask = Mask::new(10, 20, 3, 2, vec![false, true, true, false, true, false])?;
/// assert_eq!(mask.area(), 3);
/// assert_eq!(mask.bounds(), Some(Rectangle { x: 11.0, y: 20.0, width: 2.0, height: 2.0 }));
/// # Ok::<(), trax::RegionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    x: i32,
    y: i32,
    width: u32,
    height: u32,
    data: Vec<bool>,
}

impl Mask {
    /// A mask whose top left pixel is at (`x`, `y`), with one value a pixel, row after row from the
    /// top.
    ///
    /// ```
    /// use trax::{Mask, RegionError};
    ///
    /// let mask = Mask::new(-1, 5, 2, 1, vec![true, false])?;
    /// assert_eq!((mask.x(), mask.y(), mask.width(), mask.height()), (-1, 5, 2, 1));
    /// assert_eq!(mask.data(), [true, false]);
    /// assert!(Mask::new(0, 0, 2, 2, vec![true]).is_err());
    /// # Ok::<(), trax::RegionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RegionError::Mask`] if a side is zero, if the rectangle leaves the range of 32-bit
    /// coordinates, or if the data is not as long as the sides say.
    pub fn new(x: i32, y: i32, width: u32, height: u32, data: Vec<bool>) -> Result<Self, RegionError> {
        if width == 0 || height == 0 {
            return Err(RegionError::Mask("has no pixels"));
        }
        if u64::from(width) * u64::from(height) != data.len() as u64 {
            return Err(RegionError::Mask("does not have as many pixels as its sides say"));
        }
        if data.len() > i32::MAX as usize
            || x.checked_add_unsigned(width).is_none()
            || y.checked_add_unsigned(height).is_none()
        {
            return Err(RegionError::Mask("is out of range"));
        }
        Ok(Self { x, y, width, height, data })
    }

    /// The column of the leftmost pixels.
    #[must_use]
    pub fn x(&self) -> i32 {
        self.x
    }

    /// The row of the topmost pixels.
    #[must_use]
    pub fn y(&self) -> i32 {
        self.y
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// One value a pixel, row after row from the top.
    #[must_use]
    pub fn data(&self) -> &[bool] {
        &self.data
    }

    /// How many pixels are set.
    #[must_use]
    pub fn area(&self) -> usize {
        self.data.iter().filter(|&&set| set).count()
    }

    /// The smallest rectangle around the set pixels, from the first one's left and top edges to the
    /// last one's right and bottom edges; `None` if none is set.
    #[must_use]
    pub fn bounds(&self) -> Option<Rectangle> {
        let (mut left, mut right) = (usize::MAX, 0);
        let (mut top, mut bottom) = (usize::MAX, 0);
        for (row, pixels) in self.data.chunks_exact(self.width as usize).enumerate() {
            let Some(first) = pixels.iter().position(|&set| set) else { continue };
            let last = pixels.iter().rposition(|&set| set).unwrap_or(first);
            (left, right) = (left.min(first), right.max(last + 1));
            (top, bottom) = (top.min(row), row + 1);
        }
        (bottom > 0).then(|| Rectangle {
            x: self.x as f32 + left as f32,
            y: self.y as f32 + top as f32,
            width: (right - left) as f32,
            height: (bottom - top) as f32,
        })
    }
}

//! Regions: where an object is.

mod convert;
mod raster;
mod shape;
mod text;

pub use shape::{Mask, Point, Polygon, Rectangle};

pub use crate::error::RegionError;
use crate::metadata::RegionFormat;

/// Where an object is, in pixels from the frame's top left corner.
///
/// Numbers are single precision, which is what the protocol carries. The text form is what messages
/// hold:
///
/// ```
/// use trax::{Rectangle, Region};
///
/// let region: Region = "10,20,30.5,40".parse()?;
/// assert_eq!(region, Region::Rectangle(Rectangle { x: 10.0, y: 20.0, width: 30.5, height: 40.0 }));
/// assert_eq!(region.to_string(), "10.0000,20.0000,30.5000,40.0000");
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Region {
    /// No place but a code, whose meaning the two sides agree on; 0 is usual for an object that is
    /// not visible.
    Special(i32),
    /// An axis-aligned rectangle.
    Rectangle(Rectangle),
    /// A polygon.
    Polygon(Polygon),
    /// A binary mask.
    Mask(Mask),
}

impl Region {
    /// An axis-aligned rectangle.
    ///
    /// ```
    /// # use trax::Region;
    /// assert_eq!(Region::rectangle(1.0, 2.0, 3.0, 4.0).to_string(), "1.0000,2.0000,3.0000,4.0000");
    /// ```
    #[must_use]
    pub fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self::Rectangle(Rectangle { x, y, width, height })
    }

    /// A polygon from its corners.
    ///
    /// ```
    /// # use trax::Region;
    /// let triangle = Region::polygon([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)])?;
    /// assert_eq!(triangle, "0,0,4,0,4,3".parse()?);
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RegionError::Corners`] for fewer than three, [`RegionError::NotFinite`].
    pub fn polygon(corners: impl IntoIterator<Item = (f32, f32)>) -> Result<Self, RegionError> {
        let points = corners.into_iter().map(|(x, y)| Point { x, y }).collect();
        Ok(Self::Polygon(Polygon::new(points)?))
    }

    /// Which of the announced formats this is; a special region is none of them.
    ///
    /// ```
    /// # use trax::{Region, RegionFormat};
    /// assert_eq!(Region::rectangle(1.0, 2.0, 3.0, 4.0).format(), Some(RegionFormat::Rectangle));
    /// assert_eq!(Region::Special(0).format(), None);
    /// ```
    #[must_use]
    pub fn format(&self) -> Option<RegionFormat> {
        match self {
            Self::Special(_) => None,
            Self::Rectangle(_) => Some(RegionFormat::Rectangle),
            Self::Polygon(_) => Some(RegionFormat::Polygon),
            Self::Mask(_) => Some(RegionFormat::Mask),
        }
    }

    /// The smallest rectangle around it:
    ///
    /// ```
    /// use trax::{Rectangle, Region};
    ///
    /// let tilted = Region::polygon([(5.0, 0.0), (10.0, 5.0), (5.0, 10.0), (0.0, 5.0)])?;
    /// assert_eq!(tilted.bounds(), Some(Rectangle { x: 0.0, y: 0.0, width: 10.0, height: 10.0 }));
    /// assert_eq!(Region::Special(0).bounds(), None);
    /// # Ok::<(), trax::RegionError>(())
    /// ```
    ///
    /// From the least to the greatest coordinate of a polygon's corners, around a mask's set
    /// pixels. `None` for a special region and for a mask without set pixels.
    #[must_use]
    pub fn bounds(&self) -> Option<Rectangle> {
        match self {
            Self::Special(_) => None,
            Self::Rectangle(rectangle) => Some(*rectangle),
            Self::Polygon(polygon) => Some(polygon.bounds()),
            Self::Mask(mask) => mask.bounds(),
        }
    }

    /// The pixels that it takes of a limit on masks: none unless it is a mask.
    pub(crate) fn mask_pixels(&self) -> u64 {
        match self {
            Self::Mask(mask) => mask.data().len() as u64,
            _ => 0,
        }
    }

    /// Whether every number in it is finite, so that a message can carry it.
    ///
    /// ```
    /// # use trax::Region;
    /// assert!(!Region::rectangle(f32::NAN, 2.0, 3.0, 4.0).is_finite());
    /// ```
    #[must_use]
    pub fn is_finite(&self) -> bool {
        match self {
            Self::Special(_) | Self::Polygon(_) | Self::Mask(_) => true,
            Self::Rectangle(r) => [r.x, r.y, r.width, r.height].iter().all(|value| value.is_finite()),
        }
    }
}

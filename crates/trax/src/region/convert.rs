//! From one form of region to another.

use super::{Point, Polygon, Region};
use crate::metadata::RegionFormat;

impl Region {
    /// The region in another form: the rectangle or mask around or of it, or a polygon of its
    /// corners (of its bounds' corners for a mask). `None` if it has no such form: special regions,
    /// masks without set pixels, regions too large for a mask.
    ///
    /// ```
    /// use trax::{Region, RegionFormat};
    ///
    /// let region: Region = "0,0,4,0,4,3".parse()?;
    /// let rectangle = region.to_format(RegionFormat::Rectangle).unwrap();
    /// assert_eq!(rectangle, Region::rectangle(0.0, 0.0, 4.0, 3.0));
    /// # Ok::<(), trax::Error>(())
    /// ```
    #[must_use]
    pub fn to_format(&self, format: RegionFormat) -> Option<Self> {
        match (format, self) {
            (RegionFormat::Rectangle, _) => self.bounds().map(Self::Rectangle),
            (RegionFormat::Polygon, Self::Polygon(_)) => Some(self.clone()),
            (RegionFormat::Polygon, _) => {
                let r = self.bounds()?;
                let (right, bottom) = (r.x + r.width, r.y + r.height);
                let corners = [(r.x, r.y), (right, r.y), (right, bottom), (r.x, bottom)];
                let points = corners.map(|(x, y)| Point { x, y }).to_vec();
                Polygon::new(points).ok().map(Self::Polygon)
            }
            (RegionFormat::Mask, _) => self.to_mask().map(Self::Mask),
        }
    }

    /// The region in the best of the forms that are accepted: its own, else mask, polygon or
    /// rectangle in this order.
    ///
    /// ```
    /// use trax::{Region, RegionFormat};
    ///
    /// let triangle: Region = "0,0,4,0,4,3".parse()?;
    /// assert_eq!(triangle.to_accepted(&[RegionFormat::Rectangle]), Some(Region::rectangle(0.0, 0.0, 4.0, 3.0)));
    /// assert_eq!(triangle.to_accepted(&[RegionFormat::Rectangle, RegionFormat::Polygon]), Some(triangle));
    /// # Ok::<(), trax::Error>(())
    /// ```
    #[must_use]
    pub fn to_accepted(&self, accepted: &[RegionFormat]) -> Option<Self> {
        if self.format().is_some_and(|format| accepted.contains(&format)) {
            return Some(self.clone());
        }
        [RegionFormat::Mask, RegionFormat::Polygon, RegionFormat::Rectangle]
            .into_iter()
            .filter(|format| accepted.contains(format))
            .find_map(|format| self.to_format(format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mask;

    #[test]
    fn forms_become_each_other() {
        let rectangle = Region::rectangle(2.0, 3.0, 4.0, 5.0);
        let corners = Region::polygon([(2.0, 3.0), (6.0, 3.0), (6.0, 8.0), (2.0, 8.0)]).unwrap();
        let mask = Region::Mask(Mask::new(2, 3, 4, 5, vec![true; 20]).unwrap());
        for region in [&rectangle, &corners, &mask] {
            assert_eq!(region.to_format(RegionFormat::Rectangle).as_ref(), Some(&rectangle));
            assert_eq!(region.to_format(RegionFormat::Polygon).as_ref(), Some(&corners));
            assert_eq!(region.to_format(RegionFormat::Mask).as_ref(), Some(&mask));
        }
        for format in [RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask] {
            assert_eq!(Region::Special(1).to_format(format), None);
        }
    }

    #[test]
    fn the_best_accepted_form_is_taken() {
        let region = Region::rectangle(2.0, 3.0, 4.0, 5.0);
        let all = [RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask];
        assert_eq!(region.to_accepted(&all), Some(region.clone()));
        assert!(matches!(region.to_accepted(&all[1..]), Some(Region::Mask(_))));
        assert!(matches!(region.to_accepted(&all[1..2]), Some(Region::Polygon(_))));
        assert_eq!(region.to_accepted(&[]), None);
    }
}

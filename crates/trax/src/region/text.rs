//! The text form of regions.
//!
//! Numbers separated by commas: one is a special code, four a rectangle, six or more a polygon's
//! corners. A prefix (`special:`, `rect:`, `poly:`, `mask:`) says so outright, and `mask:` is the
//! only way to a mask: its left, top, width and height, then the lengths of alternating runs of
//! unset and set pixels, of which the last may be left out if it is unset.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::{Mask, Point, Polygon, Rectangle, Region, RegionError};
use crate::error::Error;
use crate::limits::Limits;

impl Region {
    /// Reads the text form, under limits on polygons and masks.
    ///
    /// Stricter than libtrax, which takes `1,2,nan,4` for a special region and stops the process at
    /// `rect:1`.
    ///
    /// ```
    /// use trax::{Limits, Region};
    ///
    /// let few = Limits::default().polygon_points(3);
    /// assert!(Region::parse("0,0,4,0,4,3", &few).is_ok());
    /// assert!(Region::parse("0,0,4,0,4,3,0,3", &few).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Region`] if it makes no sense, [`Error::TooLarge`] if it is over a limit.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Error> {
        Self::parse_with(text, limits, 0)
    }

    /// The same where earlier masks of the request have `taken` some of the allowed pixels.
    pub(crate) fn parse_with(text: &str, limits: &Limits, taken: u64) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RegionError::Empty.into());
        }
        let (kind, numbers) = match text.split_once(':') {
            Some(("special", numbers)) => ("special region", numbers),
            Some(("rect", numbers)) => ("rectangle", numbers),
            Some(("poly", numbers)) => ("polygon", numbers),
            Some(("mask", numbers)) => return mask(numbers, limits.mask_pixels, taken),
            Some((kind, _)) => return Err(RegionError::NotANumber(shorten(kind)).into()),
            None => ("", text),
        };
        // One more than the limit is enough to know that it is exceeded.
        let most = limits.polygon_points.saturating_mul(2).max(4);
        let values = numbers.split(',').take(most + 1).map(coordinate).collect::<Result<Vec<f32>, _>>()?;
        match (kind, values.len()) {
            (_, found) if found > most => {
                Err(Error::TooLarge { what: "number of corners of a polygon", limit: limits.polygon_points as u64 })
            }
            ("special region" | "", 1) => Ok(Self::Special(code(numbers)?)),
            ("rectangle" | "", 4) => {
                let [x, y, width, height] = [values[0], values[1], values[2], values[3]];
                Ok(Self::Rectangle(Rectangle { x, y, width, height }))
            }
            ("polygon" | "", found) if found >= 6 && found % 2 == 0 => {
                let points = values.chunks_exact(2).map(|pair| Point { x: pair[0], y: pair[1] }).collect();
                Ok(Self::Polygon(Polygon::new(points)?))
            }
            ("polygon", found) if found % 2 == 0 => Err(RegionError::Corners(found / 2).into()),
            ("", found) => Err(RegionError::Count { kind: "region", found }.into()),
            (kind, found) => Err(RegionError::Count { kind, found }.into()),
        }
    }
}

impl FromStr for Region {
    type Err = Error;

    /// Reads the text form under the default limits.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, &Limits::default())
    }
}

/// A finite number.
fn coordinate(text: &str) -> Result<f32, RegionError> {
    let value: f32 = text.trim().parse().map_err(|_| RegionError::NotANumber(shorten(text)))?;
    if value.is_finite() { Ok(value) } else { Err(RegionError::NotFinite) }
}

/// A special region's code, which some write with decimals.
fn code(text: &str) -> Result<i32, RegionError> {
    whole(text).and_then(|value| i32::try_from(value).map_err(|_| RegionError::NotANumber(shorten(text))))
}

/// A whole number, which may be written with decimals.
fn whole(text: &str) -> Result<i64, RegionError> {
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    // Beyond 2^53 not every whole number is a double, and nothing here needs to be so large.
    match text.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(value as i64),
        _ => Err(RegionError::NotANumber(shorten(text))),
    }
}

/// The start of a text, for a message.
fn shorten(text: &str) -> String {
    text.chars().take(32).collect()
}

/// `x,y,width,height,runs...`
fn mask(text: &str, most: u64, taken: u64) -> Result<Region, Error> {
    let mut fields = text.split(',');
    let mut header = [0_i64; 4];
    for (found, value) in header.iter_mut().enumerate() {
        let field = fields.next().ok_or(RegionError::Count { kind: "mask", found })?;
        *value = whole(field)?;
    }
    let [x, y, width, height] = header;
    let offset = |value: i64| i32::try_from(value).map_err(|_| RegionError::Mask("is out of range"));
    let side =
        |value: i64| u32::try_from(value).map_err(|_| RegionError::Mask("has a side that is negative or out of range"));
    let (x, y, width, height) = (offset(x)?, offset(y)?, side(width)?, side(height)?);
    let pixels = u64::from(width) * u64::from(height);
    if pixels > most.saturating_sub(taken) {
        return Err(Error::TooLarge { what: "size of a mask in pixels", limit: most });
    }
    let pixels = pixels as usize;
    let mut data = Vec::with_capacity(pixels);
    let mut set = false;
    for field in fields {
        let run = usize::try_from(whole(field)?).map_err(|_| RegionError::Mask("has a run of negative length"))?;
        if run > pixels - data.len() {
            return Err(RegionError::Mask("has runs that are longer than it").into());
        }
        data.resize(data.len() + run, set);
        set = !set;
    }
    data.resize(pixels, false);
    Ok(Region::Mask(Mask::new(x, y, width, height, data)?))
}

impl Display for Region {
    /// Writes the text form as libtrax does: four decimals, a prefix for masks only.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Special(code) => write!(f, "{code}"),
            Self::Rectangle(r) => write!(f, "{:.4},{:.4},{:.4},{:.4}", r.x, r.y, r.width, r.height),
            Self::Polygon(polygon) => {
                for (index, point) in polygon.points().iter().enumerate() {
                    let separator = if index == 0 { "" } else { "," };
                    write!(f, "{separator}{:.4},{:.4}", point.x, point.y)?;
                }
                Ok(())
            }
            Self::Mask(mask) => write_mask(mask, f),
        }
    }
}

/// Writes a mask; a last run of unset pixels is left out, but a mask of nothing else keeps it,
/// since a reader expects a run.
fn write_mask(mask: &Mask, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "mask:{},{},{},{}", mask.x(), mask.y(), mask.width(), mask.height())?;
    let mut rest = mask.data();
    let mut set = false;
    loop {
        let run = rest.iter().take_while(|&&pixel| pixel == set).count();
        if run == rest.len() && !set && run != mask.data().len() {
            return Ok(());
        }
        write!(f, ",{run}")?;
        rest = &rest[run..];
        if rest.is_empty() {
            return Ok(());
        }
        set = !set;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Error {
        text.parse::<Region>().unwrap_err()
    }

    #[test]
    fn every_form_is_read() {
        for (text, region) in [
            ("7", Region::Special(7)),
            ("special:-3", Region::Special(-3)),
            ("1.0000", Region::Special(1)),
            (" 1, 2 ,3,4 ", Region::rectangle(1.0, 2.0, 3.0, 4.0)),
            ("rect:1e2,-2,.5,4.", Region::rectangle(100.0, -2.0, 0.5, 4.0)),
            ("0,0,4,0,4,3", Region::polygon([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)]).unwrap()),
            ("poly:0,0,4,0,4,3,0,3", Region::polygon([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)]).unwrap()),
            ("mask:5,-6,2,2,1,2", Region::Mask(Mask::new(5, -6, 2, 2, vec![false, true, true, false]).unwrap())),
            ("mask:0,0,2,1", Region::Mask(Mask::new(0, 0, 2, 1, vec![false; 2]).unwrap())),
            ("mask:0,0,2,1,0,2", Region::Mask(Mask::new(0, 0, 2, 1, vec![true; 2]).unwrap())),
        ] {
            assert_eq!(text.parse::<Region>().unwrap(), region, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(error(""), Error::Region(RegionError::Empty)));
        assert!(matches!(error("1,2,nan,4"), Error::Region(RegionError::NotFinite)));
        assert!(matches!(error("1,2,3,inf"), Error::Region(RegionError::NotFinite)));
        assert!(matches!(error("1,2,3,1e39"), Error::Region(RegionError::NotFinite)));
        assert!(matches!(error("poly:1,2,3,4"), Error::Region(RegionError::Corners(2))));
        for text in
            ["1,2", "rect:1", "rect:1,2,3,4,5", "1,2,3", "1,2,3,4,5,6,7", "special:1,2", "poly:1,2,3", "mask:1,2"]
        {
            assert!(matches!(error(text), Error::Region(RegionError::Count { .. })), "{text}");
        }
        for text in [",", "special:", "rect:a,b,c,d", "1;2;3;4", "99999999999", "blob:1,2,3,4", "1.5", "mask:0,0,2,2,x"]
        {
            assert!(matches!(error(text), Error::Region(RegionError::NotANumber(_))), "{text}");
        }
        for text in
            ["mask:0,0,0,5", "mask:0,0,-5,4,3,3", "mask:0,0,2,2,5", "mask:0,0,2,2,-1", "mask:2147483647,0,2,2,4"]
        {
            assert!(matches!(error(text), Error::Region(RegionError::Mask(_))), "{text}");
        }
    }

    #[test]
    fn limits_hold_before_memory_is_taken() {
        assert!(matches!(error("mask:0,0,100000,100000,1"), Error::TooLarge { .. }));
        assert!(matches!(error("mask:0,0,4294967295,4294967295,1"), Error::TooLarge { .. }));
        let limits = Limits::default().polygon_points(3);
        assert!(Region::parse("0,0,4,0,4,3", &limits).is_ok());
        assert!(matches!(Region::parse("0,0,4,0,4,3,0,3", &limits), Err(Error::TooLarge { limit: 3, .. })));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut data = vec![false; 12];
        for flips in 0..(1_u32 << 12) {
            for (bit, pixel) in data.iter_mut().enumerate() {
                *pixel = flips >> bit & 1 == 1;
            }
            let region = Region::Mask(Mask::new(3, 4, 4, 3, data.clone()).unwrap());
            assert_eq!(region.to_string().parse::<Region>().unwrap(), region);
        }
        for text in ["-5", "1.5000,-2.2500,3.0000,4.0000", "0.0000,0.0000,4.0000,0.0000,4.0000,3.0000"] {
            assert_eq!(text.parse::<Region>().unwrap().to_string(), text);
        }
    }
}

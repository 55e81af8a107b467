//! 16-bit values to 8 bits, by the range of the sequence's first frame.

/// Share of the values below and above the range: single hot or dead pixels do not count.
const OUTLIERS: f64 = 0.001;
/// A range of more than this share of all 16-bit values is taken for the whole of them.
const NARROW: u32 = 0x1_0000 / 4;
/// The least range; a frame of one value has none of its own.
const LEAST: i32 = 64;

/// Which 16-bit values become 0 and 255: the same for all frames of a sequence.
///
/// Thermal cameras use a small part of the 16 bits. Where the first frame's values (without the
/// outermost 0.1 % on either side) span less than a quarter of them, that span and half of it on
/// either side, for what later frames bring, becomes the 8 bits. Otherwise the 16 bits are rounded
/// to 8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    range: Option<(i32, i32)>,
}

impl Depth {
    /// The values in 8 bits; the first ones that are not all 8 bits deep give the range.
    pub(super) fn bytes(&mut self, values: &[u16]) -> Vec<u8> {
        let (low, high) = *self.range.get_or_insert_with(|| range_of(values));
        let span = i64::from(high - low);
        let byte = |value: &u16| {
            let above = i64::from((i32::from(*value)).clamp(low, high) - low);
            ((2 * 255 * above + span) / (2 * span)) as u8
        };
        values.iter().map(byte).collect()
    }
}

/// The range that the values of a first frame give.
fn range_of(values: &[u16]) -> (i32, i32) {
    let mut counts = vec![0_usize; 0x1_0000];
    for value in values {
        counts[usize::from(*value)] += 1;
    }
    let few = (OUTLIERS * values.len() as f64) as usize;
    let low = first_beyond(few, counts.iter().enumerate());
    let high = first_beyond(few, counts.iter().enumerate().rev());
    let span = high - low;
    if span.unsigned_abs() >= NARROW {
        return (0, 0xffff);
    }
    let margin = (span / 2).max(LEAST / 2);
    (low - margin, high + margin)
}

/// The first value with more than a few values up to it.
fn first_beyond<'a>(few: usize, mut counts: impl Iterator<Item = (usize, &'a usize)>) -> i32 {
    let mut passed = 0;
    let found = counts.find(|(_, count)| {
        passed += *count;
        passed > few
    });
    found.map_or(0, |(value, _)| value as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_values_are_spread_and_wide_ones_rounded() {
        let narrow: Vec<u16> = (7000..8000).collect();
        let mut depth = Depth::default();
        let bytes = depth.bytes(&narrow);
        let (low, high) = (bytes[0], bytes[999]);
        assert!((60..68).contains(&low) && (188..196).contains(&high), "{low} {high}");
        // The range stays.
        assert_eq!(depth.bytes(&[0, 7500, 65535]), [0, 128, 255]);
        let wide: Vec<u16> = (0..=255).map(|value| value * 257).collect();
        assert_eq!(Depth::default().bytes(&wide), (0..=255).collect::<Vec<u8>>());
        // One hot pixel among many changes little.
        let hot = [narrow, vec![65535]].concat();
        assert!((60..68).contains(&Depth::default().bytes(&hot)[0]));
        assert_eq!(Depth::default().bytes(&[5; 9]), [128; 9]);
    }
}

//! The shapes of `EfficientNet`'s blocks, which are in the metadata of the weights.
//!
//! `blocks_args` has the notation of `EfficientNet`'s own code: `r2_k3_s2_e6_o24` stands for two
//! blocks (r) with a kernel of 3 x 3 (k), of which the first has a stride of 2 (s), with 6 times as
//! many channels in the middle (e) and 24 at the output (o). Such groups are separated by spaces.
//! Metadata without it belongs to the embedded network's blocks.

use super::Parameters;
use crate::TrackerError;
use crate::weights;

/// Key of the metadata.
const KEY: &str = "blocks_args";

/// Channels of the stem's output, the first block's input.
const STEM: i64 = 32;

/// Product of the blocks' strides: with the stem's, the network's features are 16 pixels apart.
const STRIDE: i64 = 8;

/// Most blocks.
const MOST: usize = 64;

/// The shape of an inverted residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockShape {
    /// Channels of the input.
    pub input: i64,
    /// Channels of the depthwise convolution.
    pub middle: i64,
    /// Channels of the output.
    pub output: i64,
    /// Side of the depthwise convolution's kernel.
    pub kernel: i64,
    /// Its stride.
    pub stride: i64,
}

impl BlockShape {
    /// Whether the block has a convolution that expands the channels.
    #[must_use]
    pub fn expands(self) -> bool {
        self.middle != self.input
    }

    /// Whether the input is added to the output.
    #[must_use]
    pub fn residual(self) -> bool {
        self.stride == 1 && self.input == self.output
    }

    /// The blocks of the network that the parameters are for, in order.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if `blocks_args` breaks its notation, a number is out of range, or
    /// the features are not 16 pixels apart.
    pub fn of(parameters: &Parameters) -> Result<Vec<Self>, TrackerError> {
        let embedded = weights::embedded_text(KEY);
        let text = parameters.text(KEY).or(embedded.as_deref()).unwrap_or_default();
        let problem =
            |problem: String| parameters.problem(format!("the metadata {KEY} = '{}' {problem}", text.escape_debug()));
        let mut blocks = Vec::new();
        for group in text.split_whitespace() {
            let expected = || problem(format!("has '{}' where r2_k3_s2_e6_o24 is expected", group.escape_debug()));
            let [repeats, kernel, stride, expansion, output] = numbers(group).ok_or_else(expected)?;
            for place in 0..repeats {
                let input = blocks.last().map_or(STEM, |block: &Self| block.output);
                let stride = if place == 0 { stride } else { 1 };
                blocks.push(Self { input, middle: input * expansion, output, kernel, stride });
            }
        }
        if !(1..=MOST).contains(&blocks.len()) {
            return Err(problem(format!("has {} blocks, not 1 to {MOST}", blocks.len())));
        }
        if blocks.iter().try_fold(1, |product: i64, block| product.checked_mul(block.stride)) != Some(STRIDE) {
            return Err(problem(format!("has strides whose product is not {STRIDE}")));
        }
        Ok(blocks)
    }
}

/// The numbers of a group: repeats, kernel, stride, expansion and channels of the output.
fn numbers(group: &str) -> Option<[i64; 5]> {
    let ranges = [('r', 1..=16), ('k', 1..=7), ('s', 1..=2), ('e', 1..=16), ('o', 1..=4096)];
    let mut parts = group.split('_');
    let mut found = [0; 5];
    for (number, (letter, range)) in found.iter_mut().zip(ranges) {
        *number = parts.next()?.strip_prefix(letter)?.parse().ok().filter(|number| range.contains(number))?;
    }
    // Padding keeps a plane's size for odd kernels alone.
    (parts.next().is_none() && found[1] % 2 == 1).then_some(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tch::{Device, Kind};

    use super::*;

    fn of(text: Option<&str>) -> Result<Vec<BlockShape>, TrackerError> {
        let metadata: BTreeMap<_, _> = text.map(|text| (KEY.to_owned(), text.to_owned())).into_iter().collect();
        BlockShape::of(&Parameters::new("w", [], metadata, Kind::Float, Device::Cpu))
    }

    #[test]
    fn groups_become_blocks() {
        let blocks = of(Some("r1_k3_s2_e1_o16 r2_k5_s2_e6_o24 r1_k1_s2_e2_o24")).unwrap();
        let rows = blocks.iter().map(|b| (b.input, b.middle, b.output, b.kernel, b.stride));
        let expected = [(32, 32, 16, 3, 2), (16, 96, 24, 5, 2), (24, 144, 24, 5, 1), (24, 48, 24, 1, 2)];
        assert_eq!(rows.collect::<Vec<_>>(), expected);
        let flags = blocks.iter().map(|b| (b.expands(), b.residual()));
        assert_eq!(flags.collect::<Vec<_>>(), [(false, false), (true, false), (true, true), (true, false)]);
    }

    #[test]
    fn metadata_without_blocks_has_the_embedded_ones() {
        let embedded = weights::embedded_text(KEY).unwrap();
        assert_eq!(of(None).unwrap(), of(Some(&embedded)).unwrap());
    }

    #[test]
    fn invalid_blocks_are_rejected_by_name() {
        for (text, words) in [
            ("", "has 0 blocks"),
            ("11", "has '11' where"),
            ("r1_k3_s2_e1", "has 'r1_k3_s2_e1' where"),
            ("r1_k3_s2_e1_o16_x", "where"),
            ("r0_k3_s2_e1_o16", "where"),
            ("r1_k2_s2_e1_o16", "where"),
            ("r1_k3_s3_e1_o16", "where"),
            ("r1_k3_s2_e99_o16", "where"),
            ("r1_k3_s2_e1_o99999999999999999999", "where"),
            ("r1_k3_s2_e1_o16", "product is not 8"),
            ("r16_k3_s2_e1_o16 r16_k3_s2_e1_o16 r16_k3_s2_e1_o16 r16_k3_s1_e1_o16 r1_k3_s1_e1_o16", "has 65 blocks"),
        ] {
            let error = of(Some(text)).unwrap_err().to_string();
            assert!(error.contains(KEY) && error.contains(words), "{text}: {error}");
        }
    }
}

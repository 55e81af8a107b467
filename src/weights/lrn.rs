//! The parameters of local response normalisation, which differ between the sources of VGG-M's weights.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::WeightsError;

/// Local response normalisation: `x / (kappa + alpha * sum)^beta`, where `sum` adds the squares of
/// `size` neighbouring channels, `size / 2` of them (rounded down) before the channel itself.
///
/// `alpha` is *not* divided by `size`, unlike `PyTorch`'s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lrn {
    /// Channels in the window, at least 1.
    pub size: usize,
    /// The constant added to the sum.
    pub kappa: f64,
    /// The factor of the sum, not divided by the size.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
}

/// More channels than any layer has.
const LARGEST_SIZE: f64 = 4096.0;

impl Lrn {
    /// What VGG-M was trained with, and what MDNet and DAT use.
    pub const VGG_M: Self = Self { size: 5, kappa: 2.0, alpha: 1e-4, beta: 0.75 };

    /// What py-MDNet's networks were trained with: `torch.nn.LocalResponseNorm(2)`, whose alpha of
    /// 1e-4 is divided by the size.
    pub const PY_MDNET: Self = Self { size: 2, kappa: 1.0, alpha: 1e-4 / 2.0, beta: 0.75 };

    /// The parameters as numbers of a file, or `None` where they make no sense: the size is no
    /// positive integer, kappa is not positive, alpha or beta is negative, one of them is not finite.
    #[must_use]
    pub fn new(size: f64, kappa: f64, alpha: f64, beta: f64) -> Option<Self> {
        let sensible = (1.0..=LARGEST_SIZE).contains(&size)
            && size.fract() == 0.0
            && kappa > 0.0
            && alpha >= 0.0
            && beta >= 0.0
            && [kappa, alpha, beta].iter().all(|number| number.is_finite());
        // Files in single precision hold 1e-4 as 9.9999997e-5.
        let tidy = |number: f64| (number as f32).to_string().parse().unwrap_or(number);
        sensible.then(|| Self { size: size as usize, kappa: tidy(kappa), alpha: tidy(alpha), beta: tidy(beta) })
    }

    /// Records the parameters in a file's metadata.
    pub(super) fn record(&self, metadata: &mut BTreeMap<String, String>) {
        for (key, value) in KEYS.iter().zip([self.size as f64, self.kappa, self.alpha, self.beta]) {
            metadata.insert((*key).into(), value.to_string());
        }
    }

    /// The parameters in a file's metadata, or `None` where there are none at all.
    ///
    /// # Errors
    /// [`WeightsError::Metadata`] where only some are there, or where they make no sense.
    pub(super) fn recorded(metadata: &BTreeMap<String, String>, path: &Path) -> Result<Option<Self>, WeightsError> {
        let found = KEYS.map(|key| metadata.get(key));
        if found.iter().all(Option::is_none) {
            return Ok(None);
        }
        let wrong = |key: &str, found: Option<&String>, expected: &str| WeightsError::Metadata {
            path: path.into(),
            key: key.into(),
            found: found.cloned().unwrap_or_default(),
            expected: expected.into(),
        };
        let mut numbers = [0.0; 4];
        for ((number, key), text) in numbers.iter_mut().zip(KEYS).zip(found) {
            *number = text
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| wrong(key, text, "a number, as for each of lrn.size, lrn.kappa, lrn.alpha, lrn.beta"))?;
        }
        let [size, kappa, alpha, beta] = numbers;
        match Self::new(size, kappa, alpha, beta) {
            Some(lrn) => Ok(Some(lrn)),
            None => Err(wrong(
                "lrn.*",
                Some(&format!("{size}, {kappa}, {alpha}, {beta}")),
                "a positive integer, a positive number, and two that are not negative",
            )),
        }
    }
}

/// The metadata's keys, in the order of [`Lrn::new`].
const KEYS: [&str; 4] = ["lrn.size", "lrn.kappa", "lrn.alpha", "lrn.beta"];

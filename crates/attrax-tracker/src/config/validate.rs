//! The ranges of the parameters.

use super::Config;
use crate::TrackerError;

/// What a number has to be.
type Range = (fn(f64) -> bool, &'static str);

const COUNT: Range = (|value| (1.0..=1e6).contains(&value), "a whole number from 1 to 1000000");
const OPTIONAL_COUNT: Range = (|value| value <= 1e6, "a whole number of at most 1000000");
const FACTOR: Range = (|value| value >= 1.0, "a number of at least 1");
const POSITIVE: Range = (|value| value > 0.0, "a number above 0");
const NOT_NEGATIVE: Range = (|value| value >= 0.0, "a number of at least 0");
const SHARE: Range = (|value| (0.0..1.0).contains(&value), "a number from 0, and below 1");
const POWER: Range = (|value| (0.0..=1.0).contains(&value), "a number from 0 to 1");
const SIGNED_SHARE: Range = (|value| value.abs() < 1.0, "a number between -1 and 1");
const GROWTH: Range = (|value| value == 0.0 || value >= 1.0, "0 for at once, or a factor of at least 1");
const GRID: Range = (|value| [0.0, 4.0, 8.0, 16.0].contains(&value), "0, 4, 8 or 16 pixels of a crop");

impl Config {
    /// Checks that every parameter is in its range.
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] with the name of the first one that is not.
    pub fn validate(&self) -> Result<(), TrackerError> {
        for (name, value, (good, allowed)) in self.counts().into_iter().chain(self.numbers()) {
            if !(value.is_finite() && good(value)) {
                return Err(refused(name, value, allowed));
            }
        }
        let (smallest, largest) = self.regression_area;
        for value in [smallest, largest] {
            if !(value.is_finite() && value > 0.0 && smallest <= largest) {
                let allowed = "two ratios of areas above 0, the smaller one first";
                return Err(refused("regression_area", value, allowed));
            }
        }
        Ok(())
    }

    /// The whole numbers and their ranges.
    fn counts(&self) -> Vec<(&'static str, f64, Range)> {
        [
            ("grid", self.grid, GRID),
            // Zero is fine: no training, no box regression, all samples.
            ("initial_training.iterations", self.initial_training.iterations, OPTIONAL_COUNT),
            ("update_training.iterations", self.update_training.iterations, OPTIONAL_COUNT),
            ("regression_samples", self.regression_samples, OPTIONAL_COUNT),
            ("attention.samples", self.attention.samples, OPTIONAL_COUNT),
            ("attention.interval", self.attention.interval, COUNT),
            ("candidates", self.candidates, COUNT),
            ("best", self.best, COUNT),
            ("initial_samples.positives", self.initial_samples.positives, COUNT),
            ("initial_samples.negatives", self.initial_samples.negatives, COUNT),
            ("update_samples.positives", self.update_samples.positives, COUNT),
            ("update_samples.negatives", self.update_samples.negatives, COUNT),
            ("batch_positives", self.batch_positives, COUNT),
            ("batch_negatives", self.batch_negatives, COUNT),
            ("mined_from", self.mined_from, COUNT),
            ("long_interval", self.long_interval, COUNT),
            ("positive_frames", self.positive_frames, COUNT),
            ("negative_frames", self.negative_frames, COUNT),
            ("failure.interval", self.failure.interval, COUNT),
        ]
        .map(|(name, value, range)| (name, value as f64, range))
        .to_vec()
    }

    /// The other numbers and their ranges.
    fn numbers(&self) -> Vec<(&'static str, f64, Range)> {
        let spreads = &self.spreads;
        vec![
            ("scale", self.scale, FACTOR),
            ("head.last_layer_rate", self.head.last_layer_rate, FACTOR),
            ("spreads.positive.scale", spreads.positive.scale, FACTOR),
            ("spreads.positive.aspect", spreads.positive.aspect, FACTOR),
            ("spreads.initial_negative.scale", spreads.initial_negative.scale, FACTOR),
            ("spreads.initial_negative.aspect", spreads.initial_negative.aspect, FACTOR),
            ("spreads.anywhere_negative.scale", spreads.anywhere_negative.scale, FACTOR),
            ("spreads.anywhere_negative.aspect", spreads.anywhere_negative.aspect, FACTOR),
            ("spreads.update_negative.scale", spreads.update_negative.scale, FACTOR),
            ("spreads.update_negative.aspect", spreads.update_negative.aspect, FACTOR),
            ("spreads.regression.scale", spreads.regression.scale, FACTOR),
            ("spreads.regression.aspect", spreads.regression.aspect, FACTOR),
            ("translation", self.translation, POSITIVE),
            ("failure.translation", self.failure.translation, POSITIVE),
            ("head.deviation", self.head.deviation, POSITIVE),
            ("head.first_layer_rate", self.head.first_layer_rate, POSITIVE),
            ("initial_training.rate", self.initial_training.rate, POSITIVE),
            ("update_training.rate", self.update_training.rate, POSITIVE),
            ("gradient_limit", self.gradient_limit, POSITIVE),
            ("regression_alpha", self.regression_alpha, POSITIVE),
            ("first_frame_blur", self.first_frame_blur, POWER),
            ("attention.lambda", self.attention.lambda, NOT_NEGATIVE),
            ("decay", self.decay, NOT_NEGATIVE),
            ("scale_reach", self.scale_reach, NOT_NEGATIVE),
            ("distance_penalty", self.distance_penalty, NOT_NEGATIVE),
            ("spreads.positive.translation", spreads.positive.translation, NOT_NEGATIVE),
            ("spreads.initial_negative.translation", spreads.initial_negative.translation, NOT_NEGATIVE),
            ("spreads.update_negative.translation", spreads.update_negative.translation, NOT_NEGATIVE),
            ("spreads.regression.translation", spreads.regression.translation, NOT_NEGATIVE),
            ("failure.growth", self.failure.growth, GROWTH),
            ("failure.threshold", self.failure.threshold, SIGNED_SHARE),
            ("failure.follow", self.failure.follow, SIGNED_SHARE),
            ("scale_feedback", self.scale_feedback, POWER),
            ("velocity", self.velocity, POWER),
            ("initial_samples.positive_overlap", self.initial_samples.positive_overlap, SHARE),
            ("initial_samples.negative_overlap", self.initial_samples.negative_overlap, SHARE),
            ("update_samples.positive_overlap", self.update_samples.positive_overlap, SHARE),
            ("update_samples.negative_overlap", self.update_samples.negative_overlap, SHARE),
            ("regression_overlap", self.regression_overlap, SHARE),
            ("momentum", self.momentum, SHARE),
        ]
    }
}

/// The error for a parameter that is not in its range.
fn refused(name: &str, value: f64, allowed: &str) -> TrackerError {
    TrackerError::Parameter { name: name.into(), value: value.to_string(), allowed: allowed.into() }
}

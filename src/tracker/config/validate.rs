//! The ranges of the parameters.

use super::Config;
use crate::tracker::TrackerError;

impl Config {
    /// Checks that every parameter is in its range.
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] with the name of the first one that is not.
    pub fn validate(&self) -> Result<(), TrackerError> {
        let check = |name: &'static str, value: f64, good: bool, allowed: &'static str| {
            if good && value.is_finite() {
                Ok(())
            } else {
                Err(TrackerError::Parameter { name: name.into(), value: value.to_string(), allowed: allowed.into() })
            }
        };
        check("grid", self.grid as f64, [0, 4, 8, 16].contains(&self.grid), "0, 4, 8 or 16 pixels of a crop")?;
        // Zero is fine: no training, or no box regression.
        let optional = [
            ("initial_training.iterations", self.initial_training.iterations),
            ("update_training.iterations", self.update_training.iterations),
            ("regression_samples", self.regression_samples),
            ("attention.samples", self.attention.samples),
        ];
        for (name, value) in optional {
            check(name, value as f64, value <= 1_000_000, "a whole number of at most 1000000")?;
        }
        let counts = [
            ("candidates", self.candidates),
            ("best", self.best),
            ("initial_samples.positives", self.initial_samples.positives),
            ("initial_samples.negatives", self.initial_samples.negatives),
            ("update_samples.positives", self.update_samples.positives),
            ("update_samples.negatives", self.update_samples.negatives),
            ("batch_positives", self.batch_positives),
            ("batch_negatives", self.batch_negatives),
            ("mined_from", self.mined_from),
            ("long_interval", self.long_interval),
            ("positive_frames", self.positive_frames),
            ("negative_frames", self.negative_frames),
            ("failure.interval", self.failure.interval),
        ];
        for (name, value) in counts {
            check(name, value as f64, (1..=1_000_000).contains(&value), "a whole number from 1 to 1000000")?;
        }
        let at_least_one = [
            ("scale", self.scale),
            ("head.last_layer_rate", self.head.last_layer_rate),
            ("spreads.positive.scale", self.spreads.positive.scale),
            ("spreads.positive.aspect", self.spreads.positive.aspect),
            ("spreads.initial_negative.scale", self.spreads.initial_negative.scale),
            ("spreads.initial_negative.aspect", self.spreads.initial_negative.aspect),
            ("spreads.anywhere_negative.scale", self.spreads.anywhere_negative.scale),
            ("spreads.anywhere_negative.aspect", self.spreads.anywhere_negative.aspect),
            ("spreads.update_negative.scale", self.spreads.update_negative.scale),
            ("spreads.update_negative.aspect", self.spreads.update_negative.aspect),
            ("spreads.regression.scale", self.spreads.regression.scale),
            ("spreads.regression.aspect", self.spreads.regression.aspect),
        ];
        for (name, value) in at_least_one {
            check(name, value, value >= 1.0, "a number of at least 1")?;
        }
        let positive = [
            ("translation", self.translation),
            ("failure.translation", self.failure.translation),
            ("head.deviation", self.head.deviation),
            ("head.first_layer_rate", self.head.first_layer_rate),
            ("initial_training.rate", self.initial_training.rate),
            ("update_training.rate", self.update_training.rate),
            ("gradient_limit", self.gradient_limit),
            ("regression_alpha", self.regression_alpha),
        ];
        for (name, value) in positive {
            check(name, value, value > 0.0, "a number above 0")?;
        }
        let (smallest, largest) = self.regression_area;
        for value in [smallest, largest] {
            let good = value > 0.0 && smallest <= largest;
            check("regression_area", value, good, "two ratios of areas above 0, the smaller one first")?;
        }
        let at_least_zero = [
            ("attention.lambda", self.attention.lambda),
            ("decay", self.decay),
            ("distance_penalty", self.distance_penalty),
            ("spreads.positive.translation", self.spreads.positive.translation),
            ("spreads.initial_negative.translation", self.spreads.initial_negative.translation),
            ("spreads.update_negative.translation", self.spreads.update_negative.translation),
            ("spreads.regression.translation", self.spreads.regression.translation),
        ];
        for (name, value) in at_least_zero {
            check(name, value, value >= 0.0, "a number of at least 0")?;
        }
        let growth = self.failure.growth;
        check("failure.growth", growth, growth == 0.0 || growth >= 1.0, "0 for at once, or a factor of at least 1")?;
        check(
            "failure.threshold",
            self.failure.threshold,
            self.failure.threshold.abs() < 1.0,
            "a share between -1 and 1",
        )?;
        check(
            "scale_feedback",
            self.scale_feedback,
            (0.0..=1.0).contains(&self.scale_feedback),
            "a number from 0 to 1",
        )?;
        let shares = [
            ("initial_samples.positive_overlap", self.initial_samples.positive_overlap),
            ("initial_samples.negative_overlap", self.initial_samples.negative_overlap),
            ("update_samples.positive_overlap", self.update_samples.positive_overlap),
            ("update_samples.negative_overlap", self.update_samples.negative_overlap),
            ("regression_overlap", self.regression_overlap),
            ("momentum", self.momentum),
        ];
        for (name, value) in shares {
            check(name, value, (0.0..1.0).contains(&value), "a number from 0, and below 1")?;
        }
        Ok(())
    }
}

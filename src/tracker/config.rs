//! The tracker's parameters, as published.

use serde::{Deserialize, Serialize};

use super::TrackerError;

use super::attention::{Form, Reduction, Use};
use super::precision::Precision;

/// How many samples are drawn, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Positive samples.
    pub positives: usize,
    /// Negative samples.
    pub negatives: usize,
    /// Smallest overlap of a positive sample.
    pub positive_overlap: f64,
    /// Largest overlap of a negative sample.
    pub negative_overlap: f64,
}

/// Length and rate of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Iterations.
    pub iterations: usize,
    /// Learning rate of fc4 and fc5; that of fc6 is a multiple of it.
    pub rate: f64,
}

/// What attention is used for, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// What the maps are used for; in TOML its name is `use`.
    #[serde(rename = "use")]
    pub role: Use,
    /// Weight of the regulariser; at 0 the tracker is MDNet's online part.
    pub lambda: f64,
    /// How a map is made.
    pub form: Form,
    /// How the samples' ratios are joined.
    pub reduction: Reduction,
    /// Samples of each half of a mini-batch that are regularised, at most; 0 for all, as published.
    pub samples: usize,
}

impl Attention {
    /// Whether every sample of every mini-batch gets its maps: it then goes through the network at each training step.
    pub(super) fn maps_whole_batch(&self) -> bool {
        self.regularizes() && self.samples == 0
    }

    /// Whether there is a regulariser.
    pub(super) fn regularizes(&self) -> bool {
        self.lambda > 0.0 && self.role == Use::Regularizer
    }
}

/// Every parameter of the tracker. The defaults are DAT's and, where DAT says nothing, MDNet's, with two exceptions that
/// follow measurements on VOT-2016 sequences: box regression learns from boxes of half to twice the target's area (MDNet:
/// one to twice), which lets it shrink boxes too, and the next candidates are drawn around the regressed box, without
/// which a target that changes its size is followed too slowly (mean overlap on 90 frames of `bag` with lambda 0: 0.73
/// against 0.64).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seed of every random draw.
    pub seed: u64,
    /// Candidates drawn in each frame.
    pub candidates: usize,
    /// Spread of the candidates: translation in mean sides.
    pub translation: f64,
    /// Spread of the candidates: scale factor.
    pub scale: f64,
    /// Translation of the candidates after a failure.
    pub failure_translation: f64,
    /// Best candidates whose mean score decides on success and whose mean is the box.
    pub best: usize,
    /// Positive samples in a mini-batch.
    pub batch_positives: usize,
    /// Negative samples in a mini-batch.
    pub batch_negatives: usize,
    /// Negative samples among which the hardest are mined.
    pub mined_from: usize,
    /// Momentum of the gradient descent.
    pub momentum: f64,
    /// Weight decay.
    pub decay: f64,
    /// The learning rate of fc6 is this times that of fc4 and fc5.
    pub last_layer_rate: f64,
    /// Largest norm of the gradient.
    pub gradient_limit: f64,
    /// Frames between long-term updates.
    pub long_interval: usize,
    /// Frames whose positive samples are remembered.
    pub positive_frames: usize,
    /// Frames whose negative samples are remembered, and from which a short-term update takes its positives.
    pub negative_frames: usize,
    /// Samples that box regression is fitted on.
    pub regression_samples: usize,
    /// Smallest overlap of those samples.
    pub regression_overlap: f64,
    /// Smallest and largest ratio of their areas to the target's.
    pub regression_area: (f64, f64),
    /// Ridge of the box regression.
    pub regression_alpha: f64,
    /// Whether the next candidates are drawn around the regressed box (true) or around the mean of the best candidates,
    /// as MDNet does (false).
    pub regression_feedback: bool,
    /// Pixels of a crop between boxes that share one pass of the network: 4, 8 or 16. With 0 each box is drawn by itself
    /// and gets a crop of its own, as published.
    pub grid: usize,
    /// Precision of the network.
    pub precision: Precision,
    /// Samples of the first frame.
    pub initial_samples: Samples,
    /// Samples of each later frame.
    pub update_samples: Samples,
    /// Training on the first frame.
    pub initial_training: Schedule,
    /// Training at each update.
    pub update_training: Schedule,
    /// The regulariser.
    pub attention: Attention,
}

impl Default for Config {
    fn default() -> Self {
        Self::released()
    }
}

impl Config {
    /// The regulariser as the paper writes it: positive part of the gradient, ratios of each sample.
    #[must_use]
    pub fn paper() -> Self {
        Self {
            attention: Attention { form: Form::Paper, reduction: Reduction::PerSample, ..Self::released().attention },
            ..Self::released()
        }
    }

    /// The regulariser as the published code computes it: squared gradient, ratio of the sums over the mini-batch.
    #[must_use]
    pub fn released() -> Self {
        Self {
            seed: 0,
            candidates: 256,
            translation: 0.6,
            scale: 1.05,
            failure_translation: 1.5,
            best: 5,
            initial_samples: Samples { positives: 500, negatives: 5000, positive_overlap: 0.7, negative_overlap: 0.5 },
            update_samples: Samples { positives: 50, negatives: 200, positive_overlap: 0.7, negative_overlap: 0.3 },
            initial_training: Schedule { iterations: 50, rate: 2e-4 },
            update_training: Schedule { iterations: 15, rate: 3e-4 },
            batch_positives: 32,
            batch_negatives: 32,
            mined_from: 1024,
            momentum: 0.9,
            decay: 5e-4,
            last_layer_rate: 10.0,
            gradient_limit: 10.0,
            long_interval: 10,
            positive_frames: 100,
            negative_frames: 20,
            regression_samples: 1000,
            regression_overlap: 0.6,
            regression_area: (0.5, 2.0),
            regression_alpha: 1000.0,
            regression_feedback: true,
            grid: 0,
            precision: Precision::Float32,
            attention: Attention {
                role: Use::Regularizer,
                lambda: 5.0,
                form: Form::Released,
                reduction: Reduction::Batch,
                samples: 0,
            },
        }
    }

    /// MDNet's online part: no regulariser.
    #[must_use]
    pub fn mdnet() -> Self {
        let mut config = Self::released();
        config.attention.lambda = 0.0;
        config
    }

    /// The released form arranged to share work: candidates and samples on grids, a smaller mini-batch for the regulariser.
    #[must_use]
    pub fn fast() -> Self {
        let mut config = Self::released();
        config.grid = 8;
        config.precision = Precision::Auto;
        config.attention.samples = 8;
        config
    }

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
        ];
        for (name, value) in counts {
            check(name, value as f64, (1..=1_000_000).contains(&value), "a whole number from 1 to 1000000")?;
        }
        for (name, value) in [("scale", self.scale), ("last_layer_rate", self.last_layer_rate)] {
            check(name, value, value >= 1.0, "a number of at least 1")?;
        }
        let positive = [
            ("translation", self.translation),
            ("failure_translation", self.failure_translation),
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
        for (name, value) in [("attention.lambda", self.attention.lambda), ("decay", self.decay)] {
            check(name, value, value >= 0.0, "a number of at least 0")?;
        }
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

//! The named sets of parameters.

use super::{
    Anywhere, Around, Aspect, Attention, BoxHead, Config, Failure, Features, Form, Head, Initialization, Precision,
    Reduction, Resampling, Samples, Schedule, Spreads, Use, Windows,
};

impl Default for Config {
    fn default() -> Self {
        Self::attrax()
    }
}

impl Config {
    /// attrax's own tracker: the released form of reciprocative learning, with the changes to
    /// [`Config::released`] that measurements on VOT-2016 sequences support (`docs/fidelity.md`):
    /// candidates and samples on grids that share passes of the network, features trained on
    /// videos, a first frame that is learnt whole, a wide search with a penalty on the distance
    /// from the expected position, a box that follows the best candidates while the target is lost,
    /// edges that are the mean of the regressed ones and those of a network trained on videos, and
    /// a regulariser in some iterations of the training on the first frame alone.
    #[must_use]
    pub fn attrax() -> Self {
        let mut config = Self::released();
        config.grid = 8;
        config.features = Features::Videos;
        config.head.draw = Initialization::Normal;
        config.initial_training = Schedule { iterations: 100, rate: 4e-4, enough: 0.0 };
        config.translation = 1.0;
        config.distance_penalty = 4.0;
        config.velocity = 0.7;
        config.scale_reach = 0.25;
        config.box_head = BoxHead { weight: 0.5, error: 0.0, passes: 1, ..config.box_head };
        config.failure = Failure { growth: 1.1, follow: -0.5, ..config.failure };
        config.attention = Attention { lambda: 1.0, samples: 8, interval: 10, updates: false, ..config.attention };
        config
    }

    /// The same with less work: a coarse search whose pass also gives the negative samples, the
    /// fine grid around the best place alone, fewer windows of the first frame, but of copies of it
    /// that are blurred or turned too, fewer samples to mine from, updates that end early, and
    /// fewer regularised iterations. Windows are multiplied and samples ranked in bfloat16 where
    /// the processor computes so, and products have fewer bits where a GPU does.
    #[must_use]
    pub fn fast() -> Self {
        let mut config = Self::attrax();
        config.precision = Precision::Auto;
        config.search_grid = 16;
        config.shared_background = true;
        config.scale_reach = 0.1;
        config.initial_windows = Windows { near: 8, around: 3, anywhere: 4 };
        config.first_frame_blur = 0.4;
        config.first_frame_rotation = 20.0;
        config.mined_from = 256;
        config.update_training.enough = 0.02;
        config.attention.interval = 50;
        config
    }

    /// DAT as its authors' released code runs it, except that the regulariser has an effect here.
    /// In the released code its gradient has no graph, so it trains nothing. `attention.lambda = 0`
    /// gives the released behaviour.
    #[must_use]
    pub fn released() -> Self {
        Self {
            seed: 0,
            candidates: 256,
            translation: 0.6,
            scale: 1.05,
            scale_reach: 0.0,
            candidates_inside: true,
            velocity: 0.0,
            distance_penalty: 0.0,
            best: 5,
            initial_samples: Samples { positives: 500, negatives: 5000, positive_overlap: 0.7, negative_overlap: 0.5 },
            initial_windows: Windows { near: 24, around: 8, anywhere: 12 },
            update_samples: Samples { positives: 50, negatives: 200, positive_overlap: 0.7, negative_overlap: 0.3 },
            initial_training: Schedule { iterations: 50, rate: 2e-4, enough: 0.0 },
            update_training: Schedule { iterations: 15, rate: 3e-4, enough: 0.0 },
            batch_positives: 32,
            batch_negatives: 32,
            mined_from: 1024,
            momentum: 0.9,
            momentum_kept: true,
            decay: 5e-4,
            gradient_limit: 10.0,
            long_interval: 10,
            positive_frames: 100,
            negative_frames: 20,
            first_frame_trimmed: true,
            first_frame_blur: 0.0,
            first_frame_rotation: 0.0,
            regression_samples: 1000,
            regression_overlap: 0.6,
            regression_area: (1.0, 2.0),
            regression_alpha: 1000.0,
            regression_feedback: false,
            scale_feedback: 0.0,
            grid: 0,
            search_grid: 0,
            scale_grid: 0,
            shared_background: false,
            features: Features::Images,
            precision: Precision::Float32,
            resampling: Resampling::Averaged,
            spreads: Spreads {
                aspect: Aspect::Reciprocal,
                positive: Around { translation: 0.1, scale: 1.2, aspect: 1.0 },
                initial_negative: Around { translation: 1.0, scale: 2.0, aspect: 1.1 },
                anywhere_negative: Anywhere { scale: 1.2, aspect: 1.1 },
                update_negative: Around { translation: 1.5, scale: 1.2, aspect: 1.0 },
                regression: Around { translation: 0.3, scale: 1.5, aspect: 1.1 },
            },
            head: Head { draw: Initialization::Uniform, deviation: 0.01, first_layer_rate: 1.0, last_layer_rate: 10.0 },
            box_head: BoxHead { weight: 0.0, error: 0.08, feedback: 0.0, passes: 2, required: false },
            failure: Failure { threshold: 0.0, follow: 0.0, translation: 1.5, growth: 0.0, interval: 1 },
            attention: Attention {
                role: Use::Regularizer,
                lambda: 5.0,
                form: Form::Released,
                stride: 2,
                reduction: Reduction::Batch,
                samples: 0,
                interval: 1,
                updates: true,
            },
        }
    }

    /// The regulariser as the paper writes it (positive part of the gradient, ratios of each
    /// sample), and MDNet's draw of fc4-fc6, because the paper builds on MDNet and gives no other.
    /// Values in neither paper follow the released code.
    #[must_use]
    pub fn paper() -> Self {
        let mut config = Self::released();
        config.head.draw = Initialization::Normal;
        config.attention = Attention { form: Form::Paper, reduction: Reduction::PerSample, ..config.attention };
        config
    }

    /// MDNet's online part: no regulariser, its draw of fc4-fc6 and its mini-batches of 32 positive
    /// and 96 negative samples.
    #[must_use]
    pub fn mdnet() -> Self {
        let mut config = Self::released();
        config.head.draw = Initialization::Normal;
        config.batch_negatives = 96;
        config.attention.lambda = 0.0;
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_in_its_ranges_and_follows_the_published_procedure() {
        for config in [Config::attrax(), Config::fast(), Config::released(), Config::paper(), Config::mdnet()] {
            config.validate().unwrap();
            assert_eq!(config.spreads, Config::released().spreads);
            assert!(!config.regression_feedback && config.momentum_kept && config.first_frame_trimmed);
            assert_eq!(config.resampling, Resampling::Averaged);
        }
        for config in [Config::released(), Config::paper(), Config::mdnet()] {
            assert_eq!(config.failure, Config::released().failure);
            assert_eq!(config.initial_training, Schedule { iterations: 50, rate: 2e-4, enough: 0.0 });
            assert_eq!((config.translation, config.distance_penalty, config.scale_reach), (0.6, 0.0, 0.0));
            assert_eq!(config.attention.interval, 1);
        }
        assert_eq!(Config::default(), Config::attrax());
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        for (key, value) in [
            ("failure.growth", "0.5"),
            ("failure.interval", "0"),
            ("attention.interval", "0"),
            ("scale_feedback", "2"),
            ("scale_reach", "-1"),
            ("distance_penalty", "-1"),
            ("grid", "5"),
        ] {
            let error = Config::attrax().with_value(key, value).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}

//! The tracker's parameters. The presets are in `presets.rs`, the ranges in `table.rs`;
//! `docs/fidelity.md` lists each parameter's value in the paper, the released code and each preset.

mod choices;
mod overrides;
mod presets;
mod ranges;
mod table;
mod validate;

use serde::{Deserialize, Serialize};

pub use self::choices::{Features, Form, Initialization, Precision, Reduction, Resampling, Use};
pub use self::overrides::Explanation;
use self::validate::refused;
use crate::TrackerError;

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
    /// Learning rate of fc5; those of fc4 and fc6 are multiples of it.
    pub rate: f64,
    /// The training ends before its last iteration once the mean cross-entropy of a mini-batch is
    /// below this; 0 for never, as published.
    pub enough: f64,
}

/// On grids, how many windows the samples of the first frame are taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Windows on the target: positive samples, and those of box regression.
    pub near: usize,
    /// Windows around the target that reach farther: negative samples.
    pub around: usize,
    /// Windows anywhere in the frame: negative samples.
    pub anywhere: usize,
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
    /// Pixels of a crop between two cells of a map: 2 for maps at the first convolution's output,
    /// as published; 4, 8 or 16 for maps at later planes.
    pub stride: usize,
    /// How the samples' ratios are joined.
    pub reduction: Reduction,
    /// Samples of each half of a mini-batch that are regularised, at most; 0 for all, as published.
    pub samples: usize,
    /// Every `interval`-th iteration is regularised, starting with the first of each training; 1
    /// for all, as published.
    pub interval: usize,
    /// Whether updates are regularised too, as published, or the training on the first frame alone.
    pub updates: bool,
}

impl Attention {
    /// Whether every sample of every mini-batch of every training goes through the network for its
    /// maps, which gives its features too.
    pub(crate) fn maps_whole_batch(&self) -> bool {
        self.regularizes() && self.samples == 0 && self.interval == 1 && self.updates && self.stride < 16
    }

    /// Whether there is a regulariser.
    pub(crate) fn regularizes(&self) -> bool {
        self.lambda > 0.0 && self.role == Use::Regularizer
    }
}

/// How far boxes are varied around the target when samples are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    /// Largest translation, in mean sides of the target.
    pub translation: f64,
    /// The scale factor is raised to a power in [-1, 1].
    pub scale: f64,
    /// The factor of the sides' proportions is raised to a power in [-1, 1]; 1 keeps the
    /// proportions.
    pub aspect: f64,
}

/// How an aspect factor, raised to a uniform power in [-1, 1], changes a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The width is multiplied by it and the height divided by it: the area stays (DAT's released
    /// code).
    Reciprocal,
    /// Each side is multiplied by its own factor.
    Independent,
}

/// How boxes are varied over the whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anywhere {
    /// As in [`Around`].
    pub scale: f64,
    /// As in [`Around`].
    pub aspect: f64,
}

/// The spreads of all samples; those of the candidates are parameters of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spreads {
    /// How an aspect factor changes the two sides.
    pub aspect: Aspect,
    /// Positive samples of every frame: Gaussian.
    pub positive: Around,
    /// Half of the first frame's negative samples: uniform around the target.
    pub initial_negative: Around,
    /// The other half: centres on a regular grid over the whole frame.
    pub anywhere_negative: Anywhere,
    /// Negative samples of later frames: uniform.
    pub update_negative: Around,
    /// Samples of box regression: uniform.
    pub regression: Around,
}

/// What fc4-fc6 begin with, and how fast each layer learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The distribution that the weights are drawn from.
    pub draw: Initialization,
    /// Deviation of the normal distribution; the others have their own.
    pub deviation: f64,
    /// The rate of fc4's weights is this times that of fc5: to multiply the features by `s` would
    /// do the same as `s^2` here and `s` times the deviation of fc4's weights.
    pub first_layer_rate: f64,
    /// The rate of fc6 is this times that of fc5.
    pub last_layer_rate: f64,
}

/// What happens in frames in which the target is not found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The target counts as found if the mean score of the best candidates is above this share of
    /// the score that its box has in the first frame after training; 0 is the published rule.
    pub threshold: f64,
    /// As `threshold`, for moving to the best candidates: at a lower share the box follows them in
    /// frames that count as lost, where nothing is learnt of them; at the same share, as published,
    /// it stays.
    pub follow: f64,
    /// Largest translation of the candidates, in mean sides.
    pub translation: f64,
    /// The translation grows by this factor in each frame without the target; at 0 it is the
    /// largest at once, as published.
    pub growth: f64,
    /// Frames between short-term updates while the target is lost, starting with the first lost
    /// frame; 1 as published.
    pub interval: usize,
}

/// The use of the box head, a network trained on videos that finds the target's edges and says how
/// far off it expects them to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxHead {
    /// Weight of its edges in the reported box, next to the regressed ones; 0 as published, 1 for
    /// its edges alone.
    pub weight: f64,
    /// The error that the regressed edges are taken to have, in sides of the box: an edge of the
    /// head whose expected error is as large has half its weight, a surer one more. 0 for the whole
    /// weight whatever the error.
    pub error: f64,
    /// Power of the reported box's sides that the next candidates' sides follow in frames with the
    /// target, times the head's certainty: 0 as published, 1 for the whole.
    pub feedback: f64,
    /// How often it is applied in a frame, each time to the surroundings of the box that it found.
    pub passes: usize,
    /// Whether weights without a box head, or other features than those it was trained with, are an
    /// error. If false, such weights track without it. Setting `weight` or `feedback` by name to a
    /// value above 0 sets this too.
    pub required: bool,
}

impl BoxHead {
    /// Whether it is used.
    pub(crate) fn is_used(&self) -> bool {
        self.weight > 0.0 || self.feedback > 0.0
    }

    /// The error for a use of it that is not possible. It names the feedback if there is any, since
    /// presets have a weight.
    pub(crate) fn refused(&self, reason: &str) -> TrackerError {
        let (key, value) =
            if self.feedback > 0.0 { ("box_head.feedback", self.feedback) } else { ("box_head.weight", self.weight) };
        refused(key, &value, format!("0 here: {reason}"))
    }
}

/// Every parameter of the tracker. [`Config::released`] follows DAT's released code,
/// [`Config::paper`] its paper and [`Config::mdnet`] MDNet; [`Config::attrax`] is the default and
/// [`Config::fast`] the same with less work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a row of the procedure that can be switched alone")]
pub struct Config {
    /// Seed of every random draw.
    pub seed: u64,
    /// Candidates drawn in each frame; on a grid its size sets their number.
    pub candidates: usize,
    /// Spread of the candidates: translation in mean sides.
    pub translation: f64,
    /// Spread of the candidates: scale factor.
    pub scale: f64,
    /// On a grid, how far candidates of other scales than the target's are drawn from the best of
    /// its own, in mean sides; 0 for all scales around the same place.
    pub scale_reach: f64,
    /// Whether candidates are wholly inside the frame; the centres of all other samples always are.
    pub candidates_inside: bool,
    /// Share of the last frame's movement by which the search is moved ahead; 0 as published.
    pub velocity: f64,
    /// In the candidates' ranking a score is lowered by this times the square of the distance from
    /// the middle of the search, in mean sides; 0 as published. The reported score is without the
    /// penalty.
    pub distance_penalty: f64,
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
    /// Whether the velocity of the gradient descent lives through all updates of a target (true),
    /// or begins at rest in each (false).
    pub momentum_kept: bool,
    /// Largest norm of the gradient.
    pub gradient_limit: f64,
    /// Frames between long-term updates.
    pub long_interval: usize,
    /// Frames whose positive samples are remembered.
    pub positive_frames: usize,
    /// Frames whose negative samples are remembered, and from which a short-term update takes its
    /// positives.
    pub negative_frames: usize,
    /// Whether the memory takes as many of the first frame's training samples as of any later frame
    /// (true), or all its positive ones and fresh negative ones (false).
    pub first_frame_trimmed: bool,
    /// Length, in mean sides of the target, over which copies of the first frame are blurred, along
    /// the rows and along the columns, as additional training samples that look like fast motion.
    /// 0, for none, as published.
    pub first_frame_blur: f64,
    /// Angle, degrees, by which two copies of the first frame are turned around the target, one to
    /// either side, as additional training samples. 0, for none, as published.
    pub first_frame_rotation: f64,
    /// Samples that box regression is fitted on.
    pub regression_samples: usize,
    /// Smallest overlap of those samples.
    pub regression_overlap: f64,
    /// Smallest and largest ratio of their areas to the target's.
    pub regression_area: (f64, f64),
    /// Ridge of the box regression.
    pub regression_alpha: f64,
    /// Whether the next candidates are drawn around the regressed box (true) or around the mean of
    /// the best candidates, as MDNet does (false).
    pub regression_feedback: bool,
    /// Without that feedback, the power of the regressed box's scale that the next candidates' size
    /// follows, proportions and centre apart: 0 as published, 1 for the whole.
    pub scale_feedback: f64,
    /// Pixels of a crop between boxes that share one pass of the network: 4, 8 or 16. With 0 each
    /// box is drawn by itself and gets its own crop, as published.
    pub grid: usize,
    /// On a grid, pixels of a crop between two candidates of the search around the expected place.
    /// If they are farther apart than those of `grid`, candidates of the target's own size are also
    /// taken from `grid` around the best place, as far as the search's next position, before those
    /// of other sizes. 0 for `grid`.
    pub search_grid: usize,
    /// On a grid, pixels of a crop between two candidates of other sizes around the best place; 0
    /// for `grid`.
    pub scale_grid: usize,
    /// On a grid, whether the negative samples of later frames are taken from the pass of the
    /// search, as far as it reaches, or from a pass of their own.
    pub shared_background: bool,
    /// What the network's last blocks were trained on, if the weights have several.
    pub features: Features,
    /// Precision of the network, and of ranking many samples.
    pub precision: Precision,
    /// How crops are made smaller or larger.
    pub resampling: Resampling,
    /// Samples of the first frame.
    pub initial_samples: Samples,
    /// Windows that they are taken from.
    pub initial_windows: Windows,
    /// Samples of each later frame.
    pub update_samples: Samples,
    /// Training on the first frame.
    pub initial_training: Schedule,
    /// Training at each update.
    pub update_training: Schedule,
    /// Spreads of the samples.
    pub spreads: Spreads,
    /// The classifier.
    pub head: Head,
    /// The box head.
    pub box_head: BoxHead,
    /// Frames without the target.
    pub failure: Failure,
    /// The regulariser.
    pub attention: Attention,
}

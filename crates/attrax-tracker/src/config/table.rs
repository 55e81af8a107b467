//! Every parameter with its range and a sentence about it.

use super::ranges::Range;

/// One parameter: its name in the TOML form, the values it may have and what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub key: &'static str,
    pub range: Range,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// The parameter of a name.
pub(super) fn find(key: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.key == key)
}

const fn row(key: &'static str, range: Range, about: &'static str) -> Parameter {
    Parameter { key, range, about }
}

/// Iterations of a training: 20 times the published ones.
const ITERATIONS: Range = Range::Whole(0, 1000);
/// Samples whose features are kept: a few kilobytes each.
const SAMPLES: Range = Range::Whole(1, 20_000);
/// Samples of a mini-batch: in training each takes about a megabyte, with the regulariser several.
const BATCH: Range = Range::Whole(1, 1024);
/// Frames between two events.
const INTERVAL: Range = Range::Whole(1, 1_000_000);
/// Frames whose pixels and samples are kept.
const FRAMES: Range = Range::Whole(1, 1000);
/// A factor of a box's sides or of a learning rate.
const FACTOR: Range = Range::Number(1.0, 100.0);
/// A distance in mean sides of the target.
const DISTANCE: Range = Range::Number(0.0, 100.0);
/// An overlap of two boxes.
const OVERLAP: Range = Range::Number(0.0, 0.99);
/// A share of a score.
const SCORE: Range = Range::Number(-0.99, 0.99);
/// A share of a whole.
const SHARE: Range = Range::Number(0.0, 1.0);
/// Pixels of a crop between two boxes of a grid.
const STEP: Range = Range::Among(&[0, 4, 8, 16]);
/// Windows of the first frame.
const WINDOWS: Range = Range::Whole(1, 40);
/// A mean cross-entropy of two classes, which is 0.7 for scores that are alike.
const LOSS: Range = Range::Number(0.0, 10.0);
/// A learning rate: 100 times the published ones.
const RATE: Range = Range::Number(1e-9, 0.03);

/// Every parameter, in the order of `attrax info`. A test compares the keys with the fields of
/// [`Config`](super::Config).
pub(super) const PARAMETERS: &[Parameter] = &[
    row("seed", Range::Whole(0, i64::MAX), "Seed of every random draw."),
    row("candidates", Range::Whole(1, 10_000), "Candidates drawn in each frame; with `grid`, as many as the grid has."),
    row("translation", Range::Number(1e-3, 100.0), "Spread of the candidates' centres, in mean sides of the target."),
    row("scale", FACTOR, "Spread of the candidates' sizes: a factor, raised to powers from -1 to 1."),
    row(
        "scale_reach",
        DISTANCE,
        "With `grid`, distance of candidates of other sizes from the best place, in mean sides.",
    ),
    row("candidates_inside", Range::Switch, "Whether candidates are moved wholly inside the frame."),
    row("velocity", SHARE, "Share of the last movement by which the search is moved ahead."),
    row(
        "distance_penalty",
        Range::Number(0.0, 1e6),
        "Loss of score with the squared distance from the middle of the search.",
    ),
    row(
        "best",
        Range::Whole(1, 10_000),
        "Best candidates, whose mean is the box and whose mean score decides on success.",
    ),
    row("batch_positives", BATCH, "Positive samples in a mini-batch."),
    row("batch_negatives", BATCH, "Negative samples in a mini-batch."),
    row("mined_from", SAMPLES, "Negative samples among which the hardest are mined."),
    row("momentum", Range::Number(0.0, 0.999), "Momentum of the gradient descent."),
    row("decay", Range::Number(0.0, 1.0), "Weight decay of the gradient descent."),
    row("momentum_kept", Range::Switch, "Whether the descent's velocity is kept from update to update."),
    row("gradient_limit", Range::Number(1e-6, 1000.0), "Largest norm of the gradient."),
    row("long_interval", INTERVAL, "Frames between long-term updates."),
    row("positive_frames", FRAMES, "Frames whose positive samples are remembered."),
    row("negative_frames", FRAMES, "Frames whose negative samples are remembered; short-term updates use as many."),
    row(
        "first_frame_trimmed",
        Range::Switch,
        "Whether the memory takes no more samples of the first frame than of others.",
    ),
    row(
        "first_frame_blur",
        SHARE,
        "Length of the motion blur in copies of the first frame, in mean sides; 0 for no copies.",
    ),
    row(
        "first_frame_rotation",
        Range::Number(0.0, 180.0),
        "Angle by which two copies of the first frame are turned around the target, degrees; 0 for no copies.",
    ),
    row(
        "regression_samples",
        Range::Whole(0, 20_000),
        "Samples that box regression is fitted on; 0 for no regression.",
    ),
    row("regression_overlap", OVERLAP, "Smallest overlap of those samples with the target."),
    row("regression_area", Range::Pair(1e-3, 1000.0), "Smallest and largest ratio of their areas to the target's."),
    row("regression_alpha", Range::Number(1e-6, 1e9), "Ridge of the box regression."),
    row("regression_feedback", Range::Switch, "Whether the next search starts from the regressed box."),
    row("scale_feedback", SHARE, "Power of the regressed box's scale that the next candidates' size follows."),
    row("grid", STEP, "Pixels of a crop between boxes that share a pass; 0 for a crop for each box."),
    row("search_grid", STEP, "With `grid`, pixels between two candidates of the search; 0 for those of `grid`."),
    row("scale_grid", STEP, "With `grid`, pixels between two candidates of other sizes; 0 for those of `grid`."),
    row("shared_background", Range::Switch, "With `grid`, whether negative samples share the pass of the search."),
    row("features", Range::Word(&["images", "videos"]), "What the network's last blocks were trained on."),
    row("precision", Range::Word(&["float32", "tf32", "bfloat16", "auto"]), "Precision of the network and of ranking."),
    row("resampling", Range::Word(&["bilinear", "averaged"]), "How crops are made smaller or larger."),
    row("initial_samples.positives", SAMPLES, "Positive samples of the first frame."),
    row("initial_samples.negatives", SAMPLES, "Negative samples of the first frame."),
    row("initial_samples.positive_overlap", OVERLAP, "Smallest overlap of a positive sample of the first frame."),
    row("initial_samples.negative_overlap", OVERLAP, "Largest overlap of a negative sample of the first frame."),
    row("initial_windows.near", WINDOWS, "With `grid`, windows on the target in the first frame."),
    row("initial_windows.around", WINDOWS, "With `grid`, windows around the target in the first frame."),
    row("initial_windows.anywhere", WINDOWS, "With `grid`, windows anywhere in the first frame."),
    row("update_samples.positives", SAMPLES, "Positive samples of each later frame."),
    row("update_samples.negatives", SAMPLES, "Negative samples of each later frame."),
    row("update_samples.positive_overlap", OVERLAP, "Smallest overlap of a positive sample of a later frame."),
    row("update_samples.negative_overlap", OVERLAP, "Largest overlap of a negative sample of a later frame."),
    row("initial_training.iterations", ITERATIONS, "Iterations of the training on the first frame."),
    row("initial_training.rate", RATE, "Learning rate of fc5 in the training on the first frame."),
    row("initial_training.enough", LOSS, "Mean cross-entropy below which it ends early; 0 for never."),
    row("update_training.iterations", ITERATIONS, "Iterations of each update."),
    row("update_training.rate", RATE, "Learning rate of fc5 in updates."),
    row("update_training.enough", LOSS, "Mean cross-entropy below which an update ends early; 0 for never."),
    row(
        "spreads.aspect",
        Range::Word(&["reciprocal", "independent"]),
        "How an aspect factor changes the two sides of a sample.",
    ),
    row("spreads.positive.translation", DISTANCE, "Spread of the positive samples' centres, in mean sides."),
    row("spreads.positive.scale", FACTOR, "Spread of the positive samples' sizes."),
    row("spreads.positive.aspect", FACTOR, "Spread of the positive samples' proportions; 1 keeps them."),
    row(
        "spreads.initial_negative.translation",
        DISTANCE,
        "Spread of the first frame's near negative samples, in mean sides.",
    ),
    row("spreads.initial_negative.scale", FACTOR, "Spread of their sizes."),
    row("spreads.initial_negative.aspect", FACTOR, "Spread of their proportions."),
    row(
        "spreads.anywhere_negative.scale",
        FACTOR,
        "Spread of the sizes of negative samples anywhere in the first frame.",
    ),
    row("spreads.anywhere_negative.aspect", FACTOR, "Spread of their proportions."),
    row("spreads.update_negative.translation", DISTANCE, "Spread of later frames' negative samples, in mean sides."),
    row("spreads.update_negative.scale", FACTOR, "Spread of their sizes."),
    row("spreads.update_negative.aspect", FACTOR, "Spread of their proportions."),
    row("spreads.regression.translation", DISTANCE, "Spread of the samples of box regression, in mean sides."),
    row("spreads.regression.scale", FACTOR, "Spread of their sizes."),
    row("spreads.regression.aspect", FACTOR, "Spread of their proportions."),
    row(
        "head.draw",
        Range::Word(&["normal", "uniform", "he"]),
        "The distribution that the weights of fc4-fc6 are drawn from.",
    ),
    row("head.deviation", Range::Number(1e-6, 1.0), "Deviation of the normal distribution."),
    row("head.first_layer_rate", Range::Number(1e-6, 100.0), "Learning rate of fc4's weights, as a multiple of fc5's."),
    row("head.last_layer_rate", FACTOR, "Learning rate of fc6, as a multiple of fc5's."),
    row("box_head.weight", SHARE, "Weight of the box head's edges in the reported box, next to the regressed ones."),
    row(
        "box_head.error",
        SHARE,
        "Error that regressed edges are taken to have, in sides; surer edges of the head weigh more; 0 for all alike.",
    ),
    row(
        "box_head.feedback",
        SHARE,
        "Power of the box's sides that the next candidates' sides follow, as far as the box head is sure.",
    ),
    row(
        "box_head.passes",
        Range::Whole(1, 4),
        "Passes of the box head in a frame, each around the box of the one before.",
    ),
    row(
        "box_head.required",
        Range::Switch,
        "Whether weights without a box head are an error; set by a box_head.weight or feedback that is given.",
    ),
    row("failure.threshold", SCORE, "Share of the first frame's score above which the target counts as found."),
    row("failure.follow", SCORE, "Share of that score above which the box follows the best candidates."),
    row(
        "failure.translation",
        Range::Number(1e-3, 100.0),
        "Spread of the candidates while the target is lost, at most.",
    ),
    row(
        "failure.growth",
        Range::ZeroOr(1.0, 100.0),
        "Factor by which the spread grows in each such frame; 0 for all at once.",
    ),
    row("failure.interval", INTERVAL, "Frames between short-term updates while the target is lost."),
    row("attention.use", Range::Word(&["regularizer", "weight"]), "What attention maps are used for."),
    row("attention.lambda", Range::Number(0.0, 1000.0), "Weight of the regulariser; 0 switches it off."),
    row("attention.form", Range::Word(&["paper", "released"]), "How a map is made from the gradient."),
    row(
        "attention.stride",
        Range::Among(&[2, 4, 8, 16]),
        "Pixels of a crop between cells of a map; 2 for maps at the first convolution, as published.",
    ),
    row(
        "attention.reduction",
        Range::Word(&["per-sample", "batch"]),
        "How the ratios of several samples become one number.",
    ),
    row(
        "attention.samples",
        Range::Whole(0, 1024),
        "Samples of each half of a mini-batch that are regularised; 0 for all.",
    ),
    row("attention.interval", INTERVAL, "Iterations between regularised ones; 1 for all."),
    row("attention.updates", Range::Switch, "Whether updates are regularised too, as published."),
];

//! The stages that time is spent on.

/// What a span of time was spent on. Of nested spans on one thread, the innermost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A whole frame after the first, reading included.
    Frame,
    /// The whole first frame.
    Initialization,
    /// Reading and decoding a frame.
    Decode,
    /// Drawing boxes.
    Sampling,
    /// Resampling crops.
    Crops,
    /// The network on candidates and samples.
    Backbone,
    /// Scores of the candidates.
    Scoring,
    /// The network on a mini-batch once more with its derivative, the maps, and the regulariser's
    /// derivative.
    Attention,
    /// Finding the hardest negative samples.
    Mining,
    /// The rest of the training of fc4-fc6.
    Training,
    /// Box regression.
    Regression,
    /// Waiting for other threads.
    Waiting,
}

impl Stage {
    /// Every stage, in the order of the table; the first two are the wholes that the others are
    /// parts of.
    pub const ALL: [Self; 12] = [
        Self::Frame,
        Self::Initialization,
        Self::Decode,
        Self::Sampling,
        Self::Crops,
        Self::Backbone,
        Self::Scoring,
        Self::Attention,
        Self::Mining,
        Self::Training,
        Self::Regression,
        Self::Waiting,
    ];

    /// Its name in the table and in the trace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Initialization => "initialization",
            Self::Decode => "decode",
            Self::Sampling => "sampling",
            Self::Crops => "crops",
            Self::Backbone => "backbone",
            Self::Scoring => "scoring",
            Self::Attention => "attention",
            Self::Mining => "mining",
            Self::Training => "training",
            Self::Regression => "regression",
            Self::Waiting => "waiting",
        }
    }

    /// Whether it is a whole that other stages are parts of.
    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Frame | Self::Initialization)
    }
}

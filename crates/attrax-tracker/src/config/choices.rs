//! The enums of parameters.

use serde::{Deserialize, Serialize};

/// The training data of the network's last blocks, if a weights file has both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Features {
    /// Still images: the tensors under their plain names, as the released code has them. fc4 and
    /// fc5 are drawn.
    #[default]
    Images,
    /// Videos, as MDNet's (Nam & Han, CVPR 2016, section 3): tensors with the prefix `videos.`
    /// replace those without, and a target starts with their fc4 and fc5. Without such tensors in
    /// the file this equals [`Self::Images`].
    Videos,
}

/// How a crop's pixels are computed from the frame's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// A blend of the four nearest pixels at every scale.
    Bilinear,
    /// A triangle filter, widened if the crop is smaller than its part of the frame so that all
    /// pixels count; crop edges are between pixels of the frame. DAT's released code does this with
    /// the Python imaging library.
    Averaged,
}

/// Precision of the network's passes, and of ranking: hard negatives, and the short list of
/// candidates. Training, the reported scores, the regulariser and the regression are in float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    Float32,
    /// On a GPU, convolutions in TF32 (10-bit mantissa); on the CPU, `float32`.
    Tf32,
    /// 16 bits, 8 of them exponent (bfloat16): twice as fast on processors with bfloat16
    /// arithmetic.
    Bfloat16,
    /// On a GPU `tf32`. On processors with AVX-512 BF16 `bfloat16`; but of networks with kernels of
    /// attrax only the products in passes over windows, and everything else in `float32`. On other
    /// processors `float32`.
    Auto,
}

/// What attention is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// The maps regularise the training: reciprocative learning.
    Regularizer,
    /// A map weighs the features, in training and in tracking: the alternative that the paper
    /// compares with.
    Weight,
}

/// How a map is made from the gradient, channel by channel, before the sum over channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The positive part of the gradient (the paper, section 3.1).
    Paper,
    /// The squared gradient (the published code).
    Released,
}

/// How the ratios of several samples become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Mean over the samples of each sample's ratios (the paper).
    PerSample,
    /// Ratios of the sums over the samples (the published code).
    Batch,
}

/// The distribution of the initial weights and biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialization {
    /// MDNet's: a normal distribution of one deviation in all layers; biases of 0.1, 0.1 and 0.
    Normal,
    /// DAT's released code, which uses libtorch's default: uniform between `-1 / sqrt(inputs)` and
    /// `1 / sqrt(inputs)`, biases too.
    Uniform,
    /// Normal distributions of deviation `sqrt(2 / inputs)` (He et al., 2015) in fc4 and fc5, 0.01
    /// in fc6; biases as MDNet's. The first two layers then hardly change in an online training.
    He,
}

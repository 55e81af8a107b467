//! Parameters that are one of several words.

use serde::{Deserialize, Serialize};

/// What the network's last blocks were trained on, where a file of weights has both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Features {
    /// Still images: the tensors under their plain names, as the released code has them. fc4 and fc5 are drawn.
    #[default]
    Images,
    /// Videos, as MDNet's (Nam & Han, CVPR 2016, section 3): tensors whose names begin with `videos.` take the place of those without,
    /// and a target begins with the fc4 and fc5 among them. A file without such tensors gives what [`Self::Images`] gives.
    Videos,
}

/// How a crop's pixels are made of the frame's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// A blend of the four nearest pixels, whatever the scale.
    Bilinear,
    /// A triangle filter that widens where the crop is smaller than its part of the frame, so that all pixels count, and crops whose
    /// edges lie between pixels of the frame: what the Python imaging library does in DAT's released code.
    Averaged,
}

/// Precision of the network's passes, and of ranking: hard negatives, and the short list of candidates. Training, the scores that
/// are told, the regulariser and the regression are in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    Float32,
    /// On a GPU, convolutions in TF32 (10-bit mantissa); on the CPU, `float32`.
    Tf32,
    /// 16 bits, of which 8 are the exponent's: twice as fast where the processor computes so.
    Bfloat16,
    /// On a GPU `tf32`. On processors that compute so (AVX-512 BF16) `bfloat16`, but for passes of networks that attrax has kernels
    /// for, which are faster in `float32`; on other processors `float32`.
    Auto,
}

/// What attention is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// The maps regularise the training: reciprocative learning.
    Regularizer,
    /// A map weighs the features, in training and in tracking: the alternative that the paper compares with.
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

/// What the weights and biases are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialization {
    /// MDNet's: a normal distribution of one deviation in all layers; biases of 0.1, 0.1 and 0.
    Normal,
    /// DAT's released code, which leaves them to libtorch: uniform between `-1 / sqrt(inputs)` and `1 / sqrt(inputs)`, biases too.
    Uniform,
    /// Normal distributions of deviation `sqrt(2 / inputs)` (He et al., 2015) in fc4 and fc5, 0.01 in fc6; biases as MDNet's.
    /// The first two layers then hardly change in an online training.
    He,
}

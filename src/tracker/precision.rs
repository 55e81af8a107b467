//! How many bits the network computes with.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// Precision of the network's passes, and of ranking: hard negatives, and the short list of candidates. Training, the scores that
/// are told, the regulariser and the regression are in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    Float32,
    /// On a GPU, convolutions of numbers of 32 bits that are rounded to 10 bits behind the point; on the CPU, `float32`.
    Tf32,
    /// 16 bits, of which 8 are the exponent's: twice as fast where the processor computes so.
    Bfloat16,
    /// On a GPU `tf32`. On processors that compute so (AVX-512 BF16) `bfloat16`, but for passes of networks that attrax has kernels
    /// for, which are faster in `float32`; on other processors `float32`.
    Auto,
}

impl Precision {
    /// The precision of libtorch that the network's passes have on this machine, for weights that are for `kind` on `device`;
    /// `kernels` says whether attrax has some for the network.
    #[must_use]
    pub fn passes(self, kind: Kind, device: Device, kernels: bool) -> Kind {
        if self == Self::Auto && kernels { kind } else { self.ranking(kind, device) }
    }

    /// The precision of libtorch that samples are ranked in.
    #[must_use]
    pub fn ranking(self, kind: Kind, device: Device) -> Kind {
        let half = match self {
            Self::Float32 | Self::Tf32 => false,
            Self::Bfloat16 => true,
            Self::Auto => device == Device::Cpu && computes_bfloat16(),
        };
        if half { Kind::BFloat16 } else { kind }
    }
}

impl Precision {
    /// Whether a GPU may round what it multiplies.
    #[must_use]
    pub fn rounds(self) -> bool {
        matches!(self, Self::Tf32 | Self::Auto)
    }
}

/// Whether the processor has instructions for products of bfloat16.
fn computes_bfloat16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

//! How many bits the network computes with.

use attrax_kernels::Width;
use tch::{Device, Kind};

use super::config::Precision;

impl Precision {
    /// The precision of libtorch that the network's passes have on this machine, for weights that
    /// are for `kind` on `device`; `kernels` says whether attrax has some for the network.
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

/// Whether the processor has instructions for products of bfloat16, and the kernels do not stand
/// for a processor without them (`ATTRAX_VECTORS`).
pub(super) fn computes_bfloat16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16")
        && matches!(Width::chosen(), Ok(None | Some(Width::Avx512)));
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

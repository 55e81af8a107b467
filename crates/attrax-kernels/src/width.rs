//! The vector widths that kernels are compiled for, and which of them run.

use std::env;
use std::sync::OnceLock;

/// The vectors that kernels compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 16 floats in a register: AVX-512 (x86-64).
    Avx512,
    /// 8 floats in a register: AVX2 with fused multiplication and addition (x86-64).
    Avx2,
    /// 4 floats in a register, which every x86-64 processor has; 8 to a vector.
    Sse2,
    /// 4 floats in a register (aarch64); 8 to a vector.
    Neon,
    /// 4 floats in a register, 16 to a vector, on every processor: the layout of AVX-512 without
    /// its instructions. For tests.
    Portable,
}

/// The environment variable that forces a width.
pub const VECTORS: &str = "ATTRAX_VECTORS";

/// The error of an invalid `ATTRAX_VECTORS`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{VECTORS}={asked}: this processor has {}, and 'off' leaves the network to libtorch", names(.available))]
pub struct VectorsError {
    /// The value of the variable.
    pub asked: String,
    /// The allowed values on this processor.
    pub available: Vec<Width>,
}

fn names(widths: &[Width]) -> String {
    let names: Vec<_> = widths.iter().map(|width| width.name()).collect();
    if names.is_empty() { "no kernels".into() } else { names.join(", ") }
}

impl Width {
    /// All widths that this processor can run, the fastest first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Width>> = OnceLock::new();
        ALL.get_or_init(|| {
            let known = [Self::Avx512, Self::Avx2, Self::Sse2, Self::Neon, Self::Portable];
            known.into_iter().filter(|width| width.runs()).collect()
        })
    }

    /// The width to run kernels with: the width in `ATTRAX_VECTORS`, or the processor's fastest.
    /// `None` if kernels are switched off (`ATTRAX_VECTORS=off`) or do not exist for the processor.
    ///
    /// # Errors
    /// [`VectorsError`] if the variable names an unknown width, or one that the processor lacks.
    pub fn chosen() -> Result<Option<Self>, VectorsError> {
        static CHOSEN: OnceLock<Result<Option<Width>, VectorsError>> = OnceLock::new();
        CHOSEN.get_or_init(|| Self::named(env::var(VECTORS).ok().as_deref())).clone()
    }

    /// The width of a name; without one, the fastest.
    fn named(name: Option<&str>) -> Result<Option<Self>, VectorsError> {
        match name.map(str::trim) {
            None | Some("") => Ok(Self::all().iter().copied().find(|width| *width != Self::Portable)),
            Some("off") => Ok(None),
            Some(asked) => match Self::all().iter().find(|width| width.name() == asked) {
                Some(width) => Ok(Some(*width)),
                None => Err(VectorsError { asked: asked.into(), available: Self::all().to_vec() }),
            },
        }
    }

    /// The name, as `ATTRAX_VECTORS` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Sse2 => "sse2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// Floats in a vector.
    #[must_use]
    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 | Self::Portable => 16,
            Self::Avx2 | Self::Sse2 | Self::Neon => 8,
        }
    }

    /// Whether blocks of this width can have products of bfloat16 ([`Kernel::rounded`]): AVX-512 on
    /// a processor with AVX-512 BF16.
    ///
    /// [`Kernel::rounded`]: crate::Kernel::rounded
    #[must_use]
    pub fn rounds(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self == Self::Avx512 && self.runs() && is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    /// Channels in a panel of weights.
    pub(super) fn panel(self) -> usize {
        2 * self.lanes()
    }

    #[cfg(target_arch = "x86_64")]
    fn runs(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            Self::Avx512 => {
                avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            Self::Avx2 => avx2(),
            Self::Sse2 | Self::Portable => true,
            Self::Neon => false,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn runs(self) -> bool {
        cfg!(target_arch = "aarch64") && matches!(self, Self::Neon | Self::Portable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_chosen_by_its_name() {
        for width in Width::all() {
            assert_eq!(Width::named(Some(width.name())), Ok(Some(*width)));
        }
        assert_eq!(Width::named(Some("off")), Ok(None));
        assert_ne!(Width::named(None), Ok(Some(Width::Portable)), "the portable form is for tests");
    }

    #[test]
    fn an_unknown_width_is_an_error_that_names_the_known_ones() {
        let error = Width::named(Some("avx1024")).unwrap_err().to_string();
        assert!(error.contains("avx1024") && error.contains("portable") && error.contains("off"), "{error}");
    }
}

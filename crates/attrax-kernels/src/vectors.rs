//! Rust's own loops, compiled for wider vectors than every processor of the architecture has.

/// Work whose loops the compiler may write with the processor's vectors.
pub trait Work {
    /// What it results in.
    type Output;

    /// Does the work. To be compiled for wider vectors it has to be inlined (`#[inline(always)]`),
    /// and all that it calls.
    fn run(self) -> Self::Output;
}

/// Does the work with 8 numbers at a time (AVX2) if the processor has it. Results are the same:
/// nothing is fused or reordered.
#[inline]
pub fn with_vectors<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if wide() {
        // SAFETY: the processor has these vectors.
        return unsafe { with_avx2(work) };
    }
    work.run()
}

/// Whether the processor has AVX2 and no narrower width is forced.
#[cfg(target_arch = "x86_64")]
fn wide() -> bool {
    use super::Width::{Avx2, Avx512};
    super::Width::all().contains(&Avx2) && matches!(super::Width::chosen(), Ok(None | Some(Avx512 | Avx2)))
}

#[cfg(not(target_arch = "x86_64"))]
fn wide() -> bool {
    false
}

/// Whether the processor computes a product and a sum at once, rounded once, in [`with_vectors`].
#[must_use]
pub fn fuses() -> bool {
    cfg!(target_arch = "aarch64") || wide()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}

//! The vectors that kernels compute with, and memory that suits them.

use std::sync::OnceLock;

/// The vectors that kernels compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 16 numbers: AVX-512.
    Avx512,
    /// 8 numbers: AVX2 with fused multiplication and addition.
    Avx2,
}

impl Width {
    /// All that this processor has, the fastest first. Where it has none, libtorch's operators do the work.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Width>> = OnceLock::new();
        ALL.get_or_init(|| {
            let known = [(Self::Avx512, computes_avx512()), (Self::Avx2, computes_avx2())];
            known.into_iter().filter_map(|(width, computes)| computes.then_some(width)).collect()
        })
    }

    /// Numbers in a vector.
    #[must_use]
    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
        }
    }

    /// Channels in a panel of weights.
    pub(super) fn panel(self) -> usize {
        2 * self.lanes()
    }
}

#[cfg(target_arch = "x86_64")]
fn computes_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn computes_avx512() -> bool {
    computes_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(not(target_arch = "x86_64"))]
fn computes_avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn computes_avx512() -> bool {
    false
}

/// A line of the processor's cache.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
struct Line([f32; Line::LENGTH]);

impl Line {
    const LENGTH: usize = 16;
}

/// Numbers that begin with a line of the cache, and as many as fill the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// So many zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let mut lines = Self::default();
        lines.reserve(length);
        lines
    }

    /// Makes room for so many numbers.
    pub(super) fn reserve(&mut self, length: usize) {
        let lines = length.div_ceil(Line::LENGTH);
        if lines > self.0.len() {
            self.0.resize(lines, Line([0.0; Line::LENGTH]));
        }
    }

    fn set(&mut self, place: usize, value: f32) {
        self.0[place / Line::LENGTH].0[place % Line::LENGTH] = value;
    }

    /// Numbers, and zeros up to whole panels behind them.
    pub(super) fn padded(numbers: &[f32], width: Width) -> Self {
        let mut lines = Self::zeros(numbers.len().next_multiple_of(width.panel()));
        numbers.iter().enumerate().for_each(|(place, value)| lines.set(place, *value));
        lines
    }

    /// A matrix `(out, depth)`, row by row, as the kernels read it: in panels of a few channels of the output, the last one half
    /// as wide where that is enough, each of them depth by depth.
    pub(super) fn panels(matrix: &[f32], depth: usize, width: Width) -> Self {
        let (out, vector) = (matrix.len() / depth.max(1), width.lanes());
        let mut lines = Self::zeros(out.next_multiple_of(vector) * depth);
        for (channel, row) in matrix.chunks_exact(depth.max(1)).enumerate() {
            let first = channel / width.panel() * width.panel();
            let wide = if out - first > vector { width.panel() } else { vector };
            for (k, value) in row.iter().enumerate() {
                lines.set(first * depth + k * wide + channel - first, *value);
            }
        }
        lines
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.0.as_ptr().cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.0.as_mut_ptr().cast()
    }
}

//! Memory that suits the kernels: aligned to cache lines, weights in panels.

use super::Width;

/// A line of the processor's cache.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
struct CacheLine([f32; CacheLine::LENGTH]);

impl CacheLine {
    const LENGTH: usize = 16;
}

/// Numbers that begin with a line of the cache, and as many as fill the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Vec<CacheLine>);

impl Lines {
    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let mut lines = Self::default();
        lines.reserve(length);
        lines
    }

    /// Makes room for `length` numbers.
    pub(super) fn reserve(&mut self, length: usize) {
        let lines = length.div_ceil(CacheLine::LENGTH);
        if lines > self.0.len() {
            self.0.resize(lines, CacheLine([0.0; CacheLine::LENGTH]));
        }
    }

    fn set(&mut self, place: usize, value: f32) {
        self.0[place / CacheLine::LENGTH].0[place % CacheLine::LENGTH] = value;
    }

    fn get(&self, place: usize) -> f32 {
        self.0[place / CacheLine::LENGTH].0[place % CacheLine::LENGTH]
    }

    /// Numbers, and zeros after them, up to whole panels.
    pub(super) fn padded(numbers: &[f32], width: Width) -> Self {
        let mut lines = Self::zeros(numbers.len().next_multiple_of(width.panel()));
        numbers.iter().enumerate().for_each(|(place, value)| lines.set(place, *value));
        lines
    }

    /// A matrix `(out, depth)`, row by row, as the kernels read it: in panels of output channels,
    /// the last panel half as wide where that is enough, each of them depth by depth.
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

    /// Panels of a matrix `(out, depth)` with an even depth, rounded to bfloat16: what two depths
    /// have of an output channel becomes the lower and the upper half of one number's bits.
    pub(super) fn pairs(&self, out: usize, depth: usize, width: Width) -> Self {
        let (vector, panel) = (width.lanes(), width.panel());
        let mut lines = Self::zeros(out.next_multiple_of(vector) * depth / 2);
        let mut place = 0;
        for first in (0..out).step_by(panel) {
            let wide = if out - first > vector { panel } else { vector };
            for k in (0..depth).step_by(2) {
                for channel in 0..wide {
                    let bits = |k: usize| rounded(self.get(first * depth + k * wide + channel));
                    lines.set(place, f32::from_bits(u32::from(bits(k)) | u32::from(bits(k + 1)) << 16));
                    place += 1;
                }
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

/// The bits of the nearest bfloat16 of a finite number, the even one of two.
fn rounded(value: f32) -> u16 {
    let bits = value.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

//! Memory that suits the kernels: aligned to cache lines, weights in panels.

use super::Width;

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
    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let mut lines = Self::default();
        lines.reserve(length);
        lines
    }

    /// Makes room for `length` numbers.
    pub(super) fn reserve(&mut self, length: usize) {
        let lines = length.div_ceil(Line::LENGTH);
        if lines > self.0.len() {
            self.0.resize(lines, Line([0.0; Line::LENGTH]));
        }
    }

    fn set(&mut self, place: usize, value: f32) {
        self.0[place / Line::LENGTH].0[place % Line::LENGTH] = value;
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

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.0.as_ptr().cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.0.as_mut_ptr().cast()
    }
}

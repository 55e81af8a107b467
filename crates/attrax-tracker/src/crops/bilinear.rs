//! Bilinear crops on the CPU: each pixel is a blend of two rows and two columns.

use attrax_kernels::{Columns, Line, Width, Work, with_vectors};

use super::{Part, Span};

/// A part whose pixels are blends of two rows and two columns, by a kernel of some vector width
/// where there is one, else by loops.
pub(super) fn bilinear_part(part: &Part<'_>, vectors: Option<Width>, row: &mut Vec<f32>, out: &mut [f32]) {
    let &Part { frame, spans, size: (wide, high), format } = part;
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let (mut columns, rows) = (pairs(spans[0], wide, width), pairs(spans[1], high, height));
    let counts = |(_, weights): &&Pair| weights.iter().any(|weight| *weight > 0.0);
    let used = || columns.iter().filter(counts).map(|(first, _)| *first);
    let (Some(first), Some(last)) = (used().min(), used().max()) else { return out.fill(0.0) };
    for (place, weights) in &mut columns {
        // Where the column's pixels begin in `row`.
        *place = ((*place).clamp(first, last) - first) * 3;
        *weights = weights.map(|weight| weight * format.scale);
    }
    let length = (last + 2 - first) * 3;
    row.clear();
    row.resize(Columns::scratch(length), 0.0);
    let line = |line: usize| &frame.pixels()[(line * width + first) * 3..][..length];
    if let Some(columns) = vectors.and_then(|vectors| Columns::new(vectors, &columns, length)) {
        for ((top, weights), out) in rows.iter().zip(out.chunks_exact_mut(wide * 3)) {
            let line = Line { lines: [line(*top), line(*top + 1)], weights: *weights, mean: format.mean };
            columns.row(&line, row, out);
        }
        return;
    }
    with_vectors(Bilinear { line, mean: format.mean, rows: &rows, columns: &columns, row: &mut row[..=length], out });
}

/// The first of two neighbouring pixels of a row or column, and how much each counts.
type Pair = (usize, [f32; 2]);

/// The pixels of each coordinate of a bilinear crop along one axis, in a frame with a side of
/// `limit` pixels, two at least. Pixels outside the frame do not count, since they are zero.
fn pairs((centre, extent): Span, size: usize, limit: usize) -> Vec<Pair> {
    let pair = |i: usize| {
        let position = centre + ((i as f64 + 0.5) / size as f64 - 0.5) * extent - 0.5;
        let floor = position.floor();
        let (left, right) = ((1.0 - (position - floor)) as f32, (position - floor) as f32);
        let first = floor.clamp(0.0, (limit - 2) as f64);
        let weights = match (floor - first) as i64 {
            0 => [left, right],
            -1 => [right, 0.0],
            1 => [0.0, left],
            _ => [0.0, 0.0],
        };
        (first as usize, weights)
    };
    (0..size).map(pair).collect()
}

/// A part whose pixels are blends of two rows and two columns, by loops that the compiler makes
/// vectors of.
struct Bilinear<'a, L> {
    /// The part of a line of the frame that is needed.
    line: L,
    mean: f32,
    rows: &'a [Pair],
    columns: &'a [Pair],
    row: &'a mut [f32],
    out: &'a mut [f32],
}

impl<'a, L: Fn(usize) -> &'a [u8]> Work for Bilinear<'a, L> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "only what is inlined is compiled for wider vectors")]
    #[inline(always)]
    fn run(self) {
        let Self { line, mean, rows, columns, row, out } = self;
        for (place, (top_line, [top, bottom])) in rows.iter().enumerate() {
            for ((value, a), b) in row.iter_mut().zip(line(*top_line)).zip(line(*top_line + 1)) {
                *value = top * (f32::from(*a) - mean) + bottom * (f32::from(*b) - mean);
            }
            // Four numbers at a time, the last of which the next pixel overwrites, but for the very
            // last one.
            let target = &mut out[place * columns.len() * 3..];
            for (place, (first, [left, right])) in columns.iter().enumerate() {
                let pixels = &row[*first..*first + 7];
                let sum: [f32; 4] = std::array::from_fn(|channel| left * pixels[channel] + right * pixels[channel + 3]);
                match target[place * 3..].first_chunk_mut::<4>() {
                    Some(four) => *four = sum,
                    None => target[place * 3..].copy_from_slice(&sum[..3]),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::taps::averaged_part;
    use super::super::tests::chequered;
    use super::*;
    use crate::config::Resampling;
    use crate::crops::CropFormat;

    #[test]
    fn kernels_crop_as_loops_do() {
        let frame = chequered();
        // Small and large, inside the frame and across its edges; from the widest on no group of
        // pixels is near enough.
        for (x, side) in [(40.0, 9.0), (-5.3, 30.0), (250.1, 111.0), (100.0, 150.0), (-60.0, 420.0), (20.7, 2000.0)] {
            let spans = [(x, side), (x * 0.7, side * 1.3)];
            let format = CropFormat { size: 23, mean: 127.0, scale: 1.0 / 128.0, resampling: Resampling::Bilinear };
            let part = Part { frame: &frame, spans, size: (23, 31), format };
            let cut = |vectors| {
                let mut found = vec![0.0; 23 * 31 * 3];
                bilinear_part(&part, vectors, &mut Vec::new(), &mut found);
                found
            };
            let loops = cut(None);
            let mut expected = vec![1.0; 23 * 31 * 3];
            averaged_part(&part, &mut Vec::new(), &mut expected);
            for (found, expected) in loops.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-6, "side {side}: {found} and {expected}");
            }
            for width in Width::all() {
                assert_eq!(cut(Some(*width)), loops, "side {side}, {width:?}");
            }
        }
    }
}

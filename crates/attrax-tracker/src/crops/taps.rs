//! Crops on the CPU by any number of rows and columns for each pixel, averaged ones above all.

use super::{Part, Span};
use crate::config::Resampling;

/// The source pixels of one crop coordinate along one axis: the first one's position, and the
/// weight of each. Pixels outside the frame are left out, since they are zero.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// The taps of one axis for a crop of `size` pixels, in a frame with a side of `limit` pixels.
fn taps((centre, extent): Span, size: usize, limit: usize, resampling: Resampling) -> Vec<Taps> {
    (0..size)
        .map(|i| {
            let position = centre + ((i as f64 + 0.5) / size as f64 - 0.5) * extent - 0.5;
            match resampling {
                Resampling::Bilinear => {
                    let floor = position.floor();
                    inside(floor as i64, &[1.0 - (position - floor), position - floor], limit)
                }
                Resampling::Averaged => averaged(position, (centre, extent), size, limit),
            }
        })
        .collect()
}

/// The taps around a position under a triangle filter that is as wide as a pixel of the crop, at
/// least as one of the frame, and that ends where the crop does.
fn averaged(position: f64, (centre, extent): Span, size: usize, limit: usize) -> Taps {
    let support = (extent / size as f64).max(1.0);
    let (start, end) = (centre - extent / 2.0, centre + extent / 2.0);
    let first = (position - support).ceil().max(start.ceil());
    let last = (position + support).floor().min(end.ceil() - 1.0);
    let count = (last - first + 1.0).max(0.0) as usize;
    let weights = (0..count).map(|i| (1.0 - ((first + i as f64 - position) / support).abs()).max(0.0));
    let sum: f64 = weights.clone().sum();
    let weights: Vec<f64> = weights.map(|weight| weight / sum.max(f64::MIN_POSITIVE)).collect();
    inside(first as i64, &weights, limit)
}

/// The taps of pixels from the first one on, those outside a frame with a side of `limit` pixels
/// left out.
fn inside(first: i64, weights: &[f64], limit: usize) -> Taps {
    let count = weights.len() as i64;
    let (from, to) = ((-first).clamp(0, count), (limit as i64 - first).clamp(0, count));
    let weights = weights.get(from as usize..to as usize).unwrap_or_default();
    Taps { first: (first + from).max(0) as usize, weights: weights.iter().map(|weight| *weight as f32).collect() }
}

/// Writes a part, `wide x high x 3` interleaved and centred, to `out`. `row` is scratch space.
pub(super) fn averaged_part(part: &Part<'_>, row: &mut Vec<f32>, out: &mut [f32]) {
    let &Part { frame, spans, size: (wide, high), format } = part;
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let mut columns = taps(spans[0], wide, width, format.resampling);
    let rows = taps(spans[1], high, height, format.resampling);
    let used = || columns.iter().filter(|taps| !taps.weights.is_empty());
    let ends = (used().map(|t| t.first).min(), used().map(|t| t.first + t.weights.len()).max());
    let (Some(first), Some(end)) = ends else { return out.fill(0.0) };
    for taps in &mut columns {
        taps.first = taps.first.saturating_sub(first) * 3;
        taps.weights.iter_mut().for_each(|weight| *weight *= format.scale);
    }
    let length = (end - first) * 3;
    row.clear();
    row.resize(length + 1, 0.0);
    for (vertical, target) in rows.iter().zip(out.chunks_exact_mut(wide * 3)) {
        row.fill(0.0);
        for (i, weight) in vertical.weights.iter().enumerate() {
            let line = &frame.pixels()[((vertical.first + i) * width + first) * 3..][..length];
            for (value, a) in row.iter_mut().zip(line) {
                *value += weight * (f32::from(*a) - format.mean);
            }
        }
        for (taps, target) in columns.iter().zip(target.chunks_exact_mut(3)) {
            let mut sum = [0.0; 4];
            for (i, weight) in taps.weights.iter().enumerate() {
                let pixel = &row[taps.first + 3 * i..][..4];
                for channel in 0..4 {
                    sum[channel] += weight * pixel[channel];
                }
            }
            target.copy_from_slice(&sum[..3]);
        }
    }
}

//! Crops: each box with its context, resampled to the network's input.
//!
//! A crop of a box of `w x h` pixels covers `w * grow` by `h * grow` pixels around the same centre,
//! where `grow = 1 + 2 * 16 / 107` leaves 16 of 107 crop pixels of context on each side. Pixel
//! centres are at half-integers; outside the frame everything is zero after centring.
//! [`Resampling`] says how a crop's pixels are computed from the frame's. Both ways are separable:
//! each crop is a blend of rows followed by a blend of columns, read straight from the 8-bit frame.

mod averaged;
pub(super) mod gpu;

use tch::{Device, Tensor};

use self::gpu::Resident;
use super::plan::Plan;
use super::profile::{self, Stage};
use super::{BoundingBox, Frame};
use crate::config::Resampling;
use attrax_kernels::{Columns, Line, Width, Work, filled, with_vectors};

/// Share of a crop's side that is context, on each side: 16 of 107 pixels.
pub const CONTEXT: f64 = 16.0 / 107.0;

/// How crops are made for a network: their size and the centring of the pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropFormat {
    /// Side of the square crop, pixels.
    pub size: usize,
    /// Subtracted from each 8-bit value.
    pub mean: f32,
    /// Multiplies the centred value.
    pub scale: f32,
    /// How its pixels are made of the frame's.
    pub resampling: Resampling,
}

/// The source pixels of one crop coordinate along one axis: the first one's position, and the
/// weight of each. Pixels outside the frame are left out, since they are zero.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// The part of a frame that a crop covers along one axis: its centre and its extent, pixels.
type Span = (f64, f64);

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

/// What the crop of a box covers along one axis: the box and its context, to whole pixels where
/// `format` averages.
fn covered(centre: f64, extent: f64, format: CropFormat) -> Span {
    let extent = extent * (1.0 + 2.0 * CONTEXT);
    match format.resampling {
        Resampling::Bilinear => (centre, extent),
        Resampling::Averaged => {
            let edge = |side: f64| (centre + side * extent / 2.0 + 0.5).floor();
            let (start, end) = (edge(-1.0), edge(1.0).max(edge(-1.0) + 1.0));
            (f64::midpoint(start, end), end - start)
        }
    }
}

/// What is seen in a part of the frame, given along x and along y, as `wide x high` pixels.
struct Part<'a> {
    frame: &'a Frame,
    spans: [Span; 2],
    size: (usize, usize),
    format: CropFormat,
}

/// Writes one part, `wide x high x 3` interleaved and centred, to `out`. `row` is scratch space.
fn crop_part(part: &Part<'_>, row: &mut Vec<f32>, out: &mut [f32]) {
    if part.format.resampling != Resampling::Bilinear || part.frame.width().min(part.frame.height()) < 2 {
        return averaged_part(part, row, out);
    }
    // Only AVX-512 picks numbers from two registers at once; elsewhere the loops are as fast.
    let width = Width::chosen().ok().flatten().filter(|width| *width == Width::Avx512);
    bilinear_part(part, width, row, out);
}

/// A part whose pixels are blends of two rows and two columns, by a kernel of some vector width
/// where there is one, else by loops.
fn bilinear_part(part: &Part<'_>, vectors: Option<Width>, row: &mut Vec<f32>, out: &mut [f32]) {
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

/// The same with any number of rows and columns in a pixel.
fn averaged_part(part: &Part<'_>, row: &mut Vec<f32>, out: &mut [f32]) {
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

/// Writes the crop of a box to `out`; see [`crop_part`].
fn crop_one(frame: &Frame, region: BoundingBox, format: CropFormat, row: &mut Vec<f32>, out: &mut [f32]) {
    let (cx, cy) = region.centre();
    let spans = [covered(cx, region.width, format), covered(cy, region.height, format)];
    crop_part(&Part { frame, spans, size: (format.size, format.size), format }, row, out);
}

/// The part of a frame that the crop of a box covers, in the frame's pixels.
pub(crate) fn covered_part(region: BoundingBox, format: CropFormat) -> BoundingBox {
    let (cx, cy) = region.centre();
    let ((cx, width), (cy, height)) = (covered(cx, region.width, format), covered(cy, region.height, format));
    BoundingBox::from_centre((cx, cy), width, height)
}

/// Crops of one frame at several boxes.
///
/// Returns a tensor of shape `(boxes, 3, size, size)`, float32, in channels-last memory order, on
/// `device`.
#[cfg(any(test, feature = "internals"))]
pub fn crop(frame: &Frame, regions: &[BoundingBox], format: CropFormat, device: Device) -> Tensor {
    crop_each(&regions.iter().map(|r| (frame, *r)).collect::<Vec<_>>(), format, device)
}

/// Crops of several boxes, each in its own frame; otherwise as [`crop_one`].
pub fn crop_each(items: &[(&Frame, BoundingBox)], format: CropFormat, device: Device) -> Tensor {
    if let Some(resident) = Plan::on(device).gpu.then(|| Resident::new(items, format, device)).flatten() {
        return resident.crops();
    }
    let _span = profile::span(Stage::Crops);
    let (length, side) = (format.size * format.size * 3, format.size as i64);
    let crops = filled([items.len() as i64, 3, side, side], |out| {
        let mut row = Vec::new();
        for ((frame, region), out) in items.iter().zip(out.chunks_exact_mut(length)) {
            crop_one(frame, *region, format, &mut row, out);
        }
    });
    crops.to_device(device)
}

/// One window that is larger than a crop, at the same resolution: `(wide, high)` pixels of the
/// network's input around the centre of `region`, in which a crop of `region` has `format.size`
/// pixels.
///
/// Returns a tensor of shape `(1, 3, high, wide)`, float32, in channels-last memory order, on
/// `device`.
pub(crate) fn window(
    frame: &Frame,
    region: BoundingBox,
    (wide, high): (usize, usize),
    format: CropFormat,
    device: Device,
) -> Tensor {
    let _span = profile::span(Stage::Crops);
    let share = |pixels: usize| pixels as f64 / format.size as f64;
    let whole = BoundingBox::from_centre(region.centre(), region.width * share(wide), region.height * share(high));
    let ((cx, cy), grow) = (whole.centre(), 1.0 + 2.0 * CONTEXT);
    let spans = [(cx, whole.width * grow), (cy, whole.height * grow)];
    let part = Part { frame, spans, size: (wide, high), format };
    filled([1, 3, high as i64, wide as i64], |out| crop_part(&part, &mut Vec::new(), out)).to_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(resampling: Resampling) -> CropFormat {
        CropFormat { size: 20, mean: 0.0, scale: 1.0, resampling }
    }

    /// Black and white pixels in turn.
    fn chequered() -> Frame {
        Frame::from_rgb8(300, 300, (0..300 * 300).flat_map(|i| [((i % 300 + i / 300) % 2 * 200) as u8; 3]).collect())
            .unwrap()
    }

    #[test]
    fn a_crop_that_shrinks_takes_every_pixel_into_account() {
        let region = BoundingBox::new(80.0, 80.0, 140.0, 140.0);
        let spread = |resampling| {
            let crop = crop(&chequered(), &[region], format(resampling), Device::Cpu);
            assert!((crop.mean(tch::Kind::Float).double_value(&[]) - 100.0).abs() < 10.0);
            (crop.max() - crop.min()).double_value(&[])
        };
        assert!(spread(Resampling::Averaged) < 5.0);
        assert!(spread(Resampling::Bilinear) > 20.0);
    }

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

    #[test]
    fn an_averaged_crop_begins_and_ends_between_pixels() {
        let edges = |centre, extent| {
            let (centre, extent) = covered(centre, extent, format(Resampling::Averaged));
            (centre - extent / 2.0, centre + extent / 2.0)
        };
        // 100 pixels and 16/107 of them on each side: from 35.05 to 164.95.
        assert_eq!(edges(100.0, 100.0), (35.0, 165.0));
        assert_eq!(edges(100.7, 100.0), (36.0, 166.0));
        // An empty part still has one pixel.
        assert_eq!(edges(3.2, 0.1), (3.0, 4.0));
    }

    #[test]
    fn outside_the_frame_a_crop_is_zero() {
        let white = Frame::from_rgb8(50, 50, vec![200; 50 * 50 * 3]).unwrap();
        for resampling in [Resampling::Bilinear, Resampling::Averaged] {
            let half = crop(&white, &[BoundingBox::new(-40.0, 0.0, 80.0, 20.0)], format(resampling), Device::Cpu);
            let column = |x: i64| half.select(3, x).select(2, 10).max().double_value(&[]);
            assert!(column(0).abs() < 1e-3 && (column(15) - 200.0).abs() < 1e-3, "{resampling:?}");
            let outside = crop(&white, &[BoundingBox::new(500.0, 0.0, 9.0, 9.0)], format(resampling), Device::Cpu);
            assert!(outside.abs().max().double_value(&[]) < 1e-6);
        }
    }
}

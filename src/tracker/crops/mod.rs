//! Crops: each box with its context, resampled to the network's input.
//!
//! A crop of a box of `w x h` pixels covers `w * grow` by `h * grow` pixels around the same centre, where
//! `grow = 1 + 2 * 16 / 107` leaves 16 of 107 crop pixels of context on each side. Pixel centres are at half-integers; outside the
//! frame everything is zero after centring. [`Resampling`] says how a crop's pixels are made of the frame's. Both ways are
//! separable: each crop is a blend of rows followed by a blend of columns, read straight from the 8-bit frame.

pub(super) mod gpu;

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use self::gpu::Resident;
use super::plan::Plan;
use super::profile::{self, Stage};
use super::{BoundingBox, Frame};

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

/// How a crop's pixels are made of the frame's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// A blend of the four nearest pixels, whatever the scale.
    Bilinear,
    /// A triangle filter that widens where the crop is smaller than its part of the frame, so that all pixels count, and crops whose
    /// edges lie between pixels of the frame: what the Python imaging library does in DAT's released code.
    Averaged,
}

/// The source pixels of one crop coordinate along one axis: the first one's position, and the weight of each. Pixels outside the
/// frame are left out, since they are zero.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// The part of a frame that a crop covers along one axis: its centre and its extent, pixels.
type Span = (f64, f64);

/// The taps of one axis for a crop of so many pixels, in a frame with a side of `limit` pixels.
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

/// The taps around a position under a triangle filter that is as wide as a pixel of the crop, at least as one of the frame, and
/// that ends where the crop does.
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

/// The taps of pixels from the first one on, those outside a frame with a side of `limit` pixels left out.
fn inside(first: i64, weights: &[f64], limit: usize) -> Taps {
    let count = weights.len() as i64;
    let (from, to) = ((-first).clamp(0, count), (limit as i64 - first).clamp(0, count));
    let weights = weights.get(from as usize..to as usize).unwrap_or_default();
    Taps { first: (first + from).max(0) as usize, weights: weights.iter().map(|weight| *weight as f32).collect() }
}

/// What the crop of a box covers along one axis: the box and its context, to whole pixels where `format` averages.
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

/// Appends one crop, `wide x high x 3` interleaved and centred, to `out`: what is seen in a part of the frame, given along x and
/// along y. `row` is scratch space.
fn crop_part(
    frame: &Frame,
    part: [Span; 2],
    (wide, high): (usize, usize),
    format: CropFormat,
    row: &mut Vec<f32>,
    out: &mut Vec<f32>,
) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let mut columns = taps(part[0], wide, width, format.resampling);
    let rows = taps(part[1], high, height, format.resampling);
    let used = || columns.iter().filter(|taps| !taps.weights.is_empty());
    let ends = (used().map(|t| t.first).min(), used().map(|t| t.first + t.weights.len()).max());
    let (Some(first), Some(end)) = ends else {
        out.resize(out.len() + wide * high * 3, 0.0);
        return;
    };
    for taps in &mut columns {
        // Where the column's pixels begin in `row`.
        taps.first = taps.first.saturating_sub(first) * 3;
        taps.weights.iter_mut().for_each(|weight| *weight *= format.scale);
    }
    let pairs = pairs(&columns);
    let length = (end - first) * 3;
    // Zeros behind the last pixel, since pixels are read four numbers at a time, and two pixels where there is one.
    row.clear();
    row.resize(length + 4, 0.0);
    let mut target = vec![0.0; wide * 3 + 1];
    for vertical in &rows {
        let line = |i: usize| &frame.pixels()[((vertical.first + i) * width + first) * 3..][..length];
        blend(&mut row[..length], &vertical.weights, line, format.mean);
        match &pairs {
            Some(pairs) => pairs.iter().enumerate().for_each(|(place, (from, [left, right]))| {
                let pixels = &row[*from..from + 7];
                let sum: [f32; 4] = std::array::from_fn(|channel| left * pixels[channel] + right * pixels[channel + 3]);
                target[place * 3..place * 3 + 4].copy_from_slice(&sum);
            }),
            None => columns.iter().enumerate().for_each(|(place, taps)| {
                let mut sum = [0.0; 4];
                for (i, weight) in taps.weights.iter().enumerate() {
                    let from = taps.first + 3 * i;
                    let pixel = &row[from..from + 4];
                    for channel in 0..4 {
                        sum[channel] += weight * pixel[channel];
                    }
                }
                target[place * 3..place * 3 + 4].copy_from_slice(&sum);
            }),
        }
        out.extend_from_slice(&target[..wide * 3]);
    }
}

/// The taps of columns of which none has more than two: where its first pixel begins, and the weights. They are in one piece of
/// memory, and the compiler knows how many there are.
fn pairs(columns: &[Taps]) -> Option<Vec<(usize, [f32; 2])>> {
    let pair = |taps: &Taps| match *taps.weights {
        [] => Some((0, [0.0, 0.0])),
        [one] => Some((taps.first, [one, 0.0])),
        [left, right] => Some((taps.first, [left, right])),
        _ => None,
    };
    columns.iter().map(pair).collect()
}

/// Fills `row` with a blend of lines of a frame, centred. Two lines, which a bilinear crop has everywhere, go in one pass.
fn blend<'a>(row: &mut [f32], weights: &[f32], line: impl Fn(usize) -> &'a [u8], mean: f32) {
    if let [top, bottom] = weights {
        for ((value, a), b) in row.iter_mut().zip(line(0)).zip(line(1)) {
            *value = top * (f32::from(*a) - mean) + bottom * (f32::from(*b) - mean);
        }
        return;
    }
    row.fill(0.0);
    for (i, weight) in weights.iter().enumerate() {
        for (value, a) in row.iter_mut().zip(line(i)) {
            *value += weight * (f32::from(*a) - mean);
        }
    }
}

/// Appends the crop of a box to `out`; see [`crop_part`].
fn crop_one(frame: &Frame, region: BoundingBox, format: CropFormat, row: &mut Vec<f32>, out: &mut Vec<f32>) {
    let (cx, cy) = region.centre();
    let part = [covered(cx, region.width, format), covered(cy, region.height, format)];
    crop_part(frame, part, (format.size, format.size), format, row, out);
}

/// Crops of one frame at several boxes.
///
/// Returns a tensor of shape `(boxes, 3, size, size)`, float32, in channels-last memory order, on `device`.
pub fn crop(frame: &Frame, regions: &[BoundingBox], format: CropFormat, device: Device) -> Tensor {
    crop_each(&regions.iter().map(|r| (frame, *r)).collect::<Vec<_>>(), format, device)
}

/// Crops of several boxes, each in a frame of its own; otherwise as [`crop`].
pub fn crop_each(items: &[(&Frame, BoundingBox)], format: CropFormat, device: Device) -> Tensor {
    if let Some(resident) = Plan::on(device).gpu.then(|| Resident::new(items, format, device)).flatten() {
        return resident.crops();
    }
    let _span = profile::span(Stage::Crops);
    let length = format.size * format.size * 3;
    // Not zeros to be overwritten: for many of them jemalloc asks the kernel, page by page.
    let mut data = Vec::with_capacity(items.len() * length);
    let mut row = Vec::new();
    for (frame, region) in items {
        crop_one(frame, *region, format, &mut row, &mut data);
    }
    let side = format.size as i64;
    Tensor::from_slice(&data).view([items.len() as i64, side, side, 3]).to_device(device).permute([0, 3, 1, 2])
}

/// One window that is larger than a crop, at the same resolution: `(wide, high)` pixels of the network's input around the
/// centre of `region`, in which a crop of `region` has `format.size` pixels.
///
/// Returns a tensor of shape `(1, 3, high, wide)`, float32, in channels-last memory order, on `device`.
pub(in crate::tracker) fn window(
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
    let part = [(cx, whole.width * grow), (cy, whole.height * grow)];
    let mut data = Vec::with_capacity(wide * high * 3);
    crop_part(frame, part, (wide, high), format, &mut Vec::new(), &mut data);
    Tensor::from_slice(&data).view([1, high as i64, wide as i64, 3]).to_device(device).permute([0, 3, 1, 2])
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
    fn an_averaged_crop_begins_and_ends_between_pixels() {
        let edges = |centre, extent| {
            let (centre, extent) = covered(centre, extent, format(Resampling::Averaged));
            (centre - extent / 2.0, centre + extent / 2.0)
        };
        // 100 pixels and 16/107 of them on each side: from 35.05 to 164.95.
        assert_eq!(edges(100.0, 100.0), (35.0, 165.0));
        assert_eq!(edges(100.7, 100.0), (36.0, 166.0));
        // Of nothing a pixel is left.
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

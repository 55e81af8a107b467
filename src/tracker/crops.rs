//! Crops: each box with its context, resampled to the network's input.
//!
//! A crop of a box of `w x h` pixels covers `w * grow` by `h * grow` pixels around the same centre, where
//! `grow = 1 + 2 * 16 / 107` leaves 16 of 107 crop pixels of context on each side. It is resampled bilinearly, pixel
//! centres at half-integers; outside the frame it is zero after centring. Such a grid is separable, so each crop is a
//! blend of rows followed by a blend of columns, read straight from the 8-bit frame.

use tch::{Device, Tensor};

use super::profile::{self, Stage};
use super::resident::Resident;
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
}

/// Two source positions of one crop coordinate along one axis, and their weights; a weight is zero outside the frame.
#[derive(Clone, Copy)]
struct Tap {
    index: [usize; 2],
    weight: [f32; 2],
}

/// The taps of one axis: centre and extent of the box on it (pixels), the crop's size and the frame's side.
fn taps(centre: f64, extent: f64, size: usize, frame_side: usize) -> Vec<Tap> {
    let grown = extent * (1.0 + 2.0 * CONTEXT);
    (0..size)
        .map(|i| {
            let position = centre + ((i as f64 + 0.5) / size as f64 - 0.5) * grown - 0.5;
            let floor = position.floor();
            let fraction = position - floor;
            let tap = |at: f64, weight: f64| {
                let weight = weight as f32;
                if weight != 0.0 && at >= 0.0 && at < frame_side as f64 { (at as usize, weight) } else { (0, 0.0) }
            };
            let ((first, low), (second, high)) = (tap(floor, 1.0 - fraction), tap(floor + 1.0, fraction));
            Tap { index: [first, second], weight: [low, high] }
        })
        .collect()
}

/// Appends one crop, `wide x high x 3` interleaved and centred, to `out`. `row` is scratch space.
fn crop_one(
    frame: &Frame,
    region: BoundingBox,
    (wide, high): (usize, usize),
    format: CropFormat,
    row: &mut Vec<f32>,
    out: &mut Vec<f32>,
) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let (cx, cy) = region.centre();
    let columns = taps(cx, region.width, wide, width);
    let rows = taps(cy, region.height, high, height);
    let used = || columns.iter().flat_map(|t| t.index.iter().zip(t.weight)).filter(|(_, w)| *w != 0.0).map(|(i, _)| *i);
    let (Some(first), Some(last)) = (used().min(), used().max()) else {
        out.resize(out.len() + wide * high * 3, 0.0);
        return;
    };
    // Where each column's two pixels begin in `row`, and what they count.
    let column = |tap: &Tap| (tap.index.map(|i| i.saturating_sub(first) * 3), tap.weight.map(|w| w * format.scale));
    let columns: Vec<_> = columns.iter().map(column).collect();
    // One number more than there are, for pixels that are read and written four numbers at a time.
    row.resize(row_len(first, last) + 1, 0.0);
    let mut target = vec![0.0; wide * 3 + 1];
    for vertical in &rows {
        let line = |i: usize| {
            let start = (vertical.index[i] * width + first) * 3;
            &frame.pixels()[start..start + row_len(first, last)]
        };
        let [top, bottom] = vertical.weight;
        for ((value, a), b) in row.iter_mut().zip(line(0)).zip(line(1)) {
            *value = top * (f32::from(*a) - format.mean) + bottom * (f32::from(*b) - format.mean);
        }
        for (place, ([a, b], [left, right])) in columns.iter().enumerate() {
            let (a, b) = (&row[*a..*a + 4], &row[*b..*b + 4]);
            let pixel = &mut target[place * 3..place * 3 + 4];
            for channel in 0..4 {
                pixel[channel] = left * a[channel] + right * b[channel];
            }
        }
        out.extend_from_slice(&target[..wide * 3]);
    }
}

/// Bytes of one row between two columns, both included.
fn row_len(first: usize, last: usize) -> usize {
    (last - first + 1) * 3
}

/// Crops of one frame at several boxes.
///
/// Returns a tensor of shape `(boxes, 3, size, size)`, float32, in channels-last memory order, on `device`.
pub fn crop(frame: &Frame, regions: &[BoundingBox], format: CropFormat, device: Device) -> Tensor {
    crop_each(&regions.iter().map(|r| (frame, *r)).collect::<Vec<_>>(), format, device)
}

/// Crops of several boxes, each in a frame of its own; otherwise as [`crop`].
pub fn crop_each(items: &[(&Frame, BoundingBox)], format: CropFormat, device: Device) -> Tensor {
    if let Some(resident) = device.is_cuda().then(|| Resident::new(items, format, device)).flatten() {
        return resident.crops();
    }
    let _span = profile::span(Stage::Crops);
    let length = format.size * format.size * 3;
    // Not zeros to be overwritten: for many of them jemalloc asks the kernel, page by page.
    let mut data = Vec::with_capacity(items.len() * length);
    let mut row = Vec::new();
    for (frame, region) in items {
        crop_one(frame, *region, (format.size, format.size), format, &mut row, &mut data);
    }
    let side = format.size as i64;
    Tensor::from_slice(&data).view([items.len() as i64, side, side, 3]).to_device(device).permute([0, 3, 1, 2])
}

/// One window that is larger than a crop, at the same resolution: `(wide, high)` pixels of the network's input around the
/// centre of `region`, in which a crop of `region` has `format.size` pixels.
///
/// Returns a tensor of shape `(1, 3, high, wide)`, float32, in channels-last memory order, on `device`.
pub(super) fn window(
    frame: &Frame,
    region: BoundingBox,
    (wide, high): (usize, usize),
    format: CropFormat,
    device: Device,
) -> Tensor {
    let _span = profile::span(Stage::Crops);
    let share = |pixels: usize| pixels as f64 / format.size as f64;
    let whole = BoundingBox::from_centre(region.centre(), region.width * share(wide), region.height * share(high));
    let mut data = Vec::with_capacity(wide * high * 3);
    crop_one(frame, whole, (wide, high), format, &mut Vec::new(), &mut data);
    Tensor::from_slice(&data).view([1, high as i64, wide as i64, 3]).to_device(device).permute([0, 3, 1, 2])
}

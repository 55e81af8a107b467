//! Crops: each box with its context, resampled to the network's input.
//!
//! A crop of a box of `w x h` pixels covers `w * grow` by `h * grow` pixels around the same centre,
//! where `grow = 1 + 2 * 16 / 107` leaves 16 of 107 crop pixels of context on each side. Pixel
//! centres are at half-integers; outside the frame everything is zero after centring.
//! [`Resampling`] says how a crop's pixels are computed from the frame's. Both ways are separable:
//! each crop is a blend of rows followed by a blend of columns, read straight from the 8-bit frame.

mod averaged;
mod bilinear;
pub(super) mod gpu;
mod taps;

use tch::{Device, Tensor};

use self::bilinear::bilinear_part;
use self::gpu::Resident;
use self::taps::averaged_part;
use super::plan::Plan;
use super::profile::{self, Stage};
use super::{BoundingBox, Frame};
use crate::config::Resampling;
use attrax_kernels::{Width, filled};

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

/// The part of a frame that a crop covers along one axis: its centre and its extent, pixels.
type Span = (f64, f64);

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
    pub(super) fn chequered() -> Frame {
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

//! Crops of frames on a GPU, by a few operations over all pixels at once.
//!
//! The grid, the weights and the zeros outside the frame are those of [`crops`](super); positions
//! are computed in float64, so that both give the same crops except for the rounding of the last
//! sums.

use tch::{Device, Kind, Tensor};

use super::{CONTEXT, CropFormat};
use crate::config::Resampling;
use crate::profile::{self, Stage};
use crate::{BoundingBox, Frame};

/// Boxes in frames of one size, everything on one device.
#[derive(Debug)]
pub(crate) struct Resident {
    /// The pixels of all frames in a row. Each is one number of 32 bits, of which 24 are its
    /// colours, so that it is fetched at once; each frame has a border of two pixels that are zero
    /// when centred.
    pub(super) pixels: Tensor,
    /// Width and height of a frame.
    pub(super) size: (i64, i64),
    /// Which frame each box is in, `(boxes)`.
    pub(super) frames: Tensor,
    /// Centre, width and height of each box in pixels, `(boxes, 4)`, float64.
    pub(super) boxes: Tensor,
    /// The largest width and the largest height of a box, pixels.
    pub(super) largest: (f64, f64),
    pub(super) format: CropFormat,
}

/// For each box and each output position along one axis, `(boxes, size)`: the first of two
/// neighbouring source positions, and the second one's weight.
struct Taps {
    first: Tensor,
    weight: Tensor,
}

/// Pixels around a frame: the two neighbours of any position outside are outside too.
pub(super) const RIM: i64 = 2;

impl Resident {
    /// The boxes on a device. `None` if there are none, if their frames differ in size, or if no
    /// byte is zero when centred.
    pub fn new(items: &[(&Frame, BoundingBox)], format: CropFormat, device: Device) -> Option<Self> {
        let (width, height) = items.first()?.0.size();
        if format.mean.fract() != 0.0 || !(0.0..=255.0).contains(&format.mean) {
            return None;
        }
        let mut frames: Vec<&Frame> = Vec::new();
        let (mut numbers, mut boxes) = (Vec::with_capacity(items.len()), Vec::with_capacity(4 * items.len()));
        for (frame, region) in items {
            // Boxes of one frame come together; some frames come twice.
            let known = || frames.iter().rposition(|known| known.is(frame));
            let number = known().unwrap_or_else(|| {
                frames.push(frame);
                frames.len() - 1
            });
            numbers.push(number as i64);
            let (cx, cy) = region.centre();
            boxes.extend([cx, cy, region.width, region.height]);
        }
        if frames.iter().any(|frame| frame.size() != (width, height)) {
            return None;
        }
        let pictures: Vec<Tensor> = frames.iter().map(|frame| frame.on(device)).collect();
        let (wide, high) = (i64::from(width) + 2 * RIM, i64::from(height) + 2 * RIM);
        let shape = [frames.len() as i64, high, wide, 4];
        let padded = Tensor::full(shape, f64::from(format.mean), (Kind::Uint8, device));
        let inner = padded.narrow(1, RIM, i64::from(height)).narrow(2, RIM, i64::from(width)).narrow(3, 0, 3);
        for (place, picture) in pictures.iter().enumerate() {
            inner.get(place as i64).copy_(picture);
        }
        Some(Self {
            pixels: padded.view_dtype(Kind::Int).view([-1]),
            size: (i64::from(width), i64::from(height)),
            frames: to_device(&Tensor::from_slice(&numbers), device),
            boxes: to_device(&Tensor::from_slice(&boxes).view([-1, 4]), device),
            largest: items.iter().fold((0.0, 0.0), |(width, height): (f64, f64), (_, region)| {
                (width.max(region.width), height.max(region.height))
            }),
            format,
        })
    }

    /// The boxes at some places, `(places)`.
    pub fn at(&self, places: &Tensor) -> Self {
        let (frames, boxes) = (self.frames.index_select(0, places), self.boxes.index_select(0, places));
        Self { pixels: self.pixels.shallow_clone(), frames, boxes, ..*self }
    }

    /// Crops of the boxes; see [`crop_each`](super::crop_each). `(boxes, 3, size, size)`.
    pub fn crops(&self) -> Tensor {
        let size = (self.format.size, self.format.size);
        if self.format.resampling == Resampling::Averaged {
            let _span = profile::span(Stage::Crops);
            return self.averaged(size, true);
        }
        self.windows(size)
    }

    /// Windows around the boxes that are `(wide, high)` pixels of the network's input where a crop
    /// has `format.size`: `(boxes, 3, high, wide)`, float32.
    pub fn windows(&self, (wide, high): (usize, usize)) -> Tensor {
        let _span = profile::span(Stage::Crops);
        if self.format.resampling == Resampling::Averaged {
            return self.averaged((wide, high), false);
        }
        let (width, height) = self.size;
        let columns = self.taps((0, 2), wide, width);
        let rows = self.taps((1, 3), high, height);
        let (line, plane) = (width + 2 * RIM, (width + 2 * RIM) * (height + 2 * RIM));
        let lines = self.frames.unsqueeze(1) * plane + rows.first * line;
        let places = lines.unsqueeze(2) + columns.first.unsqueeze(1);
        // `(boxes, high, wide, 4)`: the colours of the pixels at these offsets after their
        // positions.
        let pixels = |behind: i64| {
            let fetched = self.pixels.slice(0, behind, None, 1).take(&places);
            fetched.unsqueeze(3).view_dtype(Kind::Uint8).to_kind(Kind::Float)
        };
        let across = columns.weight.view([-1, 1, wide as i64, 1]);
        let down = rows.weight.view([-1, high as i64, 1, 1]);
        let above = pixels(0).lerp_tensor(&pixels(1), &across);
        let below = pixels(line).lerp_tensor(&pixels(line + 1), &across);
        let colours = above.lerp_tensor(&below, &down).narrow(3, 0, 3);
        let centred = (colours - f64::from(self.format.mean)) * f64::from(self.format.scale);
        centred.permute([0, 3, 1, 2]).contiguous()
    }

    /// The taps along the axis of two columns of the table of boxes, `length` of them, in frames of
    /// `side` pixels.
    fn taps(&self, (centre, extent): (i64, i64), length: usize, side: i64) -> Taps {
        let column = |place: i64| self.boxes.narrow(1, place, 1);
        let share = (Tensor::arange(length as i64, (Kind::Double, self.boxes.device())) + (0.5 - length as f64 / 2.0))
            * ((1.0 + 2.0 * CONTEXT) / self.format.size as f64);
        let position = column(centre) + column(extent) * share - 0.5;
        let floor = position.floor();
        let weight = (position - &floor).to_kind(Kind::Float);
        let first = (floor + RIM as f64).clamp(0.0, (side + RIM) as f64).to_kind(Kind::Int64);
        Taps { first, weight }
    }
}

/// The tensor on a device, without waiting for what the device is doing.
pub(crate) fn to_device(tensor: &Tensor, device: Device) -> Tensor {
    tensor.to_dtype_layout((tensor.kind(), device), true, false)
}

#[cfg(test)]
mod tests {
    use super::super::{crop_each, window};
    use super::*;

    const BILINEAR: CropFormat =
        CropFormat { size: 37, mean: 127.0, scale: 1.0 / 128.0, resampling: Resampling::Bilinear };
    const FORMATS: [CropFormat; 2] = [BILINEAR, CropFormat { resampling: Resampling::Averaged, ..BILINEAR }];

    fn frame(factor: usize) -> Frame {
        Frame::from_rgb8(50, 40, (0..50 * 40 * 3).map(|i| (i * factor % 251) as u8).collect()).unwrap()
    }

    #[test]
    fn crops_are_those_that_are_made_one_by_one() {
        let frames = [frame(7), frame(13)];
        let boxes = [
            (0, 3.0, 5.0, 20.0, 9.5),
            (0, -8.0, 30.0, 30.0, 30.0),
            (1, 41.3, -2.7, 4.2, 60.0),
            (1, 200.0, 9.0, 5.0, 5.0),
            (0, 1.2, 2.3, 180.0, 0.4),
        ];
        let items: Vec<_> =
            boxes.iter().map(|(f, x, y, w, h)| (&frames[*f], BoundingBox::new(*x, *y, *w, *h))).collect();
        for format in FORMATS {
            let expected = crop_each(&items, format, Device::Cpu);
            let resident = Resident::new(&items, format, Device::Cpu).unwrap();
            assert!((resident.crops() - &expected).abs().max().double_value(&[]) < 1e-5, "{format:?}");
            let places = Tensor::from_slice(&[3i64, 1]);
            let chosen = resident.at(&places).crops();
            assert!((chosen - expected.index_select(0, &places)).abs().max().double_value(&[]) < 1e-5, "{format:?}");
        }
    }

    #[test]
    fn windows_are_those_that_are_made_one_by_one() {
        let frame = frame(7);
        for (format, side) in FORMATS.into_iter().flat_map(|format| [(format, 15.0), (format, 90.3)]) {
            let region = BoundingBox::new(10.0, 8.0, 22.0, side);
            let expected = window(&frame, region, (69, 53), format, Device::Cpu);
            let found = Resident::new(&[(&frame, region)], format, Device::Cpu).unwrap().windows((69, 53));
            assert!((found - expected).abs().max().double_value(&[]) < 1e-5, "{format:?}, side {side}");
        }
    }

    #[test]
    fn frames_of_several_sizes_have_no_table() {
        let other = Frame::from_rgb8(2, 2, vec![0; 12]).unwrap();
        let frame = frame(7);
        let region = BoundingBox::new(0.0, 0.0, 2.0, 2.0);
        assert!(Resident::new(&[(&frame, region), (&other, region)], BILINEAR, Device::Cpu).is_none());
        assert!(Resident::new(&[], BILINEAR, Device::Cpu).is_none());
    }
}

//! Crops by libtorch's sampling operator, one at a time.

use attrax_tracker::{BoundingBox, CONTEXT, CropFormat, Frame};
use tch::{Kind, Tensor};

/// A frame as the operators want it: `(1, 3, height, width)`, float32, centred.
pub fn frame_tensor(frame: &Frame, format: CropFormat) -> Tensor {
    let (width, height) = (i64::from(frame.width()), i64::from(frame.height()));
    let bytes = Tensor::from_slice(frame.pixels()).view([1, height, width, 3]);
    let centred = (bytes.to_kind(Kind::Float) - f64::from(format.mean)) * f64::from(format.scale);
    centred.permute([0, 3, 1, 2]).contiguous()
}

/// Crops of boxes, each in its own frame: `(boxes, 3, size, size)`, contiguous.
pub fn crop_each(items: &[(Tensor, BoundingBox)], size: usize) -> Tensor {
    let crops: Vec<Tensor> = items.iter().map(|(frame, region)| crop(frame, *region, size as i64)).collect();
    Tensor::cat(&crops, 0)
}

/// One crop: the box with its context, bilinear, zero outside the frame.
fn crop(frame: &Tensor, region: BoundingBox, size: i64) -> Tensor {
    let (height, width) = (frame.size()[2] as f64, frame.size()[3] as f64);
    let (cx, cy) = region.centre();
    let grow = 1.0 + 2.0 * CONTEXT;
    // In the operator's coordinates a frame reaches from -1 to 1.
    let map = [
        [region.width * grow / width, 0.0, 2.0 * cx / width - 1.0],
        [0.0, region.height * grow / height, 2.0 * cy / height - 1.0],
    ];
    let map = Tensor::from_slice(map.as_flattened()).view([1, 2, 3]).to_kind(Kind::Double);
    // The grid is made in float64: in float32 places are wrong by a ten-thousandth of a pixel.
    let grid = Tensor::affine_grid_generator(&map, [1, 3, size, size], false).to_kind(Kind::Float);
    frame.grid_sampler(&grid, 0, 0, false)
}

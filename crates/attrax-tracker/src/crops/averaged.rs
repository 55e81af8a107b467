//! Averaged crops of frames on a GPU: each is the product of a matrix for its rows, the pixels that
//! it covers, and a matrix for its columns.
//!
//! The filter is that of [`crops`](super): a triangle as wide as a pixel of the crop, which ends
//! where the crop does. Positions and weights are computed in float64.

use tch::{Kind, Tensor};

use super::CONTEXT;
use super::gpu::{RIM, Resident};

/// Pixels of frames, and weights of pixels, that are worked on at a time: bounds the memory, at
/// about 30 bytes each.
const TOGETHER: i64 = 16 << 20;

/// One axis of the boxes: their columns of the table, centre and extent; positions of the output;
/// pixels of a frame; and pixels that a box covers, and of those the ones that can be in the frame,
/// at most.
struct Axis {
    columns: (i64, i64),
    length: i64,
    side: i64,
    covered: i64,
    inside: i64,
}

impl Resident {
    /// Windows around the boxes as in [`Resident::windows`], averaged; `whole` says whether they
    /// begin and end between pixels, as crops do.
    pub(super) fn averaged(&self, (wide, high): (usize, usize), whole: bool) -> Tensor {
        let axis = |columns: (i64, i64), length: usize, side: i64, largest: f64| {
            // A box's ends may be rounded outwards.
            let covered = (largest * self.share(length) * (1.0 + 2.0 * CONTEXT)) as i64 + 2;
            Axis { columns, length: length as i64, side, covered, inside: covered.min(side + RIM) }
        };
        let columns = axis((0, 2), wide, self.size.0, self.largest.0);
        let rows = axis((1, 3), high, self.size.1, self.largest.1);
        let (line, plane) = (columns.side + 2 * RIM, (columns.side + 2 * RIM) * (rows.side + 2 * RIM));
        let weights = (rows.length * rows.covered).max(columns.length * columns.covered);
        let (boxes, step) = (self.frames.size()[0], TOGETHER / weights.max(rows.inside * columns.inside));
        let part = |start: i64, count: i64| {
            let ((lines, down), (across, to_right)) =
                (self.weights(&rows, start, count, whole), self.weights(&columns, start, count, whole));
            let lines = self.frames.narrow(0, start, count).unsqueeze(1) * plane + lines * line;
            let places = lines.unsqueeze(2) + across.unsqueeze(1);
            let colours = self.pixels.take(&places).unsqueeze(3).view_dtype(Kind::Uint8).narrow(3, 0, 3);
            // `(boxes, rows, columns x 3)`
            let pixels = colours.to_kind(Kind::Float).contiguous().flatten(2, 3) - f64::from(self.format.mean);
            let blended = down.bmm(&pixels).view([count, rows.length, columns.inside, 3]);
            let averaged = to_right.bmm(&blended.transpose(1, 2).flatten(2, 3));
            averaged.view([count, columns.length, rows.length, 3]).permute([0, 3, 2, 1])
        };
        let step = step.max(1);
        let parts = (0..boxes).step_by(step as usize).map(|start| part(start, step.min(boxes - start)));
        (Tensor::cat(&parts.collect::<Vec<_>>(), 0) * f64::from(self.format.scale)).contiguous()
    }

    /// How many crops' sides `length` pixels of the network's input are.
    fn share(&self, length: usize) -> f64 {
        length as f64 / self.format.size as f64
    }

    /// Of some boxes, along an axis: the pixels as positions in a frame with its border, `(boxes,
    /// pixels)`, and their weights in each position of the output, `(boxes, positions, pixels)`.
    fn weights(&self, axis: &Axis, start: i64, count: i64, whole: bool) -> (Tensor, Tensor) {
        let column = |column: i64| self.boxes.narrow(0, start, count).narrow(1, column, 1);
        let length = axis.length as f64;
        let extent = column(axis.columns.1) * self.share(axis.length as usize) * (1.0 + 2.0 * CONTEXT);
        let (centre, half) = (column(axis.columns.0), extent / 2.0);
        let (mut first, mut end) = (&centre - &half, centre + half);
        if whole {
            first = (first + 0.5).floor();
            end = (end + 0.5).floor().max_other(&(&first + 1.0));
        }
        let (middle, extent): (Tensor, Tensor) = ((&first + &end) / 2.0, &end - &first);
        let ramp = |length: i64, kind: Kind| Tensor::arange(length, (kind, self.boxes.device()));
        let positions = middle + ((ramp(axis.length, Kind::Double) + 0.5) / length - 0.5) * &extent - 0.5;
        let support = (extent / length).clamp_min(1.0).unsqueeze(2);
        let first = first.ceil();
        let pixels = &first + ramp(axis.covered, Kind::Double);
        let distance = (pixels.unsqueeze(1) - positions.unsqueeze(2)).abs();
        let in_crop = pixels.less_tensor(&end.ceil()).unsqueeze(1);
        let weights: Tensor = (distance / support * -1.0 + 1.0).clamp_min(0.0) * in_crop;
        let sums = weights.sum_dim_intlist([2].as_slice(), true, Kind::Double).clamp_min(f64::MIN_POSITIVE);
        // The pixels that can be in the frame. All others are zero.
        let skipped = (-first).clamp(0.0, (axis.covered - axis.inside) as f64).to_kind(Kind::Int64);
        let kept = skipped + ramp(axis.inside, Kind::Int64);
        let places = (pixels.gather(1, &kept, false) + RIM as f64).clamp(0.0, (axis.side + 2 * RIM - 1) as f64);
        let kept = kept.unsqueeze(1).expand([-1, axis.length, -1], false);
        (places.to_kind(Kind::Int64), (weights / sums).gather(2, &kept, false).to_kind(Kind::Float))
    }
}

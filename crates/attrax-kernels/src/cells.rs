//! Features of boxes on a grid, gathered from the planes of a pass that they share.

use crate::{Plane, Values};

/// Where the features of boxes on a grid are in planes.
///
/// A box's features are `side` x `side` cells, `spacing` positions apart along each axis; boxes are
/// one position apart.
#[derive(Clone, Copy, Debug)]
pub struct Cells {
    /// Channels of the planes.
    pub channels: usize,
    /// Cells of a box along each axis.
    pub side: usize,
    /// Positions between two cells.
    pub spacing: usize,
    /// Rows and columns of boxes.
    pub boxes: (usize, usize),
    /// Whether the planes are rotated by 180 degrees: the first box is then the last one in them.
    pub rotated: bool,
    /// Multiplies every number.
    pub gain: f32,
}

impl Cells {
    /// Features of a box: channel by channel, the cells of each row by row.
    #[must_use]
    pub fn length(&self) -> usize {
        self.channels * self.side * self.side
    }

    /// Writes the features of some `rows` of boxes, box by box, read from dense NHWC planes.
    ///
    /// # Panics
    /// If the cells are not all inside the planes, or `output` has another length than the boxes
    /// take.
    pub fn gather(&self, planes: Values<'_>, plane: Plane, rows: std::ops::Range<usize>, output: &mut [f32]) {
        let (channels, side, (all_rows, columns)) = (self.channels, self.side, self.boxes);
        let reach = side.saturating_sub(1) * self.spacing;
        assert!(planes.len() == plane.pixels() * channels && rows.end <= all_rows);
        assert!(all_rows + reach <= plane.height && columns + reach <= plane.width);
        assert_eq!(output.len(), rows.len() * columns * self.length());
        if output.is_empty() {
            return;
        }
        let boxes = rows.flat_map(|row| (0..columns).map(move |column| (row, column)));
        let mut starts = vec![0; side * side];
        for ((row, column), features) in boxes.zip(output.chunks_exact_mut(self.length())) {
            // The cells in the order of the features.
            for (number, start) in starts.iter_mut().enumerate() {
                let along = |cell: usize, place: usize, places: usize| {
                    if self.rotated {
                        (side - 1 - cell) * self.spacing + places - 1 - place
                    } else {
                        cell * self.spacing + place
                    }
                };
                let (y, x) = (along(number / side, row, all_rows), along(number % side, column, columns));
                *start = (y * plane.width + x) * channels;
            }
            for (channel, cells) in features.chunks_exact_mut(starts.len()).enumerate() {
                for (cell, start) in cells.iter_mut().zip(&starts) {
                    // SAFETY: by the assertions every cell is a pixel of the planes, and the
                    // channel is below `channels`.
                    *cell = unsafe { planes.as_ptr().add(start + channel).read() } * self.gain;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_gathered_from_where_they_are() {
        let plane = Plane { height: 7, width: 6 };
        let planes: Vec<f32> = (0..plane.pixels() * 2).map(|number| number as f32).collect();
        for rotated in [false, true] {
            let cells = Cells { channels: 2, side: 2, spacing: 3, boxes: (4, 3), rotated, gain: 0.5 };
            let mut found = vec![0.0; 2 * 3 * cells.length()];
            cells.gather((&planes).into(), plane, 1..3, &mut found);
            // The box in row 2 and column 1, its cell in row 1 and column 0, channel 1.
            let number = found[(3 + 1) * cells.length() + 4 + 2];
            let (y, x) = if rotated { (3 - 2, 3 + 2 - 1) } else { (2 + 3, 1) };
            let expected = ((y * 6 + x) * 2 + 1) as f32 * 0.5;
            assert!((number - expected).abs() < 1e-6, "rotated {rotated}");
        }
    }

    #[test]
    #[should_panic(expected = "all_rows + reach")]
    fn cells_outside_the_planes_are_refused() {
        let cells = Cells { channels: 1, side: 2, spacing: 3, boxes: (2, 2), rotated: false, gain: 1.0 };
        cells.gather([0.0; 16].as_slice().into(), Plane { height: 4, width: 4 }, 0..2, &mut [0.0; 16]);
    }
}

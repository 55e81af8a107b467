//! Rows of bilinear crops (`crop.c`): several pixels at a time.

use std::ffi::c_long;

use super::Width;
use super::dispatch::for_each_width;

/// Numbers that a group is picked from: those of two vectors.
const REACH: usize = 32;

/// Pixels of a group, at most: three numbers each, of 16.
const MOST: usize = 5;

/// The columns of a crop, in groups of a few pixels.
#[derive(Debug)]
pub struct Columns {
    width: Width,
    pixels: usize,
    /// Numbers in a line of the frame.
    length: usize,
    /// Pixels in a group, but for the last one.
    group: usize,
    /// Where each group's numbers begin in the row, and from there the place of each.
    start: Vec<i32>,
    places: Vec<i32>,
    left: Vec<f32>,
    right: Vec<f32>,
}

/// The input of a row of a crop: two lines of a frame of equal length, their weights, and the mean
/// to subtract.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The lines.
    pub lines: [&'a [u8]; 2],
    /// Their weights.
    pub weights: [f32; 2],
    /// The mean.
    pub mean: f32,
}

/// `struct attrax_columns` of `crop.c`.
#[repr(C)]
struct RawColumns {
    start: *const i32,
    places: *const i32,
    left: *const f32,
    right: *const f32,
    groups: c_long,
    numbers: c_long,
    last: c_long,
}

/// `struct attrax_line` of `crop.c`.
#[repr(C)]
struct RawLine {
    top: *const u8,
    bottom: *const u8,
    row: *mut f32,
    out: *mut f32,
    above: f32,
    below: f32,
    mean: f32,
    length: c_long,
}

for_each_width! {
    /// Makes a row.
    ///
    /// # Safety
    /// The processor has the vectors, and every pointer leads to as many numbers as `crop.c` reads
    /// or writes there.
    unsafe fn run(columns: &RawColumns, line: &RawLine) = "attrax_crop_row_";
}

impl Columns {
    /// The columns of pixels: where the first of two neighbours begins in a row of `length`
    /// numbers, in ascending order, and how much each counts. `None` where the processor lacks the
    /// vectors, or the pixels are too far apart.
    #[must_use]
    pub fn new(width: Width, pixels: &[(usize, [f32; 2])], length: usize) -> Option<Self> {
        let ordered =
            pixels.is_sorted_by_key(|(first, _)| first) && pixels.iter().all(|(first, _)| first + 6 <= length);
        if !Width::all().contains(&width) || pixels.is_empty() || !ordered {
            return None;
        }
        let near = |group: &[(usize, [f32; 2])]| {
            group.first().zip(group.last()).is_some_and(|(first, last)| last.0 + 6 - first.0 <= REACH)
        };
        let group = (2..=MOST).rev().find(|count| pixels.chunks(*count).all(near))?;
        let groups = pixels.len().div_ceil(group);
        let mut columns = Self {
            width,
            pixels: pixels.len(),
            length,
            group,
            start: Vec::with_capacity(groups),
            places: vec![0; groups * 16],
            left: vec![0.0; groups * 16],
            right: vec![0.0; groups * 16],
        };
        for (number, of_group) in pixels.chunks(group).enumerate() {
            let start = of_group[0].0;
            columns.start.push(start as i32);
            for (pixel, (first, [left, right])) in of_group.iter().enumerate() {
                for channel in 0..3 {
                    let lane = number * 16 + pixel * 3 + channel;
                    columns.places[lane] = (first - start + channel) as i32;
                    (columns.left[lane], columns.right[lane]) = (*left, *right);
                }
            }
        }
        Some(columns)
    }

    /// Numbers that the scratch row for lines of some length has.
    #[must_use]
    pub fn scratch(length: usize) -> usize {
        length + REACH
    }

    /// One row of the crop, three numbers a pixel, to `out`. `row` is scratch of
    /// [`Columns::scratch`] numbers.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn row(&self, line: &Line<'_>, row: &mut [f32], out: &mut [f32]) {
        let [top, bottom] = line.lines;
        assert!([top.len(), bottom.len()] == [self.length; 2], "lines of another length");
        assert!(row.len() >= Self::scratch(self.length), "the scratch row's length");
        assert_eq!(out.len(), self.pixels * 3, "a row of pixels");
        let groups = self.start.len();
        let columns = RawColumns {
            start: self.start.as_ptr(),
            places: self.places.as_ptr(),
            left: self.left.as_ptr(),
            right: self.right.as_ptr(),
            groups: groups as c_long,
            numbers: (self.group * 3) as c_long,
            last: ((self.pixels - (groups - 1) * self.group) * 3) as c_long,
        };
        let line = RawLine {
            top: top.as_ptr(),
            bottom: bottom.as_ptr(),
            row: row.as_mut_ptr(),
            out: out.as_mut_ptr(),
            above: line.weights[0],
            below: line.weights[1],
            mean: line.mean,
            length: top.len() as c_long,
        };
        // SAFETY: the processor has the vectors, or there were no columns. Both lines have the
        // length that the columns were made for; the row has room for 32 numbers more, from which
        // on no group begins, and the groups write as many numbers as the output has.
        unsafe { run(self.width, &columns, &line) };
    }
}

#[cfg(all(test, attrax_kernels))]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    unsafe extern "C" {
        static attrax_crop_layout_portable: [usize; 6];
    }

    #[test]
    fn structures_are_laid_out_as_in_c() {
        let expected = [
            size_of::<RawColumns>(),
            offset_of!(RawColumns, groups),
            offset_of!(RawColumns, last),
            size_of::<RawLine>(),
            offset_of!(RawLine, above),
            offset_of!(RawLine, length),
        ];
        // SAFETY: a constant array of this length in `crop.c`.
        assert_eq!(unsafe { attrax_crop_layout_portable }, expected);
    }
}

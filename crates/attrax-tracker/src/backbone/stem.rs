//! The first convolution, by a kernel.

use tch::Tensor;

use super::convolution::Convolution;
use super::planes::{each, numbers, plane_of, rows_among};
use crate::parallel::Workers;
use attrax_kernels::{Stem, StemShape, Width};

/// The kernel of a first convolution, if there is one for its shape. It rotates its input if `rotated`.
pub(super) fn stem(first: &Convolution, rotated: bool, width: Width) -> Option<Stem> {
    let size: Vec<usize> = first.weight.size().iter().map(|length| *length as usize).collect();
    let (&[output, input, kernel, _], 1) = (size.as_slice(), first.dilation) else { return None };
    let (stride, padding) = (first.stride as usize, first.padding as usize);
    let weights = numbers(&first.weight.permute([0, 2, 3, 1]));
    Stem::new(width, StemShape { input, output, kernel, stride, padding, rotated }, &weights, &numbers(&first.bias))
}

/// The first convolution's output for crops `(n, channels, height, width)`. The rows of a single one are shared among threads
/// where there are some.
pub(super) fn run_stem(stem: &Stem, input: &Tensor, workers: Option<&Workers>) -> Tensor {
    let (plane, StemShape { output: channels, kernel, stride, padding, .. }) = (plane_of(input), stem.shape());
    let out = plane.convolved(kernel, stride, padding);
    each(input, channels, out, |sample, output, _| {
        rows_among(workers.filter(|_| input.size()[0] == 1), out, output, |rows, strip| {
            stem.run(sample, (plane, out), rows, strip);
        });
    })
}

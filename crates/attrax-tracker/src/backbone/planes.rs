//! Kernels on the planes of tensors: each input of a batch, and the rows of an output on several
//! threads.

use std::ops::Range;

use tch::Tensor;

use super::convolution::arranged;
use crate::parallel::Workers;
use attrax_kernels::{Plane, Values, channels_last, filled};

/// The planes of a tensor `(n, channels, height, width)`.
pub(super) fn plane_of(tensor: &Tensor) -> Plane {
    let size = tensor.size();
    Plane { height: size[2] as usize, width: size[3] as usize }
}

/// Runs a kernel on each of several inputs `(n, channels, height, width)`, with the place of each,
/// for outputs of `channels` channels.
pub(super) fn each(
    input: &Tensor,
    channels: usize,
    out: Plane,
    mut run: impl FnMut(Values<'_>, &mut [f32], usize),
) -> Tensor {
    let input = arranged(input);
    let Some(values) = channels_last(&input) else { unreachable!("a network of 32 bits was given {:?}", input.kind()) };
    let count = input.size()[0];
    let (of_input, of_output) = (values.len() / count.max(1) as usize, out.pixels() * channels);
    filled([count, channels as i64, out.height as i64, out.width as i64], |output| {
        let samples = values.pieces(of_input).zip(output.chunks_exact_mut(of_output));
        samples.enumerate().for_each(|(place, (sample, output))| run(sample, output, place));
    })
}

/// Shares the rows of an output among threads where there are some. No number of the output may
/// depend on how.
pub(super) fn rows_among(
    workers: Option<&Workers>,
    out: Plane,
    output: &mut [f32],
    run: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    let Some(workers) = workers else { return run(0..out.height, output) };
    let rows = out.height.div_ceil(workers.count()).max(1);
    let strips = output.chunks_mut(rows * (output.len() / out.height.max(1))).enumerate().collect();
    workers.map(strips, |(place, strip): (usize, &mut [f32])| {
        run(place * rows..out.height.min((place + 1) * rows), strip);
    });
}

/// The numbers of a tensor of 32 bits on the CPU, in the usual order.
pub(super) fn numbers(tensor: &Tensor) -> Vec<f32> {
    let mut numbers = vec![0.0; tensor.numel()];
    tensor.contiguous().copy_data(&mut numbers, tensor.numel());
    numbers
}

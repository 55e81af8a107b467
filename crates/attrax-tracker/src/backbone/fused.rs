//! Runs of layers that are one pass of a kernel each, and what such layers have in common.

use std::ops::Range;
use std::sync::Arc;

use tch::{Kind, Tensor};

use super::block::Block;
use super::convolution::{Convolution, arranged};
use super::layers::Layer;
use crate::parallel::Workers;
use crate::plan::Plan;
use attrax_kernels::{Plane, Stem, StemShape, Values, Width, channels_last, filled};

/// Channels of an input and side of a kernel up to which a first convolution is worth a kernel of its own.
const FEW: (i64, i64) = (4, 3);

/// The layers with a kernel in place of each run of layers that there is one for; and for each how many layers it stands for.
///
/// `rotated` says whether the first layer's input is still to be rotated: a kernel does that, and nothing else; `linearized`, whether
/// derivatives are wanted.
pub(super) fn fused(layers: &[Layer], rotated: bool, width: Option<Width>, linearized: bool) -> Vec<(Layer, usize)> {
    let known = |layer: &Layer| match layer {
        Layer::Convolution(c) => c.weight.kind() == Kind::Float && !Plan::of(&c.weight).gpu,
        _ => true,
    };
    let width = width.filter(|_| layers.iter().all(known));
    let mut fused = Vec::with_capacity(layers.len());
    let mut rest = layers;
    while let Some(layer) = rest.first() {
        let kernel = width.and_then(|width| match layer {
            Layer::Convolution(first)
                if fused.is_empty() && first.weight.size()[1] <= FEW.0 && first.weight.size()[2] <= FEW.1 =>
            {
                stem(first, rotated, width).map(|stem| (Layer::Stem(Arc::new(stem)), 1))
            }
            _ => Block::at(rest, width, linearized).map(|(block, count)| (Layer::Block(Arc::new(block)), count)),
        });
        let (layer, count) = kernel.unwrap_or_else(|| (layer.share(), 1));
        fused.push((layer, count));
        rest = &rest[count..];
    }
    fused
}

fn stem(first: &Convolution, rotated: bool, width: Width) -> Option<Stem> {
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

/// The planes of a tensor `(n, channels, height, width)`.
pub(super) fn plane_of(tensor: &Tensor) -> Plane {
    let size = tensor.size();
    Plane { height: size[2] as usize, width: size[3] as usize }
}

/// Runs a kernel on each of several inputs `(n, channels, height, width)`, with the place of each, for outputs of so many channels.
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

/// Shares the rows of an output among threads where there are some. No number of the output may depend on how.
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

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn a_stem_computes_what_its_convolution_does() {
        let options = (Kind::Float, Device::Cpu);
        for (output, stride, padding, height, width) in [(32, 2, 1, 112, 112), (24, 2, 0, 31, 47), (16, 1, 1, 5, 9)] {
            let weight = Tensor::randn([output, 3, 3, 3], options);
            let first = Convolution::new(&weight, &Tensor::randn([output], options), stride, padding, 1);
            let crops = arranged(&Tensor::randn([2, 3, height, width], options));
            for (width, rotated) in Width::all().iter().flat_map(|width| [(*width, false), (*width, true)]) {
                let kernel = stem(&first, rotated, width).unwrap();
                let seen = if rotated { crops.flip([2, 3]) } else { crops.shallow_clone() };
                let expected = first.run(&seen, Some(&first.bias));
                let found = run_stem(&kernel, &crops, None);
                let error = ((&found - &expected).norm() / expected.norm()).double_value(&[]);
                assert!(found.size() == expected.size() && error < 1e-6, "{width:?}, rotated {rotated}: {error:.1e}");
                let shared = run_stem(&kernel, &crops.narrow(0, 0, 1), Some(&Workers::new(3)));
                assert!(shared.equal(&found.narrow(0, 0, 1)));
            }
        }
    }
}

//! Inverted residual blocks in one pass each, in place of their layers.
//!
//! The planes between the layers of a block are six times as large as those at its ends, and each
//! layer is a pass over them. The kernel ([`Kernel`]) has a few of their channels at a time in the
//! core's cache instead, and keeps of each `ReLU6` only where it passed: a bit a number.

use std::sync::Arc;

use tch::Tensor;

use super::convolution::Convolution;
use super::planes::{each, numbers, plane_of, rows_among};
use crate::parallel::Workers;
use attrax_kernels::{Activation, Kernel, Plane, Shape, Weights, Width};

/// What a network's blocks are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    /// Passes, and their derivatives.
    Linearized,
    /// Passes alone, as of windows.
    Forward,
    /// Passes alone, with products of bfloat16 where a kernel has them.
    Rounded,
}

/// A block of frozen weights.
#[derive(Debug)]
pub(super) struct Block {
    forward: Kernel,
    /// `None` if nothing is linearised, as in windows.
    adjoint: Option<Kernel>,
    shape: Shape,
}

/// A block's derivative around inputs that it was run on.
#[derive(Debug)]
pub(super) struct Passed {
    block: Arc<Block>,
    /// Where each `ReLU6` passed, input by input.
    expanded: Vec<u8>,
    filtered: Vec<u8>,
    plane: Plane,
}

impl Block {
    /// The block of these convolutions, if there is a kernel for it, and what `passes` need.
    pub fn new(
        first: Option<&Convolution>,
        depthwise: &Convolution,
        second: &Convolution,
        (residual, passes): (bool, Passes),
        width: Width,
    ) -> Option<Self> {
        let matrix = |c: &Convolution| c.weight.flatten(1, 3);
        let (expand, project) = (first.map(matrix), matrix(second));
        let (output, middle) = (project.size()[0] as usize, project.size()[1] as usize);
        let input = expand.as_ref().map_or(middle, |matrix| matrix.size()[1] as usize);
        let shape = Shape {
            input,
            middle,
            output,
            kernel: depthwise.weight.size()[2] as usize,
            stride: depthwise.stride as usize,
            dilation: depthwise.dilation as usize,
            padding: depthwise.padding as usize,
            transposed: false,
            residual,
        };
        let taps = numbers(&depthwise.weight.permute([2, 3, 0, 1]));
        let (expansion, projection) = (expand.as_ref().map(numbers), numbers(&project));
        let expand_bias = first.map(|first| numbers(&first.bias));
        let (depthwise_bias, project_bias) = (numbers(&depthwise.bias), numbers(&second.bias));
        let weights = Weights {
            expand: expansion.as_deref(),
            expand_bias: expand_bias.as_deref(),
            depthwise: &taps,
            depthwise_bias: Some(&depthwise_bias),
            project: Some(&projection),
            project_bias: Some(&project_bias),
        };
        let forward = Kernel::new(width, shape, &weights)?;
        match passes {
            Passes::Linearized => (),
            Passes::Forward => return Some(Self { forward, adjoint: None, shape }),
            Passes::Rounded => return Some(Self { forward: forward.rounded(), adjoint: None, shape }),
        }
        // The products change places, and are transposed as the convolution is.
        let swapped = Shape { input: output, output: input, transposed: true, ..shape };
        let (projection, expansion) = (numbers(&project.tr()), expand.map(|matrix| numbers(&matrix.tr())));
        let transposed = Weights {
            expand: Some(&projection),
            expand_bias: None,
            depthwise: &taps,
            depthwise_bias: None,
            project: expansion.as_deref(),
            project_bias: None,
        };
        Some(Self { forward, adjoint: Some(Kernel::new(width, swapped, &transposed)?), shape })
    }

    /// The output for inputs `(n, channels, height, width)`. The rows of a single one are shared
    /// among threads where there are some: no number of the output depends on how.
    pub fn run(&self, input: &Tensor, workers: Option<&Workers>) -> Tensor {
        let (plane, out) = self.planes(input);
        each(input, self.shape.output, out, |sample, output, _| {
            rows_among(workers.filter(|_| input.size()[0] == 1), out, output, |rows, strip| {
                self.forward.run(sample, (plane, out), rows, Activation::Relu6, strip);
            });
        })
    }

    /// The output, and the derivative there.
    pub fn record(self: &Arc<Self>, input: &Tensor) -> (Tensor, Passed) {
        let ((plane, out), count) = (self.planes(input), input.size()[0] as usize);
        let [mut expanded, mut filtered] = [plane, out].map(|plane| vec![0; count * self.forward.bits(plane)]);
        let [of_expanded, of_filtered] = [plane, out].map(|plane| self.forward.bits(plane));
        let output = each(input, self.shape.output, out, |sample, output, place| {
            let (expanded, filtered) = (
                &mut expanded[place * of_expanded..][..of_expanded],
                &mut filtered[place * of_filtered..][..of_filtered],
            );
            self.forward.run(sample, (plane, out), 0..out.height, Activation::Recorded(expanded, filtered), output);
        });
        (output, Passed { block: Arc::clone(self), expanded, filtered, plane })
    }

    /// The planes of an input and of its output.
    fn planes(&self, input: &Tensor) -> (Plane, Plane) {
        let plane = plane_of(input);
        (plane, self.out(plane))
    }

    fn out(&self, plane: Plane) -> Plane {
        let Shape { kernel, stride, dilation, padding, .. } = self.shape;
        plane.convolved((kernel - 1) * dilation + 1, stride, padding)
    }
}

impl Passed {
    /// From gradients at the output to those at the input. There may be several for each input: a
    /// whole batch, then another.
    pub fn pull_back(&self, gradient: &Tensor) -> Tensor {
        let Some(adjoint) = &self.block.adjoint else { unreachable!("a window was linearised") };
        let (plane, out) = (self.plane, self.block.out(self.plane));
        each(gradient, self.block.shape.input, plane, |sample, output, place| {
            let (expanded, filtered) = self.bits(place);
            adjoint.run(sample, (out, plane), 0..plane.height, Activation::Mask(filtered, expanded), output);
        })
    }

    /// From changes of the input to those of the output, to first order; likewise.
    pub fn push_forward(&self, change: &Tensor) -> Tensor {
        let (block, plane, out) = (&self.block, self.plane, self.block.out(self.plane));
        each(change, block.shape.output, out, |sample, output, place| {
            let (expanded, filtered) = self.bits(place);
            block.forward.run(sample, (plane, out), 0..out.height, Activation::Mask(expanded, filtered), output);
        })
    }

    /// What passed of the input in a place, counted through the batches.
    fn bits(&self, place: usize) -> (&[u8], &[u8]) {
        let kernel = &self.block.forward;
        let (expanded, filtered) = (kernel.bits(self.plane), kernel.bits(self.block.out(self.plane)));
        let place = place % (self.expanded.len() / expanded.max(1)).max(1);
        (&self.expanded[place * expanded..][..expanded], &self.filtered[place * filtered..][..filtered])
    }
}

#[cfg(test)]
mod tests {
    use super::super::convolution::arranged;
    use super::super::fused::fused;
    use super::super::layers::{self, Layer};
    use super::super::linear;
    use super::*;
    use tch::{Device, Kind};

    /// Channels at both ends and in the middle, kernel, stride, dilation, residual, height and
    /// width.
    type Case = (i64, i64, i64, i64, i64, i64, bool, [i64; 2]);

    /// Those of the embedded network, small; and planes whose sides are no multiples of a tile.
    const CASES: [Case; 9] = [
        (32, 32, 16, 3, 1, 1, false, [12, 17]),
        (16, 96, 24, 3, 2, 1, false, [14, 14]),
        (24, 48, 24, 3, 1, 1, true, [9, 29]),
        (24, 48, 40, 5, 2, 1, false, [11, 15]),
        (40, 80, 40, 5, 1, 1, true, [7, 7]),
        (40, 80, 40, 5, 1, 2, true, [20, 23]),
        (8, 16, 8, 3, 2, 1, false, [1, 1]),
        (8, 48, 8, 7, 1, 1, true, [5, 40]),
        (112, 224, 112, 3, 1, 2, true, [3, 33]),
    ];

    fn layers(&(input, middle, output, kernel, stride, dilation, residual, _): &Case) -> Vec<Layer> {
        tch::manual_seed(3);
        let convolution = |input: i64, output: i64, kernel: i64, stride: i64, groups: i64| {
            let options = (Kind::Float, Device::Cpu);
            let weight = Tensor::randn([output, input / groups, kernel, kernel], options) / (input / groups) as f64;
            let bias = Tensor::randn([output], options);
            Convolution::new(&(weight * 2.0), &bias, stride, kernel / 2, groups)
        };
        let mut layers = Vec::new();
        if residual {
            layers.push(Layer::BranchBegin);
        }
        if input != middle {
            layers.push(Layer::Convolution(convolution(input, middle, 1, 1, 1)));
        }
        let depthwise = convolution(middle, middle, kernel, stride, middle);
        let depthwise = if dilation > 1 { depthwise.dense(dilation) } else { depthwise };
        layers.extend([Layer::Relu6, Layer::Convolution(depthwise), Layer::Relu6]);
        layers.push(Layer::Convolution(convolution(middle, output, 1, 1, 1)));
        if residual {
            layers.push(Layer::BranchEnd);
        }
        layers
    }

    /// The layers of a case as kernels: for crops, or where taps are set apart, for windows.
    fn kernels(layers: &[Layer], case: &Case, width: Option<Width>) -> Vec<Layer> {
        let passes = if case.5 == 1 { Passes::Linearized } else { Passes::Forward };
        fused(layers, false, width, passes).into_iter().map(|(layer, _)| layer).collect()
    }

    fn agree(found: &Tensor, expected: &Tensor, what: &str) {
        assert_eq!(found.size(), expected.size(), "{what}");
        let error = ((found - expected).norm() / expected.norm()).double_value(&[]);
        assert!(error < 1e-6, "{what}: {error:.1e}");
    }

    #[test]
    fn a_kernel_computes_what_its_layers_do() {
        for width in Width::all() {
            for case in &CASES {
                let plain = layers(case);
                let kernel = kernels(&plain, case, Some(*width));
                assert!(matches!(kernel.as_slice(), [Layer::Block(_)]), "{case:?}");
                let (input, dilation, [height, width]) = (case.0, case.5, case.7);
                let size = [3, input, height, width];
                let input = Tensor::randn(size, (Kind::Float, Device::Cpu)) * 2.0;
                let input = arranged(&input);
                let expected = layers::run(&plain, &(&input + 0.0), None, None);
                agree(&layers::run(&kernel, &input, None, None), &expected, &format!("{case:?}"));
                if dilation > 1 {
                    continue;
                }
                let (mut of_plain, mut of_kernel) = (Vec::new(), Vec::new());
                let _ = layers::run(&plain, &(&input + 0.0), Some(&mut of_plain), None);
                let output = layers::run(&kernel, &input, Some(&mut of_kernel), None);
                agree(&output, &expected, &format!("{case:?}, recorded"));
                // Two batches at once, as two classes are.
                let twice = |like: &Tensor| Tensor::cat(&[like.randn_like(), like.randn_like()], 0);
                let gradient = arranged(&twice(&output));
                let expected = linear::pull_back(&of_plain, gradient.copy());
                agree(&linear::pull_back(&of_kernel, gradient), &expected, &format!("{case:?}, adjoint"));
                let change = arranged(&twice(&input));
                let expected = linear::push_forward(&of_plain, change.copy());
                agree(&linear::push_forward(&of_kernel, change), &expected, &format!("{case:?}, derivative"));
            }
        }
    }

    #[test]
    fn no_number_depends_on_how_rows_are_shared() {
        for case in &CASES {
            let kernel = kernels(&layers(case), case, Width::all().first().copied());
            let input = Tensor::randn([1, case.0, case.7[0], case.7[1]], (Kind::Float, Device::Cpu));
            let alone = layers::run(&kernel, &(&input + 0.0), None, None);
            for threads in [2, 3, 5] {
                let shared = layers::run(&kernel, &(&input + 0.0), None, Some(&Workers::new(threads)));
                assert!(shared.equal(&alone), "{case:?}");
            }
        }
    }
}

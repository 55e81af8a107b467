//! Convolutions with frozen weights, and their adjoints.

use tch::{Kind, Tensor};

/// A convolution with frozen weights, and what its adjoint needs.
#[derive(Debug)]
pub(super) struct Convolution {
    weight: Tensor,
    pub bias: Tensor,
    adjoint: Adjoint,
    pub stride: i64,
    /// Zeros around the input.
    padding: i64,
    /// Pixels between the taps of the kernel.
    dilation: i64,
    groups: i64,
}

#[derive(Debug)]
enum Adjoint {
    /// At stride 1 the adjoint is itself a convolution: channels exchanged, kernel turned by 180 degrees.
    Convolution { weight: Tensor, padding: i64 },
    /// Otherwise a transposed convolution with the same weights.
    Transposed,
    /// At stride 2 that is also four convolutions at stride 1, one for the even and odd rows and columns each, of every
    /// second tap. libtorch has no fast transposed convolution in half precision.
    Phases(Vec<Phase>),
}

/// One of four interleaved parts of the adjoint of a convolution at stride 2.
#[derive(Debug)]
struct Phase {
    /// First row and column of the part.
    start: [i64; 2],
    /// Every second tap, turned by 180 degrees, channels exchanged.
    weight: Tensor,
    /// Positions by which each axis of the part is shifted against the gradient.
    shift: [i64; 2],
}

impl Phase {
    /// The four parts for a weight `(out, in / groups, k, k)` and `padding` zeros around the input.
    fn all(weight: &Tensor, padding: i64, groups: i64) -> Vec<Self> {
        let exchanged = if groups == 1 { weight.transpose(0, 1) } else { weight.shallow_clone() };
        let first = |start: i64| (start + padding) % 2;
        let shift = |start: i64| (start + padding - first(start)) / 2;
        let taps = |tensor: &Tensor, axis: i64, start: i64| tensor.slice(axis, first(start), None, 2);
        let part = |(row, column): (i64, i64)| Self {
            start: [row, column],
            weight: channels_last(&taps(&taps(&exchanged, 2, row), 3, column).flip([2, 3])),
            shift: [shift(row), shift(column)],
        };
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(part).into()
    }

    fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), ..*self }
    }

    /// Writes the part into its places of the gradient at the input.
    fn write(&self, gradient: &Tensor, groups: i64, into: &Tensor) {
        let side = into.size()[2];
        let axis = |axis: usize| {
            let (taps, length) = (self.weight.size()[2 + axis], (side - self.start[axis] + 1) / 2);
            let before = taps - 1 - self.shift[axis];
            let after = length + self.shift[axis] - gradient.size()[2 + axis];
            let padding = before.max(after).max(0);
            (padding, padding - before, length)
        };
        let ((pad_rows, row, rows), (pad_columns, column, columns)) = (axis(0), axis(1));
        let part = gradient.conv2d(&self.weight, None::<&Tensor>, [1, 1], [pad_rows, pad_columns], [1, 1], groups);
        let part = part.narrow(2, row, rows).narrow(3, column, columns);
        into.slice(2, self.start[0], None, 2).slice(3, self.start[1], None, 2).copy_(&part);
    }
}

/// The same values in channels-last memory order.
pub(super) fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

impl Convolution {
    /// A convolution of weights `(out, in / groups, k, k)` and bias `(out)`; `padding` zeros before and after.
    ///
    /// A row and a column of zeros in front of the kernel make an uneven padding even, which spares a padded copy of the
    /// input each time.
    pub fn new(weight: &Tensor, bias: &Tensor, stride: i64, (before, after): (i64, i64), groups: i64) -> Self {
        let uneven = (after - before).max(0);
        let weight = weight.constant_pad_nd([uneven, 0, uneven, 0]);
        let (kernel, padding) = (weight.size()[2], after);
        let adjoint = if stride == 1 {
            let turned = weight.flip([2, 3]);
            let exchanged = if groups == 1 { turned.transpose(0, 1) } else { turned };
            Adjoint::Convolution { weight: channels_last(&exchanged), padding: kernel - 1 - padding }
        } else if stride == 2 && weight.kind() == Kind::BFloat16 {
            Adjoint::Phases(Phase::all(&weight, padding, groups))
        } else {
            Adjoint::Transposed
        };
        Self {
            weight: channels_last(&weight),
            bias: bias.shallow_clone(),
            adjoint,
            stride,
            padding,
            dilation: 1,
            groups,
        }
    }

    /// The mean of each 3 x 3 window, stride 1, as a convolution; `like` gives device and precision.
    pub fn mean(channels: i64, dilation: i64, like: &Tensor) -> Self {
        let options = (like.kind(), like.device());
        let weight = Tensor::full([channels, 1, 3, 3], 1.0 / 9.0, options);
        Self { dilation, ..Self::new(&weight, &Tensor::zeros([channels], options), 1, (0, 0), channels) }
    }

    /// The same convolution at stride 1, its taps apart, for outputs between those of the strided one. It cannot be
    /// linearised.
    pub fn dense(&self, dilation: i64) -> Self {
        Self { stride: 1, dilation, padding: self.padding * dilation, ..self.share() }
    }

    /// Zeros that TensorFlow's "same" padding adds before and after an input of side `input`.
    pub fn same_padding(input: i64, kernel: i64, stride: i64) -> (i64, i64) {
        let total = (((input + stride - 1) / stride - 1) * stride + kernel - input).max(0);
        (total / 2, total - total / 2)
    }

    /// The same convolution, its weights shared: tensors cannot be lent to other threads, only given.
    pub fn share(&self) -> Self {
        let adjoint = match &self.adjoint {
            Adjoint::Convolution { weight, padding } => {
                Adjoint::Convolution { weight: weight.shallow_clone(), padding: *padding }
            }
            Adjoint::Transposed => Adjoint::Transposed,
            Adjoint::Phases(phases) => Adjoint::Phases(phases.iter().map(Phase::share).collect()),
        };
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), adjoint, ..*self }
    }

    /// The output for an input; without its bias it is the derivative's.
    pub fn run(&self, input: &Tensor, bias: Option<&Tensor>) -> Tensor {
        input.conv2d(&self.weight, bias, [self.stride; 2], [self.padding; 2], [self.dilation; 2], self.groups)
    }

    /// The adjoint: from a gradient at the output to one at the input, whose side is given.
    pub fn backward(&self, gradient: &Tensor, input_side: i64) -> Tensor {
        match &self.adjoint {
            Adjoint::Convolution { weight, padding } => {
                gradient.conv2d(weight, None::<&Tensor>, [1, 1], [*padding; 2], [1, 1], self.groups)
            }
            Adjoint::Phases(phases) => {
                let (samples, channels) =
                    (gradient.size()[0], phases.first().map_or(0, |phase| phase.weight.size()[0]));
                let shape = [samples, input_side, input_side, channels];
                let input = Tensor::empty(shape, (gradient.kind(), gradient.device())).permute([0, 3, 1, 2]);
                for phase in phases {
                    phase.write(gradient, self.groups, &input);
                }
                input
            }
            Adjoint::Transposed => {
                // Rows and columns at the end that no window reached get a gradient of zero.
                let reached = (gradient.size()[2] - 1) * self.stride + self.weight.size()[2] - 2 * self.padding;
                gradient.conv_transpose2d(
                    &self.weight,
                    None::<&Tensor>,
                    [self.stride; 2],
                    [self.padding; 2],
                    [input_side - reached; 2],
                    self.groups,
                    [1, 1],
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn four_parts_make_a_transposed_convolution() {
        for (kernel, padding, groups, side) in
            [(4, 1, 6, 12), (3, 1, 6, 12), (6, 2, 6, 13), (5, 0, 1, 25), (4, 1, 1, 8)]
        {
            let options = (Kind::Double, Device::Cpu);
            let weight = Tensor::randn([6, if groups == 1 { 5 } else { 1 }, kernel, kernel], options);
            let input =
                Tensor::randn([2, if groups == 1 { 5 } else { 6 }, side, side], options).set_requires_grad(true);
            let output = input.conv2d(&weight, None::<&Tensor>, [2, 2], [padding, padding], [1, 1], groups);
            let gradient = output.randn_like().detach();
            let product = (&output * &gradient).sum(Kind::Double);
            let expected = &Tensor::run_backward(&[&product], &[&input], false, false)[0];
            let found = input.detach().zeros_like();
            for phase in Phase::all(&weight, padding, groups) {
                phase.write(&gradient, groups, &found);
            }
            let error = ((&found - expected).norm() / expected.norm()).double_value(&[]);
            assert!(error < 1e-12, "kernel {kernel}, padding {padding}, side {side}: {error:.1e}");
        }
    }
}

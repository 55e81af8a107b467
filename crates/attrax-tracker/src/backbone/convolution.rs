//! Convolutions with frozen weights, and their adjoints.

use tch::{Kind, Tensor};

use crate::plan::Plan;

/// A convolution with frozen weights, and what its adjoint needs.
///
/// On the CPU everything is in channels-last memory order, which is fastest there. On a GPU it is
/// not: for each new shape of its input, cuDNN takes a quarter of a second to plan a depthwise
/// convolution in channels-last order. In the usual order libtorch has its own kernels for those,
/// and convolutions of one pixel are matrix products.
#[derive(Debug)]
pub(super) struct Convolution {
    pub weight: Tensor,
    pub bias: Tensor,
    adjoint: Adjoint,
    pub stride: i64,
    /// Zeros around the input.
    pub padding: i64,
    /// Pixels between the taps of the kernel.
    pub dilation: i64,
    groups: i64,
    /// Whether a GPU may use TF32 (10-bit mantissa).
    rounded: bool,
}

#[derive(Debug)]
enum Adjoint {
    /// At stride 1 the adjoint is itself a convolution: channels exchanged, kernel rotated by 180
    /// degrees.
    Convolution { weight: Tensor, padding: i64 },
    /// Otherwise a transposed convolution with the same weights.
    Transposed,
    /// At stride 2 that is also four convolutions at stride 1, one for the even and odd rows and
    /// columns each, of every second tap. libtorch has no fast transposed convolution in bfloat16
    /// for the CPU.
    Phases(Vec<Phase>),
    /// On a GPU a convolution of one pixel is a product with a matrix `(1, out, in)`, its adjoint
    /// one with the transposed matrix; and the bias, `(1, out, 1)`.
    Product { matrix: Tensor, transposed: Tensor, bias: Tensor },
}

/// One of four interleaved parts of the adjoint of a convolution at stride 2.
#[derive(Debug)]
struct Phase {
    /// First row and column of the part.
    start: [i64; 2],
    /// Every second tap, rotated by 180 degrees, channels exchanged.
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
            weight: arranged(&taps(&taps(&exchanged, 2, row), 3, column).flip([2, 3])),
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

/// The same values in the memory order that is fastest on their device: channels-last on the CPU.
pub(super) fn arranged(tensor: &Tensor) -> Tensor {
    Plan::of(tensor).arranged(tensor)
}

impl Convolution {
    /// A convolution of weights `(out, in / groups, k, k)` and bias `(out)`; `padding` zeros before
    /// and, if a window reaches them, after.
    pub fn new(weight: &Tensor, bias: &Tensor, stride: i64, padding: i64, groups: i64) -> Self {
        Self::arrange(weight, bias, stride, padding, groups, Plan::of(weight).gpu)
    }

    /// The same, as it is best on a GPU or on the CPU.
    fn arrange(weight: &Tensor, bias: &Tensor, stride: i64, padding: i64, groups: i64, on_gpu: bool) -> Self {
        let kernel = weight.size()[2];
        let adjoint = if on_gpu && stride == 1 && kernel == 1 && groups == 1 {
            let matrix = weight.flatten(1, 3).unsqueeze(0);
            Adjoint::Product { transposed: matrix.transpose(1, 2).contiguous(), bias: bias.view([1, -1, 1]), matrix }
        } else if stride == 1 {
            let turned = weight.flip([2, 3]);
            let exchanged = if groups == 1 { turned.transpose(0, 1) } else { turned };
            Adjoint::Convolution { weight: arranged(&exchanged), padding: kernel - 1 - padding }
        } else if !on_gpu && stride == 2 && weight.kind() == Kind::BFloat16 {
            Adjoint::Phases(Phase::all(weight, padding, groups))
        } else {
            Adjoint::Transposed
        };
        let (weight, bias) = (arranged(weight), bias.shallow_clone());
        Self { weight, bias, adjoint, stride, padding, dilation: 1, groups, rounded: false }
    }

    /// The mean of each 3 x 3 window, stride 1, as a convolution; `like` gives device and
    /// precision.
    pub fn mean(channels: i64, dilation: i64, like: &Tensor) -> Self {
        let options = (like.kind(), like.device());
        let weight = Tensor::full([channels, 1, 3, 3], 1.0 / 9.0, options);
        Self { dilation, ..Self::new(&weight, &Tensor::zeros([channels], options), 1, 0, channels) }
    }

    /// The same convolution at stride 1, its taps apart, for outputs between those of the strided
    /// one. It cannot be linearised.
    pub fn dense(&self, dilation: i64) -> Self {
        Self { stride: 1, dilation, padding: self.padding * dilation, ..self.share() }
    }

    /// The middle of the first window, and how far two windows are apart, in pixels of the input.
    pub fn cells(&self) -> (f64, f64) {
        (self.weight.size()[2] as f64 / 2.0 - self.padding as f64, self.stride as f64)
    }

    /// Whether there are zeros around the input.
    pub fn pads(&self) -> bool {
        self.padding > 0
    }

    /// Whether it is a product with a matrix at each pixel.
    pub fn is_product(&self) -> bool {
        self.groups == 1 && self.weight.size()[2] == 1 && self.stride == 1 && self.padding == 0
    }

    /// Whether it is depthwise.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.weight.size()[..2] == [self.groups, 1]
    }

    /// Allows TF32 on a GPU.
    pub fn round(&mut self) {
        self.rounded = true;
    }

    /// Zeros that TensorFlow's "same" padding adds after an input of side `input`: before it as
    /// many or one less.
    pub fn same_padding(input: i64, kernel: i64, stride: i64) -> i64 {
        let total = (((input + stride - 1) / stride - 1) * stride + kernel - input).max(0);
        total - total / 2
    }

    /// The same convolution, its weights shared: tensors cannot be lent to other threads, only
    /// given.
    pub fn share(&self) -> Self {
        let adjoint = match &self.adjoint {
            Adjoint::Convolution { weight, padding } => {
                Adjoint::Convolution { weight: weight.shallow_clone(), padding: *padding }
            }
            Adjoint::Transposed => Adjoint::Transposed,
            Adjoint::Product { matrix, transposed, bias } => Adjoint::Product {
                matrix: matrix.shallow_clone(),
                transposed: transposed.shallow_clone(),
                bias: bias.shallow_clone(),
            },
            Adjoint::Phases(phases) => Adjoint::Phases(phases.iter().map(Phase::share).collect()),
        };
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), adjoint, ..*self }
    }

    /// The output for an input; without its bias it is the derivative's.
    pub fn run(&self, input: &Tensor, bias: Option<&Tensor>) -> Tensor {
        if let Adjoint::Product { matrix, bias: column, .. } = &self.adjoint {
            return product(matrix, input, bias.map(|_| column));
        }
        self.convolve(input, &self.weight, bias, self.stride, self.padding, self.dilation)
    }

    /// The adjoint: from a gradient at the output to one at the input, whose side is given.
    pub fn backward(&self, gradient: &Tensor, input_side: i64) -> Tensor {
        match &self.adjoint {
            Adjoint::Convolution { weight, padding } => self.convolve(gradient, weight, None, 1, *padding, 1),
            Adjoint::Product { transposed, .. } => product(transposed, gradient, None),
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
            Adjoint::Transposed => self.spread(gradient, input_side),
        }
    }

    fn convolve(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: i64,
        padding: i64,
        dilation: i64,
    ) -> Tensor {
        let (stride, padding, dilation, zero) = ([stride; 2], [padding; 2], [dilation; 2], [0; 2]);
        let plan = Plan::of(input);
        if plan.cuda && self.groups > 1 && self.groups == weight.size()[0] {
            let kernel = [weight.size()[2]; 2];
            return input.internal_conv_depthwise2d(weight, kernel, bias, stride, padding, dilation);
        }
        if plan.gpu && !self.rounded {
            // The operator that `conv2d` calls. Its last flag is about rounding; the others are as
            // in `conv2d`.
            return input.internal_convolution(
                weight,
                bias,
                stride,
                padding,
                dilation,
                false,
                zero,
                self.groups,
                false,
                false,
                true,
                false,
            );
        }
        input.conv2d(weight, bias, stride, padding, dilation, self.groups)
    }

    /// A transposed convolution to an output of a side at least as large as given: rows and columns
    /// at the end that no window reached get a gradient of zero.
    fn spread(&self, gradient: &Tensor, side: i64) -> Tensor {
        let reached = (gradient.size()[2] - 1) * self.stride + self.weight.size()[2] - 2 * self.padding;
        let (stride, padding, missing, dilation) =
            ([self.stride; 2], [self.padding; 2], [(side - reached).max(0); 2], [1; 2]);
        if Plan::of(gradient).gpu && !self.rounded {
            return gradient.internal_convolution(
                &self.weight,
                None::<&Tensor>,
                stride,
                padding,
                dilation,
                true,
                missing,
                self.groups,
                false,
                false,
                true,
                false,
            );
        }
        gradient.conv_transpose2d(&self.weight, None::<&Tensor>, stride, padding, missing, self.groups, dilation)
    }
}

/// Matrices `(1, out, in)` times each pixel's channels, `(n, in, height, width)` in the usual
/// memory order, and a bias `(1, out, 1)`.
pub(super) fn product(matrix: &Tensor, input: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let size = input.size();
    let (matrices, pixels) = (matrix.expand([size[0], -1, -1], false), input.contiguous().flatten(2, 3));
    let output = match bias {
        Some(bias) => bias.baddbmm(&matrices, &pixels, 1.0, 1.0),
        None => matrices.bmm(&pixels),
    };
    output.view([size[0], -1, size[2], size[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn what_is_best_on_a_gpu_computes_the_same() {
        // Kernel, stride, zeros before, depthwise, side: those of the embedded network.
        for (kernel, stride, padding, depthwise, side) in
            [(1, 1, 0, false, 7), (3, 2, 1, true, 12), (5, 2, 2, true, 28), (3, 2, 1, false, 12), (5, 1, 2, true, 7)]
        {
            let options = (Kind::Double, Device::Cpu);
            let groups = if depthwise { 6 } else { 1 };
            let (weight, bias) = (Tensor::randn([6, 6 / groups, kernel, kernel], options), Tensor::randn([6], options));
            let [here, there] =
                [false, true].map(|on_gpu| Convolution::arrange(&weight, &bias, stride, padding, groups, on_gpu));
            let input = Tensor::randn([2, 6, side, side], options);
            let (expected, found) = (here.run(&input, Some(&here.bias)), there.run(&input, Some(&there.bias)));
            assert!((&expected - found).norm().double_value(&[]) < 1e-12 * expected.norm().double_value(&[]));
            let gradient = expected.randn_like();
            let (expected, found) = (here.backward(&gradient, side), there.backward(&gradient, side));
            assert!((&expected - found).norm().double_value(&[]) < 1e-12 * expected.norm().double_value(&[]));
        }
    }

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

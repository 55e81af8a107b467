//! Frozen layers that can be run forward, and then as the linear maps they are around a given input.
//!
//! The convolutions of DAT never change, so around one crop everything behind the first convolution is linear in the
//! gradient: each layer that ran forward leaves behind the linear map ([`Linear`]) of its own derivative, which can be
//! applied to a gradient (backward, the adjoint) or to a perturbation (forward). The attention map takes the first,
//! the derivative of the regulariser with respect to fc4-fc6 the second; neither needs autograd.

use tch::Tensor;

use super::lrn::{Lrn, LrnDerivative};

/// A convolution with frozen weights, and what its adjoint needs.
#[derive(Debug)]
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    adjoint: Adjoint,
    stride: i64,
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
    fn mean(channels: i64, dilation: i64, like: &Tensor) -> Self {
        let options = (like.kind(), like.device());
        let weight = Tensor::full([channels, 1, 3, 3], 1.0 / 9.0, options);
        Self { dilation, ..Self::new(&weight, &Tensor::zeros([channels], options), 1, (0, 0), channels) }
    }

    /// The same convolution at stride 1, its taps apart, for outputs between those of the strided one. It cannot be
    /// linearised.
    fn dense(&self, dilation: i64) -> Self {
        Self { stride: 1, dilation, padding: self.padding * dilation, ..self.share() }
    }

    /// Zeros that TensorFlow's "same" padding adds before and after an input of side `input`.
    pub fn same_padding(input: i64, kernel: i64, stride: i64) -> (i64, i64) {
        let total = (((input + stride - 1) / stride - 1) * stride + kernel - input).max(0);
        (total / 2, total - total / 2)
    }

    /// The same convolution, its weights shared: tensors cannot be lent to other threads, only given.
    fn share(&self) -> Self {
        let adjoint = match &self.adjoint {
            Adjoint::Convolution { weight, padding } => {
                Adjoint::Convolution { weight: weight.shallow_clone(), padding: *padding }
            }
            Adjoint::Transposed => Adjoint::Transposed,
        };
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), adjoint, ..*self }
    }

    fn run(&self, input: &Tensor, bias: Option<&Tensor>) -> Tensor {
        input.conv2d(&self.weight, bias, [self.stride; 2], [self.padding; 2], [self.dilation; 2], self.groups)
    }

    fn backward(&self, gradient: &Tensor, input_side: i64) -> Tensor {
        match &self.adjoint {
            Adjoint::Convolution { weight, padding } => {
                gradient.conv2d(weight, None::<&Tensor>, [1, 1], [*padding; 2], [1, 1], self.groups)
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

/// One layer of a frozen network.
#[derive(Debug)]
pub(super) enum Layer {
    Convolution(Convolution),
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    Lrn(Lrn),
    /// Largest of each 3 x 3 window, stride 2.
    MaxPool,
    /// Largest of each 3 x 3 window at stride 1, its positions so many pixels apart; in dense layers only.
    DenseMaxPool(i64),
    /// Mean of each 3 x 3 window, stride 2.
    AveragePool,
    /// Remembers its input ...
    BranchBegin,
    /// ... which is added here.
    BranchEnd,
}

impl Layer {
    /// The same layer, its weights shared.
    pub fn share(&self) -> Self {
        match self {
            Self::Convolution(convolution) => Self::Convolution(convolution.share()),
            Self::Relu => Self::Relu,
            Self::Relu6 => Self::Relu6,
            Self::Lrn(lrn) => Self::Lrn(lrn.share()),
            Self::MaxPool => Self::MaxPool,
            Self::DenseMaxPool(dilation) => Self::DenseMaxPool(*dilation),
            Self::AveragePool => Self::AveragePool,
            Self::BranchBegin => Self::BranchBegin,
            Self::BranchEnd => Self::BranchEnd,
        }
    }
}

/// The derivative of one layer at the input it was run on.
#[derive(Debug)]
pub(super) enum Linear {
    /// A convolution without its bias, and the side of its input in pixels.
    Convolution(Convolution, i64),
    /// Passes where the layer's output is strictly between 0 and the limit.
    Mask {
        output: Tensor,
        limit: f64,
    },
    Lrn(LrnDerivative),
    /// Where each maximum came from, as positions in the input's plane, and the input.
    MaxPool {
        indices: Tensor,
        input: Tensor,
    },
    /// The pooled input, for its shape only.
    AveragePool {
        input: Tensor,
    },
    BranchBegin,
    BranchEnd,
}

const WINDOW: [i64; 2] = [3, 3];
const STEP: [i64; 2] = [2, 2];

/// The layers for one pass over a window that holds many crops, whose outputs are `step` pixels of the input apart; and
/// how many of those outputs lie between two of the given layers.
///
/// Strides beyond `step` are left out, and the taps of all kernels behind them set apart instead (Holschneider's
/// algorithme a trous): a crop's outputs are then found at every n-th position of the window's, where without padding
/// they are exactly those of the crop alone.
pub(super) fn dense(layers: &[Layer], channels: i64, step: i64) -> (Vec<Layer>, i64) {
    let (mut stride, mut dilation) = (1, 1);
    let mut strided = |by: i64| {
        let before = dilation;
        if stride * by <= step {
            stride *= by
        } else {
            dilation *= by
        }
        (before, stride, dilation)
    };
    let mut result = Vec::with_capacity(layers.len());
    for layer in layers {
        result.push(match layer {
            Layer::Convolution(convolution) => {
                let (before, _, after) = strided(convolution.stride);
                Layer::Convolution(if after > 1 { convolution.dense(before) } else { convolution.share() })
            }
            Layer::MaxPool => match strided(2) {
                (_, _, 1) => Layer::MaxPool,
                (before, ..) => Layer::DenseMaxPool(before),
            },
            Layer::AveragePool => match strided(2) {
                (_, _, 1) => Layer::AveragePool,
                (before, ..) => Layer::Convolution(Convolution::mean(channels, before, &weight_like(layers))),
            },
            other => other.share(),
        });
    }
    (result, strided(1).2)
}

/// A tensor of the network's device and precision.
fn weight_like(layers: &[Layer]) -> Tensor {
    let weight = layers.iter().find_map(|layer| match layer {
        Layer::Convolution(convolution) => Some(convolution.bias.shallow_clone()),
        _ => None,
    });
    weight.unwrap_or_default()
}

/// Runs layers on `input`, and records the derivative of each where `record` is given.
pub(super) fn run(layers: &[Layer], input: &Tensor, mut record: Option<&mut Vec<Linear>>) -> Tensor {
    let mut x = input.shallow_clone();
    let mut branches: Vec<Tensor> = Vec::new();
    let recording = record.is_some();
    let mut keep = |linear: Linear| {
        if let Some(record) = record.as_deref_mut() {
            record.push(linear);
        }
    };
    for (position, layer) in layers.iter().enumerate() {
        match layer {
            Layer::Convolution(convolution) => {
                if recording {
                    keep(Linear::Convolution(convolution.share(), x.size()[2]));
                }
                x = convolution.run(&x, Some(&convolution.bias));
            }
            Layer::Relu | Layer::Relu6 => {
                let limit = if matches!(layer, Layer::Relu) { f64::INFINITY } else { 6.0 };
                // A convolution's output is nobody else's: it may be overwritten, unless it is the caller's.
                let owned = position > 0;
                x = match (owned, limit.is_finite()) {
                    (true, true) => x.clamp_(0.0, limit),
                    (true, false) => x.relu_(),
                    (false, true) => x.clamp(0.0, limit),
                    (false, false) => x.relu(),
                };
                keep(Linear::Mask { output: x.shallow_clone(), limit });
            }
            Layer::Lrn(lrn) => {
                let (output, derivative) = lrn.forward(&x, recording);
                if let Some(derivative) = derivative {
                    keep(Linear::Lrn(derivative));
                }
                x = output;
            }
            Layer::MaxPool => {
                if recording {
                    let (output, indices) = x.max_pool2d_with_indices(WINDOW, STEP, [0, 0], [1, 1], false);
                    keep(Linear::MaxPool { indices, input: x });
                    x = output;
                } else {
                    x = x.max_pool2d(WINDOW, STEP, [0, 0], [1, 1], false);
                }
            }
            Layer::DenseMaxPool(dilation) => x = x.max_pool2d(WINDOW, [1, 1], [0, 0], [*dilation; 2], false),
            Layer::AveragePool => {
                let output = x.avg_pool2d(WINDOW, STEP, [0, 0], false, true, None);
                keep(Linear::AveragePool { input: x });
                x = output;
            }
            Layer::BranchBegin => {
                keep(Linear::BranchBegin);
                branches.push(x.shallow_clone());
            }
            Layer::BranchEnd => {
                keep(Linear::BranchEnd);
                if let Some(branch) = branches.pop() {
                    x = x.g_add_(&branch);
                }
            }
        }
    }
    x
}

/// Applies the adjoint of the recorded maps: from a gradient at the output to one at the input.
pub(super) fn pull_back(maps: &[Linear], gradient: &Tensor) -> Tensor {
    let mut g = gradient.shallow_clone();
    let mut branches: Vec<Tensor> = Vec::new();
    for map in maps.iter().rev() {
        g = match map {
            Linear::Convolution(convolution, side) => convolution.backward(&g, *side),
            Linear::Mask { output, limit } => masked(output, &g, *limit),
            Linear::Lrn(derivative) => derivative.backward(&g),
            Linear::MaxPool { indices, input } => {
                input.max_pool2d_with_indices_backward(&g, WINDOW, STEP, [0, 0], [1, 1], false, indices)
            }
            Linear::AveragePool { input } => input.avg_pool2d_backward(&g, WINDOW, STEP, [0, 0], false, true, None),
            Linear::BranchEnd => {
                branches.push(g.shallow_clone());
                g
            }
            Linear::BranchBegin => match branches.pop() {
                Some(branch) => g.g_add_(&branch),
                None => g,
            },
        };
    }
    g
}

/// Applies the recorded maps: from a perturbation of the input to that of the output, to first order.
pub(super) fn push_forward(maps: &[Linear], perturbation: &Tensor) -> Tensor {
    let mut d = perturbation.shallow_clone();
    let mut branches: Vec<Tensor> = Vec::new();
    for map in maps {
        d = match map {
            Linear::Convolution(convolution, _) => convolution.run(&d, None),
            Linear::Mask { output, limit } => masked(output, &d, *limit),
            Linear::Lrn(derivative) => derivative.forward(&d),
            Linear::MaxPool { indices, .. } => {
                let size = indices.size();
                d.flatten(2, 3).gather(2, &indices.flatten(2, 3), false).view(size.as_slice())
            }
            Linear::AveragePool { .. } => d.avg_pool2d(WINDOW, STEP, [0, 0], false, true, None),
            Linear::BranchBegin => {
                branches.push(d.shallow_clone());
                d
            }
            Linear::BranchEnd => match branches.pop() {
                Some(branch) => d.g_add_(&branch),
                None => d,
            },
        };
    }
    d
}

/// The values where the recorded output is strictly between zero and the limit, zero elsewhere: one pass over memory.
fn masked(output: &Tensor, values: &Tensor, limit: f64) -> Tensor {
    if limit.is_finite() {
        output.hardtanh_backward(values, 0.0, limit)
    } else {
        output.threshold_backward(values, 0.0)
    }
}

//! Frozen layers, and the forward pass that records their derivatives.

use std::sync::Arc;

use tch::Tensor;

use super::block::Block;
use super::convolution::Convolution;
use super::linear::{Linear, STEP, WINDOW, joined};
use super::lrn::Lrn;
use super::stem::run_stem;
use crate::parallel::Workers;
use attrax_kernels::Stem;

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
    /// Largest of each 3 x 3 window at stride 1, its positions some pixels apart; in dense layers
    /// only.
    DenseMaxPool(i64),
    /// Mean of each 3 x 3 window, stride 2.
    AveragePool,
    /// Remembers its input ...
    BranchBegin,
    /// ... which is added here.
    BranchEnd,
    /// The first convolution, by a kernel that turns its input if that is to be.
    Stem(Arc<Stem>),
    /// All layers of an inverted residual block, by a kernel.
    Block(Arc<Block>),
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
            Self::Stem(stem) => Self::Stem(Arc::clone(stem)),
            Self::Block(block) => Self::Block(Arc::clone(block)),
        }
    }
}

/// Runs layers on `input`, and records the derivative of each where `record` is given. Uses the
/// other threads if there are any.
pub(super) fn run(
    layers: &[Layer],
    input: &Tensor,
    mut record: Option<&mut Vec<Linear>>,
    workers: Option<&Workers>,
) -> Tensor {
    let mut x = input.shallow_clone();
    let mut branches: Vec<Tensor> = Vec::new();
    let recording = record.is_some();
    let mut keep = |linear: Linear| {
        if let Some(record) = record.as_deref_mut() {
            record.push(linear);
        }
    };
    // Whether `x` may be overwritten: not while it is the caller's, a recorded map's or the other
    // end of a branch.
    let mut owned = false;
    for layer in layers {
        let before = std::mem::replace(&mut owned, true);
        match layer {
            Layer::Convolution(convolution) => {
                if recording {
                    keep(Linear::Convolution(convolution.share(), x.size()[2]));
                }
                x = convolution.run(&x, Some(&convolution.bias));
            }
            Layer::Relu | Layer::Relu6 => {
                let limit = if matches!(layer, Layer::Relu) { f64::INFINITY } else { 6.0 };
                x = match (before, limit.is_finite()) {
                    (true, true) => x.clamp_(0.0, limit),
                    (true, false) => x.relu_(),
                    (false, true) => x.clamp(0.0, limit),
                    (false, false) => x.relu(),
                };
                if recording {
                    owned = false;
                    keep(Linear::Mask { output: x.shallow_clone(), limit });
                }
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
                owned = false;
                branches.push(x.shallow_clone());
            }
            Layer::BranchEnd => {
                keep(Linear::BranchEnd);
                x = joined(x, branches.pop(), before);
            }
            Layer::Stem(stem) => {
                keep(Linear::Stem);
                x = run_stem(stem, &x, workers);
            }
            Layer::Block(block) if recording => {
                let (output, passed) = block.record(&x);
                keep(Linear::Block(passed));
                x = output;
            }
            Layer::Block(block) => x = block.run(&x, workers),
        }
    }
    x
}

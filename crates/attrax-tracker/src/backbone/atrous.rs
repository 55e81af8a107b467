//! The layers for windows that hold many crops.

use tch::Tensor;

use super::convolution::Convolution;
use super::layers::Layer;

/// The layers for one pass over a window that holds many crops, whose outputs are `step` pixels of
/// the input apart; and the number of those outputs from one output of the given layers to the
/// next.
///
/// Strides beyond `step` are left out, and the taps of all later kernels are dilated instead
/// (Holschneider's algorithme a trous): a crop's outputs are then found at every n-th position of
/// the window's, where without padding they are exactly those of the crop alone.
pub(super) fn dense(layers: &[Layer], channels: i64, step: i64) -> (Vec<Layer>, i64) {
    let (mut stride, mut dilation) = (1, 1);
    let mut strided = |by: i64| {
        let before = dilation;
        if stride * by <= step {
            stride *= by;
        } else {
            dilation *= by;
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

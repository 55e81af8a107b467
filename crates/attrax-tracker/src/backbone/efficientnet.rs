//! EfficientNet-Lite0 (Tan & Le, ICML 2019; the Lite variant has `ReLU6` and no
//! squeeze-and-excitation) up to its eleventh block, batch norms folded into the convolutions. The
//! weights' metadata has the shapes of the blocks.
//!
//! 112 x 112 x 3 -> 56 x 56 x 32 at the stem -> 7 x 7 x 112 at stride 16, averaged to 3 x 3: 1,008
//! features.

use super::convolution::Convolution;
use super::layers::Layer;
use super::network::{Adapter, Network, STRIDES};
use super::shapes::BlockShape;
use super::{Backbone, Parameters};
use crate::plan::Plan;
use crate::{CropFormat, Resampling, TrackerError};

/// Name of the architecture.
pub(super) const NAME: &str = "efficientnet-lite0";

/// Side of the crop, pixels.
const SIDE: i64 = 112;

/// Side of the planes of a block, pixels, from which on few crops go through it at a time.
const LARGE: i64 = 28;

/// Brings the features' norm to about 60, where the published learning rates work.
const GAIN: f64 = 0.5;

/// The network.
pub(super) fn build(parameters: &Parameters) -> Result<Backbone, TrackerError> {
    let convolution = |name: &str, shape: [i64; 4], side: i64, stride: i64, groups: i64| {
        let weight = parameters.tensor(&format!("{name}.weight"), &shape)?.flip([2, 3]);
        let bias = parameters.tensor(&format!("{name}.bias"), &shape[..1])?;
        // Rotated, the padding after is before.
        let padding = Convolution::same_padding(side, shape[2], stride);
        Ok::<_, TrackerError>(Layer::Convolution(Convolution::new(&weight, &bias, stride, padding, groups)))
    };
    let mut layers = vec![convolution("stem", [32, 3, 3, 3], SIDE, 2, 1)?, Layer::Relu6];
    let (mut channels, mut side, mut front) = (0, SIDE / 2, 0);
    // The first convolution's output, and the last output of blocks at each other stride.
    let mut cuts = [1; STRIDES.len()];
    for (number, block) in BlockShape::of(parameters)?.into_iter().enumerate() {
        let BlockShape { input, middle, output, kernel, stride } = block;
        let name = |part: &str| format!("blocks.{number}.{part}");
        let planes = side;
        if block.residual() {
            layers.push(Layer::BranchBegin);
        }
        if block.expands() {
            layers.push(convolution(&name("expand"), [middle, input, 1, 1], side, 1, 1)?);
            layers.push(Layer::Relu6);
        }
        layers.push(convolution(&name("depthwise"), [middle, 1, kernel, kernel], side, stride, middle)?);
        layers.push(Layer::Relu6);
        side = (side + stride - 1) / stride;
        layers.push(convolution(&name("project"), [output, middle, 1, 1], side, 1, 1)?);
        if block.residual() {
            layers.push(Layer::BranchEnd);
        }
        channels = output;
        if let Some(place) = STRIDES.iter().skip(1).position(|stride| *stride == SIDE / side) {
            cuts[place + 1] = layers.len();
        }
        if planes >= LARGE {
            front = layers.len();
        }
    }
    layers.push(Layer::AveragePool);
    let format = CropFormat { size: SIDE as usize, mean: 127.0, scale: 1.0 / 128.0, resampling: Resampling::Bilinear };
    let adapter = Adapter { output: (channels, 3), gain: GAIN, kind: parameters.kind(), is_rotated: true };
    let (device, piece) = (parameters.device(), Plan::on(parameters.device()).piece(parameters.kind()));
    Ok(Backbone::of(NAME, format, Network { layers, front, piece, cuts, adapter, input_rotates: false }, device))
}

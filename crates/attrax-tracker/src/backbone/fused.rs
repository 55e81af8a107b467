//! Runs of layers that become one pass of a kernel each.

use std::sync::Arc;

use tch::Kind;

use super::block::{Block, Passes};
use super::convolution::Convolution;
use super::layers::Layer;
use super::stem::stem;
use crate::plan::Plan;
use attrax_kernels::Width;

/// Channels of an input and side of a kernel up to which a first convolution is worth its own
/// kernel.
const FEW: (i64, i64) = (4, 3);

/// The layers with a kernel in place of each run of layers that there is one for; and for each how
/// many layers it stands for.
///
/// `rotated` says whether the first layer's input is still to be rotated: a kernel does that, and
/// nothing else; `passes`, what the blocks are for.
pub(super) fn fused(layers: &[Layer], rotated: bool, width: Option<Width>, passes: Passes) -> Vec<(Layer, usize)> {
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
            _ => block_at(rest, width, passes).map(|(block, count)| (Layer::Block(Arc::new(block)), count)),
        });
        let (layer, count) = kernel.unwrap_or_else(|| (layer.share(), 1));
        fused.push((layer, count));
        rest = &rest[count..];
    }
    fused
}

/// The block at the start of the layers, and the number of layers that it replaces.
fn block_at(layers: &[Layer], width: Width, passes: Passes) -> Option<(Block, usize)> {
    let residual = matches!(layers, [Layer::BranchBegin, ..]);
    let inner = &layers[usize::from(residual)..];
    let (first, depthwise, second, count) = match inner {
        [
            Layer::Convolution(first),
            Layer::Relu6,
            Layer::Convolution(depthwise),
            Layer::Relu6,
            Layer::Convolution(second),
            ..,
        ] => (Some(first), depthwise, second, 5),
        [Layer::Relu6, Layer::Convolution(depthwise), Layer::Relu6, Layer::Convolution(second), ..] => {
            (None, depthwise, second, 4)
        }
        _ => return None,
    };
    let ends = !residual || matches!(inner.get(count), Some(Layer::BranchEnd));
    let fits = first.is_none_or(Convolution::is_product) && depthwise.is_depthwise() && second.is_product();
    if !ends || !fits {
        return None;
    }
    let block = Block::new(first, depthwise, second, (residual, passes), width)?;
    Some((block, count + 2 * usize::from(residual)))
}

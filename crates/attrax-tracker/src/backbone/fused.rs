//! Runs of layers that become one pass of a kernel each.

use std::sync::Arc;

use tch::Kind;

use super::block::Block;
use super::convolution::Convolution;
use super::layers::Layer;
use super::stem::stem;
use crate::plan::Plan;
use attrax_kernels::Width;

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
            _ => block_at(rest, width, linearized).map(|(block, count)| (Layer::Block(Arc::new(block)), count)),
        });
        let (layer, count) = kernel.unwrap_or_else(|| (layer.share(), 1));
        fused.push((layer, count));
        rest = &rest[count..];
    }
    fused
}

/// The block that the layers begin with, and how many of them it stands for; `linearized` says whether derivatives are wanted.
fn block_at(layers: &[Layer], width: Width, linearized: bool) -> Option<(Block, usize)> {
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
    let block = Block::new(first, depthwise, second, (residual, linearized), width)?;
    Some((block, count + 2 * usize::from(residual)))
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

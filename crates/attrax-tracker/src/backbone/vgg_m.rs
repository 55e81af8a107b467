//! VGG-M (Chatfield et al., BMVC 2014) up to its third convolution, the network of MDNet and of
//! DAT.
//!
//! 107 x 107 x 3 -> 51 x 51 x 96 -> 25 x 25 -> 11 x 11 x 256 -> 5 x 5 -> 3 x 3 x 512: 4,608
//! features. Nothing is padded.

use tch::Tensor;

use super::convolution::Convolution;
use super::layers::Layer;
use super::lrn::Lrn;
use super::network::{Adapter, Network};
use super::{Backbone, Parameters};
use crate::plan::Plan;
use crate::{CropFormat, Resampling, TrackerError};

/// Name of the architecture.
pub(super) const NAME: &str = "vgg-m";

/// The layers up to the first pooling, through which few crops go at a time.
const FRONT: usize = 4;

/// The first convolution, the first pooling, the second convolution and the second pooling.
const CUTS: [usize; 4] = [1, 4, 5, 8];

/// The network, with the normalisation that the weights' metadata asks for (`lrn.size`,
/// `lrn.kappa`, `lrn.alpha`, `lrn.beta`); without metadata, that of MatConvNet's VGG-M.
pub(super) fn build(parameters: &Parameters) -> Result<Backbone, TrackerError> {
    let convolution = |name: &str, shape: [i64; 4], stride: i64| {
        let weight = parameters.tensor(&format!("{name}.weight"), &shape)?;
        let bias = parameters.tensor(&format!("{name}.bias"), &shape[..1])?;
        Ok::<_, TrackerError>(Layer::Convolution(Convolution::new(&weight, &bias, stride, 0, 1)))
    };
    let size = parameters.number("lrn.size", 5.0, 1.0..=95.0)?;
    let (kappa, alpha, beta) = (
        parameters.number("lrn.kappa", 2.0, 1e-6..=1e6)?,
        parameters.number("lrn.alpha", 1e-4, 0.0..=1e3)?,
        parameters.number("lrn.beta", 0.75, 0.0..=10.0)?,
    );
    if size.fract() != 0.0 {
        return Err(parameters.problem(format!("the metadata lrn.size = '{size}' is not a whole number")));
    }
    let like: Tensor = parameters.tensor("conv1.bias", &[96])?;
    let lrn = |channels| Layer::Lrn(Lrn::new(channels, size as i64, kappa, alpha, beta, &like));
    let layers = vec![
        convolution("conv1", [96, 3, 7, 7], 2)?,
        Layer::Relu,
        lrn(96),
        Layer::MaxPool,
        convolution("conv2", [256, 96, 5, 5], 2)?,
        Layer::Relu,
        lrn(256),
        Layer::MaxPool,
        convolution("conv3", [512, 256, 3, 3], 1)?,
        Layer::Relu,
    ];
    let format = CropFormat { size: 107, mean: 128.0, scale: 1.0, resampling: Resampling::Bilinear };
    let adapter = Adapter { output: (512, 3), gain: 1.0, kind: parameters.kind(), is_rotated: false };
    let (device, piece) = (parameters.device(), Plan::on(parameters.device()).piece(parameters.kind()));
    Ok(Backbone::of(
        NAME,
        format,
        Network { layers, front: FRONT, piece, cuts: CUTS, adapter, input_rotates: false },
        device,
    ))
}

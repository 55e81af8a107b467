//! The two networks that are measured.

use std::collections::BTreeMap;

use attrax_tracker::internals::backbone::Parameters;
use attrax_tracker::{CropFormat, Resampling};
use tch::{Device, Kind, Tensor};

/// A network that is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// With random weights of its shapes: the published ones are a download.
    VggM,
    /// The embedded one.
    EfficientNet,
}

/// Both networks.
pub const ARCHITECTURES: [Architecture; 2] = [Architecture::VggM, Architecture::EfficientNet];

/// Shapes of VGG-M's convolutions, and deviations of their random biases.
const VGG_M: [(&str, [i64; 4], f64); 3] =
    [("conv1", [96, 3, 7, 7], 0.5), ("conv2", [256, 96, 5, 5], 0.5), ("conv3", [512, 256, 3, 3], 0.2)];

impl Architecture {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::VggM => "vgg-m",
            Self::EfficientNet => "efficientnet-lite0",
        }
    }

    /// How crops for it are made.
    pub fn crop_format(self) -> CropFormat {
        match self {
            Self::VggM => CropFormat { size: 107, mean: 128.0, scale: 1.0, resampling: Resampling::Bilinear },
            Self::EfficientNet => {
                CropFormat { size: 112, mean: 127.0, scale: 1.0 / 128.0, resampling: Resampling::Bilinear }
            }
        }
    }

    /// Number of features of a crop.
    pub fn feature_length(self) -> i64 {
        match self {
            Self::VggM => 4608,
            Self::EfficientNet => 1008,
        }
    }

    /// Its parameters, the same in every process.
    pub fn parameters(self) -> Parameters {
        if self == Self::EfficientNet {
            let file = attrax_tracker::weights::embedded().expect("the embedded weights are whole");
            return Parameters::from_file(&file, Kind::Float, Device::Cpu).expect("and fit their shapes");
        }
        tch::manual_seed(3);
        let normal = |shape: &[i64], deviation: f64| Tensor::randn(shape, (Kind::Float, Device::Cpu)) * deviation;
        let tensors = VGG_M.iter().flat_map(|(name, shape, deviation)| {
            // Small enough that activations stay in their usual range.
            let (weight, bias) = (normal(shape, 0.02), normal(&shape[..1], *deviation));
            [(format!("{name}.weight"), weight), (format!("{name}.bias"), bias)]
        });
        Parameters::new("random", tensors, BTreeMap::new(), Kind::Float, Device::Cpu)
    }
}

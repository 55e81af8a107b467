//! Both networks on libtorch's operators; autograd follows every one of them.

use attrax_tracker::internals::backbone::{BlockShape, Parameters};
use attrax_tracker::{CropFormat, Resampling, TrackerError};
use tch::Tensor;

/// A network: crops `(N, 3, side, side)` in, features `(N, length)` out.
pub enum Network {
    VggM { convolutions: Vec<Weights>, kappa: f64, alpha: f64, beta: f64 },
    EfficientNet { stem: Weights, blocks: Vec<Block> },
}

/// Weights and bias of a convolution.
pub struct Weights(Tensor, Tensor);

/// One inverted bottleneck.
pub struct Block {
    expand: Option<Weights>,
    depthwise: Weights,
    project: Weights,
    stride: i64,
    residual: bool,
}

impl Network {
    /// The network that the parameters are for.
    pub fn new(parameters: &Parameters) -> Result<Self, TrackerError> {
        if parameters.has("stem.weight") { Self::efficientnet(parameters) } else { Self::vgg_m(parameters) }
    }

    /// VGG-M.
    fn vgg_m(parameters: &Parameters) -> Result<Self, TrackerError> {
        let convolutions = vec![
            weights(parameters, "conv1", [96, 3, 7, 7])?,
            weights(parameters, "conv2", [256, 96, 5, 5])?,
            weights(parameters, "conv3", [512, 256, 3, 3])?,
        ];
        Ok(Self::VggM { convolutions, kappa: 2.0, alpha: 1e-4, beta: 0.75 })
    }

    /// EfficientNet-Lite0 up to its eleventh block.
    fn efficientnet(parameters: &Parameters) -> Result<Self, TrackerError> {
        let stem = weights(parameters, "stem", [32, 3, 3, 3])?;
        let block = |(number, shape): (usize, BlockShape)| {
            let BlockShape { input, middle, output, kernel, stride } = shape;
            let part = |part: &str, shape| weights(parameters, &format!("blocks.{number}.{part}"), shape);
            Ok(Block {
                expand: shape.expands().then(|| part("expand", [middle, input, 1, 1])).transpose()?,
                depthwise: part("depthwise", [middle, 1, kernel, kernel])?,
                project: part("project", [output, middle, 1, 1])?,
                stride,
                residual: shape.residual(),
            })
        };
        let blocks = BlockShape::of(parameters)?.into_iter().enumerate().map(block);
        let blocks = blocks.collect::<Result<_, TrackerError>>()?;
        Ok(Self::EfficientNet { stem, blocks })
    }

    /// How crops for it are made.
    pub fn format(&self) -> CropFormat {
        match self {
            Self::VggM { .. } => CropFormat { size: 107, mean: 128.0, scale: 1.0, resampling: Resampling::Bilinear },
            Self::EfficientNet { .. } => {
                CropFormat { size: 112, mean: 127.0, scale: 1.0 / 128.0, resampling: Resampling::Bilinear }
            }
        }
    }

    /// Number of features.
    pub fn feature_length(&self) -> i64 {
        match self {
            Self::VggM { .. } => 4608,
            Self::EfficientNet { .. } => 1008,
        }
    }

    /// The first convolution's output.
    pub fn first(&self, crops: &Tensor) -> Tensor {
        match self {
            Self::VggM { convolutions, .. } => convolutions[0].run(crops, 2),
            Self::EfficientNet { stem, .. } => stem.run_same(crops, 2, 1),
        }
    }

    /// From the first convolution's output to the features.
    pub fn rest(&self, first: &Tensor) -> Tensor {
        let pooled = |x: Tensor| x.max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], false);
        match self {
            Self::VggM { convolutions, kappa, alpha, beta } => {
                let normalised = |x: &Tensor| lrn(&x.relu(), *kappa, *alpha, *beta);
                let x = convolutions[1].run(&pooled(normalised(first)), 2);
                let x = convolutions[2].run(&pooled(normalised(&x)), 1);
                x.relu().flatten(1, 3)
            }
            Self::EfficientNet { blocks, .. } => {
                let x = blocks.iter().fold(first.relu6(), |x, block| block.run(&x));
                x.avg_pool2d([3, 3], [2, 2], [0, 0], false, true, None).flatten(1, 3) * 0.5
            }
        }
    }

    /// Floating-point operations of the convolutions for one crop: those of the first, and those of
    /// the others.
    pub fn operations(&self) -> (f64, f64) {
        match self {
            Self::VggM { convolutions, .. } => {
                let cost = |place: usize, side: i64| convolutions[place].operations(side);
                (cost(0, 51), cost(1, 11) + cost(2, 3))
            }
            Self::EfficientNet { stem, blocks } => {
                let mut side = 56;
                let one = |block: &Block| {
                    let expand = block.expand.as_ref().map_or(0.0, |expand| expand.operations(side));
                    side = (side + block.stride - 1) / block.stride;
                    expand + block.depthwise.operations(side) + block.project.operations(side)
                };
                (stem.operations(56), blocks.iter().map(one).sum())
            }
        }
    }

    /// Features of crops.
    pub fn features(&self, crops: &Tensor) -> Tensor {
        self.rest(&self.first(crops))
    }
}

fn weights(parameters: &Parameters, name: &str, shape: [i64; 4]) -> Result<Weights, TrackerError> {
    let weight = parameters.tensor(&format!("{name}.weight"), &shape)?;
    Ok(Weights(weight, parameters.tensor(&format!("{name}.bias"), &shape[..1])?))
}

impl Weights {
    fn run(&self, x: &Tensor, stride: i64) -> Tensor {
        x.conv2d(&self.0, Some(&self.1), [stride; 2], [0, 0], [1, 1], 1)
    }

    /// Two for each weight and place of an output of `side * side`.
    fn operations(&self, side: i64) -> f64 {
        2.0 * self.0.numel() as f64 * (side * side) as f64
    }

    /// With TensorFlow's "same" padding, which puts the odd zero at the end.
    fn run_same(&self, x: &Tensor, stride: i64, groups: i64) -> Tensor {
        let (input, kernel) = (x.size()[2], self.0.size()[2]);
        let total = (((input + stride - 1) / stride - 1) * stride + kernel - input).max(0);
        let (before, after) = (total / 2, total - total / 2);
        let (x, padding) = if before == after {
            (x.shallow_clone(), before)
        } else {
            (x.constant_pad_nd([before, after, before, after]), 0)
        };
        x.conv2d(&self.0, Some(&self.1), [stride; 2], [padding; 2], [1, 1], groups)
    }
}

impl Block {
    fn run(&self, input: &Tensor) -> Tensor {
        let x = self.expand.as_ref().map_or_else(|| input.shallow_clone(), |expand| expand.run(input, 1).relu6());
        let x = self.depthwise.run_same(&x, self.stride, x.size()[1]).relu6();
        let x = self.project.run(&x, 1);
        if self.residual { x + input } else { x }
    }
}

/// Local response normalisation over five channels, by pooling over the channels: `PyTorch`'s own
/// composition.
fn lrn(x: &Tensor, kappa: f64, alpha: f64, beta: f64) -> Tensor {
    let squares = (x * x).unsqueeze(1);
    let mean = squares.avg_pool3d([5, 1, 1], [1, 1, 1], [2, 0, 0], false, true, None).squeeze_dim(1);
    x / (mean * (5.0 * alpha) + kappa).pow_tensor_scalar(beta)
}

//! The frozen convolutional networks, from crops to features, and their derivative around given crops.

mod efficientnet;
mod layers;
mod lrn;
mod parameters;
mod vgg_m;

use tch::{Device, Tensor};

use self::layers::{Layer, Linear};
pub use self::parameters::Parameters;
use super::{CropFormat, TrackerError};

/// A frozen network: crops `(N, 3, side, side)` in, features `(N, length)` out.
///
/// Its first layer is the convolution whose output the attention maps live on.
#[derive(Debug)]
pub struct Backbone {
    name: &'static str,
    format: CropFormat,
    layers: Vec<Layer>,
    /// Channels and side of the last layer's output.
    output: (i64, i64),
    /// Multiplies the features.
    gain: f64,
    device: Device,
}

/// Crops that go through the network at a time on the CPU: large enough to fill the cores, small enough that the
/// largest activations stay in the last-level cache.
const CPU_CHUNK: i64 = 16;

/// Crops that go through the network at a time on a GPU: bounds its memory.
const GPU_CHUNK: i64 = 256;

impl Backbone {
    /// The network that the parameters are for: the architecture is read from their metadata, or recognised by their
    /// tensors.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if a tensor is missing or misshapen, or if the tensors belong to no known network.
    pub fn new(parameters: &Parameters) -> Result<Self, TrackerError> {
        match parameters.architecture() {
            Some(vgg_m::NAME) => vgg_m::build(parameters),
            Some(efficientnet::NAME) => efficientnet::build(parameters),
            Some(other) => Err(parameters.problem(format!(
                "they are for the network '{other}'; known are {} and {}",
                vgg_m::NAME,
                efficientnet::NAME
            ))),
            None if parameters.has("stem.weight") => efficientnet::build(parameters),
            None => vgg_m::build(parameters),
        }
    }

    /// Name of the architecture: `vgg-m` or `efficientnet-lite0`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How crops for this network are made.
    #[must_use]
    pub fn format(&self) -> CropFormat {
        self.format
    }

    /// Number of features of a crop.
    #[must_use]
    pub fn feature_length(&self) -> i64 {
        self.output.0 * self.output.1 * self.output.1
    }

    /// The device that the network runs on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Features of crops: `(N, 3, side, side)` to `(N, length)`, channel-major.
    #[must_use]
    pub fn features(&self, crops: &Tensor) -> Tensor {
        let chunks: Vec<Tensor> =
            self.chunks(crops).into_iter().map(|chunk| self.flat(&layers::run(&self.layers, &chunk, None))).collect();
        self.join(&chunks)
    }

    /// Runs the crops and keeps the derivative of everything behind the first convolution.
    #[must_use]
    pub fn linearize(&self, crops: &Tensor) -> Linearization<'_> {
        let (first, rest) = self.layers.split_at(1);
        let mut chunks = Vec::new();
        let mut features = Vec::new();
        for chunk in self.chunks(crops) {
            let mut maps = Vec::with_capacity(rest.len());
            let output = layers::run(rest, &layers::run(first, &chunk, None), Some(&mut maps));
            features.push(self.flat(&output));
            chunks.push(Chunk { maps, crops: chunk.size()[0] });
        }
        Linearization { backbone: self, features: self.join(&features), chunks }
    }

    /// Output of the first convolution: `(N, channels, height, width)`, before any rectifier.
    #[must_use]
    pub fn first_convolution(&self, crops: &Tensor) -> Tensor {
        layers::run(&self.layers[..1], crops, None)
    }

    /// Features of an output of the first convolution, by plain operators that autograd can follow.
    #[must_use]
    pub fn features_of_first_convolution(&self, output: &Tensor) -> Tensor {
        self.flat(&layers::run(&self.layers[1..], output, None))
    }

    fn chunks(&self, crops: &Tensor) -> Vec<Tensor> {
        if crops.size()[0] == 0 {
            return Vec::new();
        }
        crops.split(if self.device.is_cuda() { GPU_CHUNK } else { CPU_CHUNK }, 0)
    }

    fn join(&self, chunks: &[Tensor]) -> Tensor {
        if chunks.is_empty() {
            return Tensor::zeros([0, self.feature_length()], (tch::Kind::Float, self.device));
        }
        Tensor::cat(chunks, 0)
    }

    /// `(N, channels, side, side)` to `(N, length)`.
    fn flat(&self, output: &Tensor) -> Tensor {
        output.contiguous().flatten(1, 3) * self.gain
    }
}

/// The derivative of the features with respect to the first convolution's output, around given crops.
///
/// The crops are held in chunks, which bound the size of the intermediate tensors.
#[derive(Debug)]
pub struct Linearization<'a> {
    backbone: &'a Backbone,
    features: Tensor,
    chunks: Vec<Chunk<'a>>,
}

/// The recorded maps of a few crops.
#[derive(Debug)]
pub struct Chunk<'a> {
    maps: Vec<Linear<'a>>,
    crops: i64,
}

impl<'a> Linearization<'a> {
    /// Features of the crops, `(N, length)`.
    #[must_use]
    pub fn features(&self) -> &Tensor {
        &self.features
    }

    /// The chunks, in the order of the crops.
    #[must_use]
    pub fn chunks(&self) -> &[Chunk<'a>] {
        &self.chunks
    }

    /// From gradients at a chunk's features, `(n, length)`, to gradients at the first convolution's output,
    /// `(n, channels, height, width)`: the transposed Jacobian.
    #[must_use]
    pub fn pull_back(&self, chunk: &Chunk<'_>, gradient: &Tensor) -> Tensor {
        let (channels, side) = self.backbone.output;
        let shaped = (gradient * self.backbone.gain).view([chunk.crops, channels, side, side]);
        layers::pull_back(&chunk.maps, &layers::channels_last(&shaped))
    }

    /// From perturbations of the first convolution's output, `(n, channels, height, width)`, to those of the
    /// features, `(n, length)`: the Jacobian.
    #[must_use]
    pub fn push_forward(&self, chunk: &Chunk<'_>, perturbation: &Tensor) -> Tensor {
        self.backbone.flat(&layers::push_forward(&chunk.maps, perturbation))
    }
}

impl Chunk<'_> {
    /// Number of crops in the chunk.
    #[must_use]
    pub fn crops(&self) -> i64 {
        self.crops
    }
}

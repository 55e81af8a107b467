//! The frozen convolutional networks, from crops to features, and their derivative around given
//! crops.

mod atrous;
mod block;
mod convolution;
mod dense;
mod efficientnet;
mod fused;
mod layers;
mod linear;
mod linearization;
mod lrn;
mod network;
mod parameters;
mod planes;
mod shapes;
mod stem;
mod vgg_m;

use std::ops::Range;
use std::sync::Arc;

use tch::{Device, Kind, Tensor};

use self::block::Passes;
pub use self::dense::{Dense, View};
use self::layers::Layer;
pub use self::linearization::Linearization;
use self::network::{Chunk, Network, STRIDES};
pub use self::parameters::Parameters;
#[cfg(feature = "internals")]
pub use self::shapes::BlockShape;
use super::crops::{covered_part, crop_each};
use super::parallel::Workers;
use super::plan::Plan;
use super::{BoundingBox, CropFormat, Frame, TrackerError};
use crate::config::Resampling;

/// A frozen network: crops `(N, 3, side, side)` in, features `(N, length)` out.
///
/// Its first layer is the convolution whose output the attention maps cover.
#[derive(Debug)]
pub struct Backbone {
    name: &'static str,
    format: CropFormat,
    /// The network as it runs.
    network: Network,
    /// Its layers one by one, for windows and for autograd.
    plain: Vec<Layer>,
    device: Device,
    workers: Arc<Workers>,
    /// Precision that samples are ranked in by their features.
    ranking: Kind,
    /// Precision of the products in passes over windows, if attrax has kernels for them.
    products: Kind,
}

/// Feature planes of a box and its surroundings.
pub(crate) struct Planes {
    /// The front layers' output, `(1, channels, size / 8, size / 8)` for `EfficientNet`.
    pub fine: Tensor,
    /// The input of the pooling, `(1, channels, size / 16, size / 16)`.
    pub last: Tensor,
    /// The part of the frame that they cover.
    pub part: BoundingBox,
}

impl Backbone {
    /// The network that the parameters are for: the architecture is read from their metadata, or
    /// recognised by their tensors.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if a tensor is missing or misshapen, or if the tensors belong to
    /// no known network.
    pub fn new(parameters: &Parameters) -> Result<Self, TrackerError> {
        match parameters.architecture() {
            Some(vgg_m::NAME) => vgg_m::build(parameters),
            Some(efficientnet::NAME) => efficientnet::build(parameters),
            Some(other) => Err(parameters.problem(format!(
                "they are for the network '{}'; known are {} and {}",
                other.escape_debug(),
                vgg_m::NAME,
                efficientnet::NAME
            ))),
            None if parameters.has("stem.weight") => efficientnet::build(parameters),
            None => vgg_m::build(parameters),
        }
    }

    /// A network of a name, its layers one by one.
    fn of(name: &'static str, format: CropFormat, network: Network, device: Device) -> Self {
        let ranking = network.adapter.kind;
        Self {
            name,
            format,
            network: network.fused(Passes::Linearized),
            plain: network.layers,
            device,
            workers: Workers::new(1),
            ranking,
            products: Kind::Float,
        }
    }

    /// The same network for another thread; weights and threads are shared.
    pub(crate) fn share(&self) -> Self {
        Self {
            network: self.network.share(),
            plain: self.plain.iter().map(Layer::share).collect(),
            workers: Arc::clone(&self.workers),
            ..*self
        }
    }

    /// The embedded network, in float32 on the CPU.
    #[cfg(test)]
    pub(crate) fn embedded() -> Self {
        let file = crate::weights::embedded().unwrap();
        Self::new(&Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap()).unwrap()
    }

    /// The same network on another number of threads; it starts with one. On a GPU there is always
    /// one.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.workers = Workers::new(Plan::on(self.device).threads(threads));
        self
    }

    /// The same network, whose convolutions may use TF32 (10-bit mantissa) on a GPU that is faster
    /// with it.
    #[must_use]
    pub fn with_rounding(mut self) -> Self {
        for layer in self.network.layers.iter_mut().chain(&mut self.plain) {
            if let Layer::Convolution(convolution) = layer {
                convolution.round();
            }
        }
        self
    }

    /// The same network with crops that are made so.
    #[must_use]
    pub fn with_resampling(mut self, resampling: Resampling) -> Self {
        self.format.resampling = resampling;
        self
    }

    /// The threads.
    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
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
        self.network.adapter.output.0 * self.cells()
    }

    /// Cells of the grid that the features cover: they are channel-major, `feature_length() /
    /// cells()` channels of `cells()` cells.
    #[must_use]
    pub fn cells(&self) -> i64 {
        self.network.adapter.output.1.pow(2)
    }

    /// The same network, by whose features samples are ranked in this precision.
    #[must_use]
    pub(crate) fn with_ranking(mut self, ranking: Kind) -> Self {
        self.ranking = ranking;
        self
    }

    /// The same network, in whose passes over windows the kernels multiply in this precision.
    #[must_use]
    pub(crate) fn with_products(mut self, products: Kind) -> Self {
        self.products = products;
        self
    }

    /// Precision that samples are ranked in by their features.
    pub(crate) fn ranking(&self) -> Kind {
        self.ranking
    }

    /// Whether attrax has kernels for the network on this processor.
    pub(crate) fn has_kernels(&self) -> bool {
        self.network.layers.iter().any(|layer| matches!(layer, Layer::Block(_)))
    }

    /// The device that the network runs on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Features of boxes of one frame: `(boxes, features)`.
    pub fn describe_in(&self, frame: &Frame, boxes: &[BoundingBox]) -> Tensor {
        self.describe(&boxes.iter().map(|region| (frame, *region)).collect::<Vec<_>>())
    }

    /// Features of boxes in frames: `(boxes, length)`.
    pub fn describe(&self, boxes: &[(&Frame, BoundingBox)]) -> Tensor {
        let (format, device) = (self.format, self.device);
        let chunks = self.parts(boxes.len()).map(|part| &boxes[part]).collect();
        self.join(&self.each(chunks, |network, chunk: &[(&Frame, BoundingBox)]| {
            network.features(chunk.chunks(network.piece as usize).map(|piece| crop_each(piece, format, device)))
        }))
    }

    /// The feature planes of a box and its surroundings in a crop of `size` pixels a side, at the
    /// resolution of the network's own crops.
    pub(crate) fn planes(&self, frame: &Frame, region: BoundingBox, size: usize) -> Planes {
        let share = size as f64 / self.format.size as f64;
        let whole = BoundingBox::from_centre(region.centre(), region.width * share, region.height * share);
        let format = CropFormat { size, ..self.format };
        let crop = crop_each(&[(frame, whole)], format, self.device);
        let (fine, last) = tch::no_grad(|| self.network.unpooled(&crop));
        Planes { fine, last, part: covered_part(whole, format) }
    }

    /// Features of crops: `(N, 3, side, side)` to `(N, length)`, channel-major.
    #[cfg(any(test, feature = "internals"))]
    pub fn features(&self, crops: &Tensor) -> Tensor {
        self.join(&self.each(self.split(crops), |network, chunk: Tensor| network.features(network.pieces(&chunk))))
    }

    /// Cuts the crops of boxes in frames, runs them, and keeps the derivative of everything after
    /// the first convolution.
    #[must_use]
    pub fn linearize_boxes(&self, boxes: &[(&Frame, BoundingBox)]) -> Linearization {
        let (format, device) = (self.format, self.device);
        let chunks = self.parts(boxes.len()).map(|part| &boxes[part]).collect();
        self.linearization(self.each(chunks, |network, chunk: &[(&Frame, BoundingBox)]| {
            network.linearize(chunk.chunks(network.piece as usize).map(|piece| crop_each(piece, format, device)))
        }))
    }

    /// Runs the crops and keeps the derivative of everything after the first convolution.
    #[must_use]
    pub fn linearize(&self, crops: &Tensor) -> Linearization {
        let linearize = |network: &Network, chunk: Tensor| network.linearize(network.pieces(&chunk));
        self.linearization(self.each(self.split(crops), linearize))
    }

    /// The derivative of the features of `crops` crops with respect to planes of this stride, if it
    /// is the same for all crops: then no crop goes through the network.
    pub(crate) fn linearize_pooling(&self, stride: usize, crops: i64) -> Option<Linearization> {
        let is_last = STRIDES.last() == Some(&(stride as i64));
        let like = (self.network.adapter.kind, self.device);
        let chunk = is_last.then(|| self.network.linearize_pooling(crops, like)).flatten()?;
        let features = Tensor::zeros([crops, self.feature_length()], (Kind::Float, self.device));
        Some(self.linearization(vec![(features, chunk)]))
    }

    /// Output of the first convolution: `(N, channels, height, width)`, before the `ReLU`.
    #[cfg(any(test, feature = "internals"))]
    pub fn first_convolution(&self, crops: &Tensor) -> Tensor {
        let adapter = self.network.adapter;
        adapter.rotated(&layers::run(&self.plain[..1], &adapter.input(crops), None, None))
    }

    /// Features of an output of the first convolution, by plain operators that autograd can follow.
    #[cfg(any(test, feature = "internals"))]
    pub fn features_of_first_convolution(&self, output: &Tensor) -> Tensor {
        let adapter = self.network.adapter;
        adapter.features(&layers::run(&self.plain[1..], &adapter.rotated(output), None, None))
    }

    /// The first convolution's output positions in a crop, `side` cells along each axis: the middle
    /// of the first cell and how far two cells are apart, pixels of the crop.
    pub(crate) fn first_cells(&self, side: i64) -> (f64, f64) {
        let adapter = self.network.adapter;
        let Some(Layer::Convolution(first)) = self.plain.first() else { return (0.5, 1.0) };
        let (middle, step) = first.cells();
        let last = middle + (side - 1) as f64 * step;
        (if adapter.is_rotated { self.format.size as f64 - last } else { middle }, step)
    }

    /// Whether the network puts zeros around what it sees: then a crop's features depend on where
    /// it ends.
    pub(crate) fn pads(&self) -> bool {
        self.plain.iter().any(|layer| matches!(layer, Layer::Convolution(convolution) if convolution.pads()))
    }

    /// The chunks in which `crops` crops go through the network.
    fn parts(&self, crops: usize) -> impl Iterator<Item = Range<usize>> {
        let chunks = Plan::on(self.device).chunks(crops);
        (0..chunks).map(move |chunk| chunk * crops / chunks..(chunk + 1) * crops / chunks)
    }

    fn split(&self, crops: &Tensor) -> Vec<Tensor> {
        let narrow = |part: Range<usize>| crops.narrow(0, part.start as i64, part.len() as i64);
        self.parts(crops.size()[0] as usize).map(narrow).collect()
    }

    /// Runs chunks of crops on the network's threads. Each gets the layers for itself, since a
    /// tensor cannot be lent to another thread; their weights stay where they are.
    fn each<I: Send, R: Send>(&self, chunks: Vec<I>, run: impl Fn(&Network, I) -> R + Sync) -> Vec<R> {
        let items = chunks.into_iter().map(|chunk| (self.network.share(), chunk)).collect();
        self.workers.map(items, |(network, chunk): (Network, I)| tch::no_grad(|| run(&network, chunk)))
    }

    fn linearization(&self, chunks: Vec<(Tensor, Chunk)>) -> Linearization {
        let (features, chunks): (Vec<Tensor>, Vec<Chunk>) = chunks.into_iter().unzip();
        Linearization {
            features: self.join(&features),
            chunks,
            adapter: self.network.adapter,
            cuts: self.network.cuts,
            workers: Arc::clone(&self.workers),
            together: Plan::on(self.device).gpu,
        }
    }

    fn join(&self, chunks: &[Tensor]) -> Tensor {
        if chunks.is_empty() {
            return Tensor::zeros([0, self.feature_length()], (Kind::Float, self.device));
        }
        Tensor::cat(chunks, 0)
    }
}

//! A network as the linear map that it is around given crops, applied forward and backward.

use std::sync::Arc;

use tch::{Kind, Tensor};

use super::convolution::arranged;
use super::layers::{self, Linear};
use super::{flat, widened};
use crate::tracker::parallel::Workers;
use crate::tracker::profile::{self, Stage};

/// The derivative of the features with respect to the first convolution's output, around given crops.
///
/// The crops are held in chunks, which bound the size of the intermediate tensors and are shared among threads.
#[derive(Debug)]
pub struct Linearization {
    pub(super) features: Tensor,
    pub(super) chunks: Vec<Chunk>,
    /// Channels and side of the last layer's output.
    pub(super) output: (i64, i64),
    pub(super) gain: f64,
    pub(super) kind: Kind,
    pub(super) workers: Arc<Workers>,
    /// Whether the classes of a chunk go through the maps as one: half as many operations, each twice as large.
    pub(super) together: bool,
}

/// The recorded maps of a few crops.
#[derive(Debug)]
pub(super) struct Chunk {
    pub maps: Vec<Linear>,
    pub crops: i64,
}

impl Linearization {
    /// Features of the crops, `(N, length)`.
    pub fn features(&self) -> &Tensor {
        &self.features
    }

    /// Crops in each chunk.
    #[must_use]
    pub fn chunk_sizes(&self) -> Vec<i64> {
        self.chunks.iter().map(|chunk| chunk.crops).collect()
    }

    /// The transposed Jacobian: from gradients at the features, `(n, length)` for each chunk, to gradients at the first
    /// convolution's output, `(n, channels, height, width)`, to each of which `then` is applied.
    ///
    /// `gradients` holds several for each chunk, one for each class.
    pub(in crate::tracker) fn pull_back<R: Send>(
        &mut self,
        gradients: Vec<Vec<Tensor>>,
        then: impl Fn(Tensor) -> R + Sync,
    ) -> Vec<Vec<R>> {
        let ((channels, side), gain, kind, together) = (self.output, self.gain, self.kind, self.together);
        let items = self.chunks.iter_mut().zip(gradients).collect();
        self.workers.map(items, |(chunk, gradients): (&mut Chunk, Vec<Tensor>)| {
            let _span = profile::span(Stage::Attention);
            let pull = |gradient: Tensor| {
                let shaped = (gradient * gain).to_kind(kind).view([-1, channels, side, side]);
                widened(layers::pull_back(&chunk.maps, arranged(&shaped)))
            };
            tch::no_grad(|| at_once(together, gradients, pull).into_iter().map(&then).collect())
        })
    }

    /// The Jacobian: from perturbations of the first convolution's output, which `make` gives, to those of the features,
    /// `(n, length)`. `perturbations` holds several for each chunk, one for each class.
    pub(in crate::tracker) fn push_forward<T: Send>(
        &mut self,
        perturbations: Vec<Vec<T>>,
        make: impl Fn(T) -> Tensor + Sync,
    ) -> Vec<Vec<Tensor>> {
        let (gain, kind, together) = (self.gain, self.kind, self.together);
        let items = self.chunks.iter_mut().zip(perturbations).collect();
        self.workers.map(items, |(chunk, perturbations): (&mut Chunk, Vec<T>)| {
            let _span = profile::span(Stage::Attention);
            let push =
                |perturbation: Tensor| flat(&layers::push_forward(&chunk.maps, perturbation.to_kind(kind)), gain);
            tch::no_grad(|| at_once(together, perturbations.into_iter().map(&make), push))
        })
    }
}

/// Applies a linear map of each sample to several batches: one by one, or as one batch.
fn at_once(together: bool, batches: impl IntoIterator<Item = Tensor>, map: impl Fn(Tensor) -> Tensor) -> Vec<Tensor> {
    if !together {
        return batches.into_iter().map(map).collect();
    }
    let batches: Vec<Tensor> = batches.into_iter().collect();
    map(Tensor::cat(&batches, 0)).chunk(batches.len() as i64, 0)
}

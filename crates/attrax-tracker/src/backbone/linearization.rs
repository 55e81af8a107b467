//! A network as the linear map that it is around given crops, applied forward and backward.

use std::sync::Arc;

use tch::Tensor;

use super::network::{Adapter, Chunk};
use crate::parallel::Workers;
use crate::profile::{self, Stage};

/// The derivative of the features with respect to the first convolution's output, around given
/// crops.
///
/// The crops are held in chunks, which bound the size of the intermediate tensors and are shared
/// among threads; and at the first convolution's output each chunk is in pieces of a few crops.
#[derive(Debug)]
pub struct Linearization {
    pub(super) features: Tensor,
    pub(super) chunks: Vec<Chunk>,
    pub(super) adapter: Adapter,
    pub(super) workers: Arc<Workers>,
    /// Whether the classes of a chunk go through the maps as one: half as many operations, each
    /// twice as large.
    pub(super) together: bool,
}

impl Linearization {
    /// Features of the crops, `(N, length)`.
    pub fn features(&self) -> &Tensor {
        &self.features
    }

    /// Crops in each piece.
    #[must_use]
    pub fn piece_sizes(&self) -> Vec<i64> {
        self.chunks.iter().flat_map(|chunk| &chunk.pieces).map(|piece| piece.crops).collect()
    }

    /// The transposed Jacobian: from gradients at the features, `(classes, N, length)`, to
    /// gradients at the first convolution's output, `(n, channels, height, width)` for each piece,
    /// to each of which `then` is applied. Returns the results of each piece, class by class.
    ///
    /// They have the network's orientation, which may be rotated: see [`Linearization::unrotated`].
    pub(crate) fn pull_back<R: Send>(&mut self, gradients: &Tensor, then: impl Fn(Tensor) -> R + Sync) -> Vec<Vec<R>> {
        let (together, classes) = (self.together, gradients.size()[0]);
        let sizes: Vec<i64> = self.chunks.iter().map(Chunk::crops).collect();
        let gradients = gradients.split_with_sizes(sizes.as_slice(), 1);
        let items = self.chunks.iter_mut().zip(gradients).collect();
        let of_chunks = self.workers.map(items, |(chunk, gradients): (&mut Chunk, Tensor)| {
            let _span = profile::span(Stage::Attention);
            let then = |of_classes: Vec<Tensor>| of_classes.into_iter().map(&then).collect();
            tch::no_grad(|| {
                if together {
                    let pulled = chunk.pull_back(vec![gradients.flatten(0, 1)]);
                    return pulled.flatten().map(|both| then(both.chunk(classes, 0))).collect();
                }
                chunk.pull_back(gradients.unbind(0)).map(then).collect::<Vec<Vec<R>>>()
            })
        });
        of_chunks.into_iter().flatten().collect()
    }

    /// The Jacobian: from perturbations of the first convolution's output, which `make` gives, to
    /// those of the features, `(classes, N, length)`. There is one for each piece and class, as
    /// [`Linearization::pull_back`] returns them.
    pub(crate) fn push_forward<T: Send>(
        &mut self,
        perturbations: Vec<Vec<T>>,
        make: impl Fn(T) -> Tensor + Sync,
    ) -> Tensor {
        let together = self.together;
        let mut perturbations = perturbations.into_iter();
        let of_chunk = |chunk: &Chunk| perturbations.by_ref().take(chunk.pieces.len()).collect();
        let of_chunks: Vec<Vec<Vec<T>>> = self.chunks.iter().map(of_chunk).collect();
        let items = self.chunks.iter_mut().zip(of_chunks).collect();
        let pushed = self.workers.map(items, |(chunk, pieces): (&mut Chunk, Vec<Vec<T>>)| {
            let _span = profile::span(Stage::Attention);
            let classes = pieces.first().map_or(0, Vec::len) as i64;
            let parts = pieces.into_iter().map(|of_classes| of_classes.into_iter().map(&make).collect::<Vec<Tensor>>());
            tch::no_grad(|| {
                let pushed = if together {
                    let both = chunk.push_forward(parts.map(|of_classes| vec![Tensor::cat(&of_classes, 0)]));
                    both.iter().flat_map(|both| both.chunk(classes, 0)).collect()
                } else {
                    chunk.push_forward(parts)
                };
                Tensor::stack(&pushed, 0)
            })
        });
        Tensor::cat(&pushed, 1)
    }

    /// Maps, `(.., height, width)`, made from what [`Linearization::pull_back`] gives, the right
    /// way up.
    pub(crate) fn unrotated(&self, maps: &Tensor) -> Tensor {
        self.adapter.rotated(maps)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Backbone;
    use super::super::convolution::arranged;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn classes_together_are_as_good_as_one_after_the_other() {
        let (mut backbone, options) = (Backbone::embedded(), (Kind::Float, Device::Cpu));
        // One piece in each chunk, as on a GPU.
        backbone.network.piece = 256;
        let crops = arranged(&Tensor::randn([20, 3, 112, 112], options));
        let gradients = Tensor::randn([2, 20, backbone.feature_length()], options);
        let [apart, together] = [false, true].map(|together| {
            let mut linearization = backbone.linearize(&crops);
            linearization.together = together;
            assert!(linearization.piece_sizes().len() > 1);
            let pulled = linearization.pull_back(&gradients, |gradient| gradient);
            let pieces: Vec<Tensor> = pulled.iter().map(|of_classes| Tensor::stack(of_classes, 0)).collect();
            [Tensor::cat(&pieces, 1), linearization.push_forward(pulled, |gradient| gradient)]
        });
        for (apart, together) in apart.iter().zip(&together) {
            assert!((apart - together).norm().double_value(&[]) < 1e-5 * apart.norm().double_value(&[]));
        }
    }
}

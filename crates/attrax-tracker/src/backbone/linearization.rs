//! A network as the linear map that it is around given crops, applied forward and backward.

use std::sync::Arc;

use tch::Tensor;

use super::network::{Adapter, Chunk, STRIDES};
use crate::parallel::Workers;
use crate::profile::{self, Stage};

/// The derivative of the features with respect to the first convolution's output, or to planes
/// after it ([`Linearization::at_stride`]), around given crops.
///
/// The crops are held in chunks, which bound the size of the intermediate tensors and are shared
/// among threads; and at those planes each chunk is in pieces of a few crops.
#[derive(Debug)]
pub struct Linearization {
    pub(super) features: Tensor,
    pub(super) chunks: Vec<Chunk>,
    pub(super) adapter: Adapter,
    /// As in the network.
    pub(super) cuts: [usize; STRIDES.len()],
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

    /// The same around the planes whose cells are `stride` pixels of a crop apart: 2, which is the
    /// first convolution's output, 4, 8 or 16. Any other stride is taken as 2.
    #[must_use]
    pub fn at_stride(mut self, stride: usize) -> Self {
        let place = STRIDES.iter().position(|known| *known == stride as i64).unwrap_or(0);
        let layers = self.cuts[place];
        self.chunks.iter_mut().for_each(|chunk| chunk.cut(layers));
        self
    }

    /// Crops in each piece.
    #[must_use]
    pub fn piece_sizes(&self) -> Vec<i64> {
        self.chunks.iter().flat_map(|chunk| &chunk.pieces).map(|piece| piece.crops).collect()
    }

    /// The transposed Jacobian: from gradients at the features, `(classes, N, length)`, to
    /// gradients at the planes, `(n, channels, height, width)` for each piece, to each of which
    /// `then` is applied. Returns the results of each piece, class by class.
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

    /// The Jacobian: from perturbations of the planes, which `make` gives, to those of the
    /// features, `(classes, N, length)`. There is one for each piece and class, as
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
    use super::super::layers;
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

    #[test]
    fn later_planes_have_the_derivative_of_what_follows_them() {
        let (mut backbone, options) = (Backbone::embedded(), (Kind::Float, Device::Cpu));
        backbone.network.piece = 2;
        let crops = arranged(&Tensor::randn([3, 3, 112, 112], options));
        let gradient = Tensor::randn([1, 3, backbone.feature_length()], options);
        let network = &backbone.network;
        for (place, (stride, side)) in [(2, 56), (4, 28), (8, 14), (16, 7)].into_iter().enumerate() {
            let (before, after) = network.layers.split_at(network.cuts[place]);
            let input = if network.input_rotates { crops.shallow_clone() } else { network.adapter.input(&crops) };
            let planes = layers::run(before, &input, None, None);
            let features = |planes: &Tensor| network.adapter.features(&layers::run(after, planes, None, None));
            assert_eq!(planes.size()[2..], [side, side]);
            let mut linearization = backbone.linearize(&crops).at_stride(stride);
            assert!(linearization.piece_sizes().len() > 1);
            let pulled = linearization.pull_back(&gradient, |gradient| gradient);
            let whole = Tensor::cat(&pulled.iter().map(|of_classes| &of_classes[0]).collect::<Vec<_>>(), 0);
            let change = planes.randn_like() * 1e-3;
            let of_pieces = change.split(2, 0).into_iter().map(|piece| vec![piece]).collect();
            let pushed = linearization.push_forward(of_pieces, |piece| piece).get(0);
            let expected = features(&(&planes + &change)) - features(&planes);
            let error = (&pushed - &expected).norm() / expected.norm();
            // A change may carry a number over a limit of ReLU6. Other planes would be off by more
            // than 1.
            assert!(error.double_value(&[]) < 0.2, "stride {stride}: {error:?}");
            if let Some(mut pooling) = backbone.linearize_pooling(stride, 3) {
                assert_eq!(stride, 16);
                let pulled = pooling.pull_back(&gradient, |gradient| gradient).remove(0).remove(0);
                assert!((pulled - &whole).abs().max().double_value(&[]) < 1e-6);
                let again = pooling.push_forward(vec![vec![change.copy()]], |piece| piece).get(0);
                assert!((again - &pushed).abs().max().double_value(&[]) < 1e-6);
            }
            let (one, other) = ((&whole * &change).sum(Kind::Double), (&pushed * gradient.get(0)).sum(Kind::Double));
            let size = (whole.norm() * change.norm()).double_value(&[]);
            assert!((one - other).abs().double_value(&[]) < 1e-4 * size, "stride {stride}");
        }
    }
}

//! The layers as they are run: upright crops in, features out.
//!
//! The layers may be rotated, and the front layers take only a few crops at a time. Callers see
//! neither.

use tch::{Device, Kind, Tensor};

use super::block::Passes;
use super::convolution::arranged;
use super::fused::fused;
use super::layers::{self, Layer};
use super::linear::{self, Linear};
use crate::parallel::Workers;
use crate::profile::{self, Stage};
use attrax_kernels::Width;

/// Pixels of a crop between two cells of the planes that attention maps may cover. Those of the
/// first are the first convolution's output.
pub(super) const STRIDES: [i64; 4] = [2, 4, 8, 16];

/// Frozen layers with their input and output conversions.
#[derive(Debug)]
pub(super) struct Network {
    pub layers: Vec<Layer>,
    /// Number of front layers, whose planes are large: the crops of a piece go through them at a
    /// time, those of a chunk through the rear layers.
    pub front: usize,
    /// Crops in a piece.
    pub piece: i64,
    /// Number of layers whose output attention maps may cover, one for each of [`STRIDES`].
    pub cuts: [usize; STRIDES.len()],
    pub adapter: Adapter,
    /// Whether the first layer takes upright crops and rotates them, if the layers are rotated.
    pub input_rotates: bool,
}

/// The conversions of crops before the layers and of their output after them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adapter {
    /// Channels and side of the last layer's output.
    pub output: (i64, i64),
    /// Multiplies the features.
    pub gain: f64,
    /// Precision of the layers; features and gradients go in and come out in float32 where it is
    /// less.
    pub kind: Kind,
    /// Whether the layers are rotated by 180 degrees.
    ///
    /// A network trained in TensorFlow pads an input of even side by one zero more after than
    /// before if the stride is 2; libtorch pads alike on both sides. Rotated, the additional zero
    /// is before, and no window reaches the superfluous row after.
    pub is_rotated: bool,
}

impl Adapter {
    /// Crops as the layers take them.
    pub fn input(&self, crops: &Tensor) -> Tensor {
        self.rotated(&crops.to_kind(self.kind))
    }

    /// `(N, channels, side, side)` to features `(N, length)`: linear.
    pub fn features(&self, output: &Tensor) -> Tensor {
        widened(self.rotated(output).contiguous().flatten(1, 3)) * self.gain
    }

    /// The adjoint of [`Adapter::features`].
    fn features_backward(&self, gradient: &Tensor) -> Tensor {
        let (channels, side) = self.output;
        arranged(&self.rotated(&(gradient * self.gain).to_kind(self.kind).view([-1, channels, side, side])))
    }

    /// Planes, the last two axes, from upright to the layers' orientation, or back.
    pub fn rotated(&self, planes: &Tensor) -> Tensor {
        if self.is_rotated { planes.flip([-2, -1]) } else { planes.shallow_clone() }
    }
}

impl Network {
    /// The same network, its weights shared: tensors cannot be lent to other threads, only given.
    pub fn share(&self) -> Self {
        Self { layers: self.layers.iter().map(Layer::share).collect(), ..*self }
    }

    /// The same network, with a kernel for each block that has one.
    pub fn fused(&self, passes: Passes) -> Self {
        let fused = fused(&self.layers, self.adapter.is_rotated, Width::chosen().ok().flatten(), passes);
        let ends = fused.iter().scan(0, |end, (_, count)| {
            *end += count;
            Some(*end)
        });
        let count_up_to = |layers: usize| ends.clone().take_while(|end| *end <= layers).count();
        let (front, cuts) = (count_up_to(self.front), self.cuts.map(count_up_to));
        let input_rotates = matches!(fused.first(), Some((Layer::Stem(_), _)));
        Self { layers: fused.into_iter().map(|(layer, _)| layer).collect(), front, cuts, input_rotates, ..*self }
    }

    /// Features of crops, which come a few at a time.
    pub fn features(&self, pieces: impl Iterator<Item = Tensor>) -> Tensor {
        let _span = profile::span(Stage::Backbone);
        self.adapter.features(&self.run(pieces, None))
    }

    /// The output of the front layers and the input of the last layer, the pooling, for crops of
    /// any even size: `(N, channels, height, width)` each, upright, in float32.
    pub fn unpooled(&self, crops: &Tensor) -> (Tensor, Tensor) {
        let _span = profile::span(Stage::Backbone);
        let (front, rear) = self.layers[..self.layers.len().saturating_sub(1)].split_at(self.front);
        let fine = layers::run(front, &self.input_of(crops), None, None);
        let last = layers::run(rear, &fine, None, None);
        let upright = |planes: &Tensor| widened(self.adapter.rotated(planes)).contiguous();
        (upright(&fine), upright(&last))
    }

    /// The last layer's output, `(N, channels, height, width)`, rotated as the layers, for crops
    /// that come a few at a time. Uses the other threads if there are any.
    pub fn run(&self, pieces: impl Iterator<Item = Tensor>, workers: Option<&Workers>) -> Tensor {
        let (front, rear) = self.layers.split_at(self.front);
        let run = |layers, input: &Tensor| layers::run(layers, input, None, workers);
        run(rear, &joined(pieces.map(|piece| run(front, &self.input_of(&piece))).collect()))
    }

    /// Features of crops, which come a few at a time, and the derivative of everything after the
    /// first convolution, or after other layers: [`Chunk::cut`].
    pub fn linearize(&self, pieces: impl Iterator<Item = Tensor>) -> (Tensor, Chunk) {
        let _span = profile::span(Stage::Attention);
        let (front, rear) = self.layers.split_at(self.front);
        let (mut middle, mut recorded, mut rear_maps) = (Vec::new(), Vec::new(), Vec::new());
        for piece in pieces {
            let mut maps = Vec::with_capacity(front.len());
            middle.push(layers::run(front, &self.input_of(&piece), Some(&mut maps), None));
            recorded.push(Piece { maps, crops: piece.size()[0] });
        }
        let output = layers::run(rear, &joined(middle), Some(&mut rear_maps), None);
        let chunk = Chunk { pieces: recorded, rear: rear_maps, adapter: self.adapter, cut: (1, 0) };
        (self.adapter.features(&output), chunk)
    }

    /// The derivative of the features with respect to the planes at the last of [`STRIDES`], if a
    /// mean over windows is all that follows them: it is the same for all crops.
    pub fn linearize_pooling(&self, crops: i64, like: (Kind, Device)) -> Option<Chunk> {
        let [.., Layer::AveragePool] = *self.layers.as_slice() else { return None };
        let (channels, side) = self.adapter.output;
        let is_last = self.cuts[STRIDES.len() - 1] + 1 == self.layers.len();
        // A window of 3 x 3 at stride 2.
        let input = || arranged(&Tensor::zeros([crops, channels, 2 * side + 1, 2 * side + 1], like));
        is_last.then(|| Chunk {
            pieces: vec![Piece { maps: Vec::new(), crops }],
            rear: vec![Linear::AveragePool { input: input() }],
            adapter: self.adapter,
            cut: (0, 0),
        })
    }

    /// Crops, a few at a time.
    pub fn pieces(&self, crops: &Tensor) -> impl Iterator<Item = Tensor> + use<> {
        crops.split(self.piece, 0).into_iter()
    }

    /// Crops as the layers take them.
    fn input_of(&self, crops: &Tensor) -> Tensor {
        if self.input_rotates { crops.to_kind(self.adapter.kind) } else { self.adapter.input(crops) }
    }
}

/// The recorded maps of a chunk of crops.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Those of the front layers, which saw a few crops at a time.
    pub pieces: Vec<Piece>,
    /// Those of the later layers, which saw all crops.
    rear: Vec<Linear>,
    adapter: Adapter,
    /// Maps of the front and of the later layers that are left out: the derivative is with respect
    /// to their output.
    cut: (usize, usize),
}

/// The recorded maps of the front layers, the first convolution among them.
#[derive(Debug)]
pub(super) struct Piece {
    maps: Vec<Linear>,
    pub crops: i64,
}

/// The maps after the first `count`.
fn after(maps: &[Linear], count: usize) -> &[Linear] {
    maps.get(count..).unwrap_or_default()
}

impl Chunk {
    /// How many crops there are.
    pub fn crops(&self) -> i64 {
        self.pieces.iter().map(|piece| piece.crops).sum()
    }

    /// Leaves out the maps of the first `layers` layers, at least the first one.
    pub fn cut(&mut self, layers: usize) {
        let front = self.pieces.first().map_or(0, |piece| piece.maps.len());
        self.cut = (layers.clamp(1, front.max(1)), layers.saturating_sub(front));
    }

    /// From gradients at the features, `(n, length)` for each class, to those at the output of the
    /// layers that are cut off: for each piece, as it is asked for, one of each class. The second
    /// class finds the piece's maps in the cache.
    ///
    /// Where there is one piece only, there may be several gradients for each crop: a whole batch
    /// of them, then another.
    pub fn pull_back(&self, gradients: Vec<Tensor>) -> impl Iterator<Item = Vec<Tensor>> {
        let sizes: Vec<i64> = self.pieces.iter().map(|piece| piece.crops).collect();
        let through_rear = |gradient: Tensor| {
            let middle = linear::pull_back(after(&self.rear, self.cut.1), self.adapter.features_backward(&gradient));
            let parts = if let [_] = *sizes { vec![middle] } else { middle.split_with_sizes(sizes.as_slice(), 0) };
            parts.into_iter()
        };
        let mut of_classes: Vec<_> = gradients.into_iter().map(through_rear).collect();
        self.pieces.iter().map(move |piece| {
            let maps = after(&piece.maps, self.cut.0);
            let pull = |part: Tensor| widened(linear::pull_back(maps, part));
            of_classes.iter_mut().filter_map(Iterator::next).map(pull).collect()
        })
    }

    /// From perturbations of the output of the layers that are cut off, for each piece one of each
    /// class, to those of the features, `(n, length)` for each class.
    pub fn push_forward(&self, perturbations: impl IntoIterator<Item = Vec<Tensor>>) -> Vec<Tensor> {
        let mut middles: Vec<Vec<Tensor>> = Vec::new();
        for (piece, parts) in self.pieces.iter().zip(perturbations) {
            middles.resize_with(parts.len(), Vec::new);
            let maps = after(&piece.maps, self.cut.0);
            for (middle, part) in middles.iter_mut().zip(parts) {
                middle.push(linear::push_forward(maps, part.to_kind(self.adapter.kind)));
            }
        }
        let maps = after(&self.rear, self.cut.1);
        let rear = |middle| self.adapter.features(&linear::push_forward(maps, joined(middle)));
        middles.into_iter().map(rear).collect()
    }
}

/// One batch of several.
fn joined(mut parts: Vec<Tensor>) -> Tensor {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(&parts, 0) }
}

/// Converts lower precisions to float32.
fn widened(tensor: Tensor) -> Tensor {
    if matches!(tensor.kind(), Kind::BFloat16 | Kind::Half) { tensor.to_kind(Kind::Float) } else { tensor }
}

#[cfg(test)]
mod tests {
    use super::super::Backbone;
    use super::*;

    #[test]
    fn a_few_crops_at_a_time_are_as_good_as_all_at_once() {
        let (mut backbone, options) = (Backbone::embedded(), (Kind::Float, Device::Cpu));
        let crops = arranged(&Tensor::randn([5, 3, 112, 112], options));
        let (change, gradient) = (Tensor::randn([5, 32, 56, 56], options), Tensor::randn([5, 1008], options));
        let mut passes = |piece: i64| {
            backbone.network.piece = piece;
            let network = &backbone.network;
            let (features, chunk) = network.linearize(network.pieces(&crops));
            let pieces = arranged(&change).split(piece, 0).into_iter().map(|piece| vec![piece.copy()]);
            let pulled = joined(chunk.pull_back(vec![gradient.shallow_clone()]).flatten().collect());
            let pushed = chunk.push_forward(pieces).remove(0);
            (chunk.pieces.len(), [network.features(network.pieces(&crops)), features, pulled, pushed])
        };
        let ((one, expected), (three, found)) = (passes(5), passes(2));
        assert_eq!((one, three), (1, 3));
        for (expected, found) in expected.iter().zip(&found) {
            assert!((expected - found).norm().double_value(&[]) < 1e-5 * expected.norm().double_value(&[]));
        }
        // The adjoint is that of the map itself.
        let [_, _, pulled, pushed] = &found;
        let (one, other) = ((pulled * &change).sum(Kind::Double), (pushed * &gradient).sum(Kind::Double));
        assert!((one - other).abs().double_value(&[]) < 1e-4 * (pulled.norm() * change.norm()).double_value(&[]));
    }
}

//! Attention maps and the reciprocative regulariser (Pu et al., NeurIPS 2018, sections 3.1 and
//! 3.2).
//!
//! The attention map of class `c` is built from the gradient `G_c` of that class's score at the
//! first convolution's output. With `mu` and `sigma` the mean and the standard deviation over a
//! map, a sample of the target should have `R(y=1) = sigma(A_p)/mu(A_p) + mu(A_n)/sigma(A_n)`
//! small, where `A_p` is the target's and `A_n` the background's map, and a sample of the
//! background the same with `p` and `n` exchanged.
//!
//! The network after the first convolution is frozen, so `G_c = J' v_c` where `J` is the Jacobian
//! of the features and `v_c` the gradient of the score at the features. Hence `dR/dv_c = J
//! dR/dG_c`: one application of the transposed Jacobian gives the maps and one of the Jacobian
//! brings the regulariser's derivative back to fc4-fc6. The same holds for maps at later planes
//! (`attention.stride`), with the Jacobian of what follows them.

use tch::{Kind, Tensor};

use super::head::{BACKGROUND, Head, TARGET};
use crate::backbone::Linearization;
use crate::config::{Form, Reduction};

/// The regulariser and its derivative.
#[derive(Debug)]
pub struct Regularizer {
    /// `R`, a scalar tensor: that of the positives plus that of the negatives.
    pub value: Tensor,
    /// `dR/dv`, `(2, N, features)`: with respect to the gradients of the two scores at the
    /// features.
    pub derivative: Tensor,
}

/// Below this a map's mean or deviation counts as zero, and its ratio is left out: a map without
/// any attention.
const TINY: f64 = 1e-30;

/// The map of a gradient: `(n, channels, height, width)` to `(n, height, width)`.
pub fn map_of(gradient: &Tensor, form: Form) -> Tensor {
    let values = match form {
        Form::Paper => gradient.relu(),
        Form::Released => gradient * gradient,
    };
    values.sum_dim_intlist([1i64].as_slice(), false, None::<Kind>)
}

/// The attention maps of the background and of the target, `(2, N, height, width)`, as the network
/// sees them, from the gradients of the scores, `(2, N, features)`; and the gradients at the first
/// convolution's output that they were made from, piece by piece and class by class.
fn attend(linearization: &mut Linearization, score_gradients: &Tensor, form: Form) -> (Tensor, Vec<Vec<Tensor>>) {
    let pieces = linearization.pull_back(score_gradients, |gradient| (map_of(&gradient, form), gradient));
    let (maps, gradients): (Vec<_>, Vec<_>) =
        pieces.into_iter().map(|of_classes| of_classes.into_iter().unzip::<_, _, Vec<_>, Vec<_>>()).unzip();
    let maps: Vec<Tensor> = maps.iter().map(|of_classes| Tensor::stack(of_classes, 0)).collect();
    (Tensor::cat(&maps, 1), gradients)
}

/// The attention maps of the background and of the target, `(2, N, height, width)`.
pub fn attention(linearization: &mut Linearization, score_gradients: &Tensor, form: Form) -> Tensor {
    let (maps, _) = attend(linearization, score_gradients, form);
    linearization.unrotated(&maps)
}

/// The regulariser of a mini-batch of `positives` samples of the target followed by samples of the
/// background, and its derivative with respect to `score_gradients` `(2, N, features)`.
#[must_use]
pub fn regularizer(
    linearization: &mut Linearization,
    score_gradients: &Tensor,
    positives: i64,
    form: Form,
    reduction: Reduction,
) -> Regularizer {
    let (maps, gradients) = attend(linearization, score_gradients, form);
    let (value, slope) = ratios(&maps, positives, reduction);
    let slopes = slope.split_with_sizes(linearization.piece_sizes().as_slice(), 1);
    let pieces = gradients.into_iter().zip(slopes).map(|(g, s)| g.into_iter().zip(s.unbind(0)).collect()).collect();
    let derivative = linearization.push_forward(pieces, |(mut gradient, slope): (Tensor, Tensor)| {
        let slope = slope.unsqueeze(1);
        match form {
            Form::Paper => gradient.threshold_backward(&slope.expand_as(&gradient), 0.0),
            Form::Released => gradient.g_mul_(&(slope * 2.0)),
        }
    });
    Regularizer { value, derivative }
}

/// Features `(N, channels x cells)`, channel-major, weighed by attention: each cell of a sample is
/// multiplied by its share in the map of the target's score, so that the weights of a sample have
/// mean 1.
///
/// The paper names the alternative without its details. Here the map lives where the weights are
/// applied, on the cells of the last convolution's output: one at the first convolution would have
/// to be made anew, by a backward and a second forward pass through the whole network, for every
/// candidate of every frame. The weights are constants in training.
pub fn weigh(head: &Head, features: &Tensor, cells: i64, form: Form) -> Tensor {
    tch::no_grad(|| {
        let gradient = head.score_with_gradients(features, None).gradients.get(TARGET);
        let per_cell = |tensor: &Tensor| tensor.view([tensor.size()[0], -1, cells, 1]);
        let map = map_of(&per_cell(&gradient), form).unsqueeze(1);
        let mean = map.mean_dim([2i64].as_slice(), true, None::<Kind>);
        // A map without any attention weighs nothing.
        let weights = (&map / mean.clamp_min(TINY)).where_self(&mean.gt(TINY), &map.ones_like());
        (per_cell(features) * weights).view_as(features)
    })
}

/// `R` of maps `(2, N, height, width)` and its derivative with respect to them, of the same shape.
pub fn ratios(maps: &Tensor, positives: i64, reduction: Reduction) -> (Tensor, Tensor) {
    let (samples, options) = (maps.size()[1], (maps.kind(), maps.device()));
    let pixels = (maps.size()[2] * maps.size()[3]) as f64;
    let plane = [2i64, 3].as_slice();
    let mu = maps.mean_dim(plane, true, None::<Kind>);
    let deviation = maps - &mu;
    let sigma = (&deviation * &deviation).mean_dim(plane, true, None::<Kind>).sqrt();
    let is_positive = Tensor::arange(samples, (Kind::Int64, options.1)).lt(positives);
    // `(mean, deviation)` of the maps of a class, (2, N): of the class that each sample belongs to,
    // and of the other one.
    let statistics = Tensor::stack(&[mu.flatten(1, 3), sigma.flatten(1, 3)], 0);
    let (of_background, of_target) = (statistics.select(1, BACKGROUND), statistics.select(1, TARGET));
    let own_map = of_target.where_self(&is_positive, &of_background);
    let other_map = of_background.where_self(&is_positive, &of_target);
    // The two ratios of each sample: sigma/mu of its own map, mu/sigma of the other.
    let above = Tensor::stack(&[own_map.get(1), other_map.get(0)], 0);
    let below = Tensor::stack(&[own_map.get(0), other_map.get(1)], 0);
    // The samples that share a ratio, (ratios, N), and how much it counts.
    let half = is_positive.to_kind(maps.kind());
    let halves = Tensor::stack(&[&half, &(1.0 - &half)], 0);
    let join = |values: &Tensor| match reduction {
        Reduction::PerSample => values.shallow_clone(),
        Reduction::Batch => values.matmul(&halves.tr()),
    };
    let spread = |values: &Tensor| match reduction {
        Reduction::PerSample => values.shallow_clone(),
        Reduction::Batch => values.matmul(&halves),
    };
    let share = match reduction {
        Reduction::PerSample => {
            let (of_positive, of_negative) = (positives.max(1) as f64, (samples - positives).max(1) as f64);
            (half * (1.0 / of_positive - 1.0 / of_negative)) + 1.0 / of_negative
        }
        Reduction::Batch => Tensor::ones([], options),
    };
    let (above, below) = (join(&above), join(&below));
    let inverse = below.clamp_min(TINY).reciprocal() * below.gt(TINY);
    let ratio = &above * &inverse * &share;
    let value = ratio.sum(None::<Kind>);
    let (d_above, d_below) = (spread(&(&inverse * &share)), spread(&(ratio * inverse)).neg());
    let d_own = Tensor::stack(&[d_below.get(0), d_above.get(0)], 0);
    let d_other = Tensor::stack(&[d_above.get(1), d_below.get(1)], 0);
    // Back to the classes: of the background and of the target, (2, N, 1, 1) for the mean and for
    // the deviation.
    let d_background = d_other.where_self(&is_positive, &d_own);
    let d_target = d_own.where_self(&is_positive, &d_other);
    let slopes = Tensor::stack(&[d_background, d_target], 1).unsqueeze(3).unsqueeze(4);
    // d mu / dA = 1 / pixels; d sigma / dA = (A - mu) / (pixels sigma).
    let along_sigma = slopes.get(1) / sigma.clamp_min(TINY);
    (value, (slopes.get(0) + deviation * along_sigma) / pixels)
}

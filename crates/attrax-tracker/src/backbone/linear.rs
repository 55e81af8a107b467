//! The linear maps that frozen layers are around a given input.
//!
//! The convolutions of DAT never change, so around one crop everything after the first convolution
//! is linear in the gradient: each forward pass of a layer records the linear map ([`Linear`]) of
//! its derivative, which can be applied to a gradient (backward, the adjoint) or to a perturbation
//! (forward). The attention map takes the first, the derivative of the regulariser with respect to
//! fc4-fc6 the second; neither needs autograd.

use tch::Tensor;

use super::block::Passed;
use super::convolution::Convolution;
use super::lrn::LrnDerivative;

/// Sides and strides of pooling windows.
pub(super) const WINDOW: [i64; 2] = [3, 3];
pub(super) const STEP: [i64; 2] = [2, 2];

/// The derivative of one layer at the input it was run on.
#[derive(Debug)]
pub(super) enum Linear {
    /// A convolution without its bias, and the side of its input in pixels.
    Convolution(Convolution, i64),
    /// Passes where the layer's output is strictly between 0 and the limit.
    Mask {
        output: Tensor,
        limit: f64,
    },
    Lrn(LrnDerivative),
    /// Where each maximum came from, as positions in the input's plane, and the input.
    MaxPool {
        indices: Tensor,
        input: Tensor,
    },
    /// The pooled input, for its shape only.
    AveragePool {
        input: Tensor,
    },
    BranchBegin,
    BranchEnd,
    /// Derivatives begin after it.
    Stem,
    Block(Passed),
}

/// Applies the adjoint of the recorded maps: from a gradient at the output, which is overwritten,
/// to one at the input.
///
/// There may be several gradients for each recorded input: a whole batch of them, then another.
pub(super) fn pull_back(maps: &[Linear], gradient: Tensor) -> Tensor {
    let mut g = gradient;
    let mut branches: Vec<Tensor> = Vec::new();
    // Whether `g`'s memory is unshared: the other end of a branch shares it.
    let mut owned = true;
    for map in maps.iter().rev() {
        let before = std::mem::replace(&mut owned, true);
        g = match map {
            Linear::Convolution(convolution, side) => convolution.backward(&g, *side),
            Linear::Mask { output, limit } => masked(output, &g, *limit, before),
            Linear::Lrn(derivative) => over_batches(&g, &derivative.input, |g| derivative.backward(g)),
            Linear::MaxPool { indices, input } => {
                let (input, indices) = (as_many(input, &g), as_many(indices, &g));
                input.max_pool2d_with_indices_backward(&g, WINDOW, STEP, [0, 0], [1, 1], false, &indices)
            }
            Linear::AveragePool { input } => {
                as_many(input, &g).avg_pool2d_backward(&g, WINDOW, STEP, [0, 0], false, true, None)
            }
            Linear::BranchEnd => {
                owned = false;
                branches.push(g.shallow_clone());
                g
            }
            Linear::BranchBegin => joined(g, branches.pop(), before),
            Linear::Stem => g,
            Linear::Block(passed) => passed.pull_back(&g),
        };
    }
    g
}

/// Applies the recorded maps: from a perturbation of the input, which is overwritten, to that of
/// the output, to first order.
///
/// There may be several perturbations for each recorded input: a whole batch of them, then another.
pub(super) fn push_forward(maps: &[Linear], perturbation: Tensor) -> Tensor {
    let mut d = perturbation;
    let mut branches: Vec<Tensor> = Vec::new();
    let mut owned = true;
    for map in maps {
        let before = std::mem::replace(&mut owned, true);
        d = match map {
            Linear::Convolution(convolution, _) => convolution.run(&d, None),
            Linear::Mask { output, limit } => masked(output, &d, *limit, before),
            Linear::Lrn(derivative) => over_batches(&d, &derivative.input, |d| derivative.forward(d)),
            Linear::MaxPool { indices, .. } => {
                let indices = as_many(indices, &d);
                let size = indices.size();
                d.flatten(2, 3).gather(2, &indices.flatten(2, 3), false).view(size.as_slice())
            }
            Linear::AveragePool { .. } => d.avg_pool2d(WINDOW, STEP, [0, 0], false, true, None),
            Linear::BranchBegin => {
                owned = false;
                branches.push(d.shallow_clone());
                d
            }
            Linear::BranchEnd => joined(d, branches.pop(), before),
            Linear::Stem => d,
            Linear::Block(passed) => passed.push_forward(&d),
        };
    }
    d
}

/// The values where the recorded output is strictly between zero and the limit, zero elsewhere: one
/// pass over memory, which takes a third of the time where `owned` values may be overwritten.
fn masked(output: &Tensor, values: &Tensor, limit: f64, owned: bool) -> Tensor {
    over_batches(values, output, |values| match (owned, limit.is_finite()) {
        (true, true) => output.hardtanh_backward_grad_input(values, values, 0.0, limit),
        (true, false) => output.threshold_backward_grad_input(values, values, 0.0),
        (false, true) => output.hardtanh_backward(values, 0.0, limit),
        (false, false) => output.threshold_backward(values, 0.0),
    })
}

/// The sum at the end of a branch.
pub(super) fn joined(mut values: Tensor, branch: Option<Tensor>, owned: bool) -> Tensor {
    match branch {
        Some(branch) if owned => values.g_add_(&branch),
        Some(branch) => values + branch,
        None => values,
    }
}

/// Applies what works number by number against something recorded, to one batch `(n, ...)` or to
/// several, `(k n, ...)`, that are shown as `(k, n, ...)`.
fn over_batches(values: &Tensor, recorded: &Tensor, map: impl Fn(&Tensor) -> Tensor) -> Tensor {
    let (size, one) = (values.size(), recorded.size()[0]);
    if size[0] == one {
        return map(values);
    }
    let shape = [&[size[0] / one, one], &size[1..]].concat();
    map(&values.view(shape.as_slice())).flatten(0, 1)
}

/// What was recorded, repeated for each of several batches.
fn as_many(recorded: &Tensor, values: &Tensor) -> Tensor {
    match values.size()[0] / recorded.size()[0].max(1) {
        0 | 1 => recorded.shallow_clone(),
        times => recorded.repeat([times, 1, 1, 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::convolution::arranged;
    use super::super::layers::{Layer, run};
    use super::super::lrn::Lrn;
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn several_batches_at_once_are_as_good_as_one_after_the_other() {
        let options = (Kind::Double, Device::Cpu);
        let convolution = |output: i64, input: i64, kernel: i64, groups: i64| {
            let weight = Tensor::randn([output, input / groups, kernel, kernel], options) * 0.3;
            Layer::Convolution(Convolution::new(&weight, &Tensor::zeros([output], options), 1, 1, groups))
        };
        let lrn = Lrn::new(8, 5, 2.0, 0.1, 0.75, &Tensor::zeros([1], options));
        let layers = vec![
            convolution(8, 4, 3, 1),
            Layer::Relu,
            Layer::Lrn(lrn),
            Layer::MaxPool,
            Layer::BranchBegin,
            convolution(8, 8, 3, 8),
            Layer::Relu6,
            Layer::BranchEnd,
            Layer::AveragePool,
        ];
        let input = arranged(&Tensor::randn([3, 4, 15, 15], options));
        let mut maps = Vec::new();
        let output = run(&layers, &input, Some(&mut maps), None);
        let (gradients, changes) =
            ([output.randn_like(), output.randn_like()], [input.randn_like(), input.randn_like()]);
        let check = |apply: &dyn Fn(&Tensor) -> Tensor, batches: &[Tensor; 2]| {
            let apart = Tensor::cat(&batches.each_ref().map(apply), 0);
            let together = apply(&arranged(&Tensor::cat(batches, 0)));
            assert!((&apart - &together).norm().double_value(&[]) < 1e-12 * apart.norm().double_value(&[]));
        };
        check(&|gradient| pull_back(&maps, gradient.copy()), &gradients);
        check(&|change| push_forward(&maps, change.copy()), &changes);
    }

    /// Layers, and the function that they are.
    type Case<'a> = (Vec<Layer>, Box<dyn Fn(&Tensor) -> Tensor + 'a>);

    /// Against autograd: a `ReLU` at the end of a branch keeps its output as a mask, and one at its
    /// beginning shares its input.
    #[test]
    fn branches_that_begin_or_end_with_a_relu_are_as_autograd_has_them() {
        let options = (Kind::Double, Device::Cpu);
        let weights: Vec<Tensor> = (0..3).map(|_| Tensor::randn([4, 4, 3, 3], options) * 0.4).collect();
        let bias = Tensor::randn([4], options);
        let convolution = |number: usize| Layer::Convolution(Convolution::new(&weights[number], &bias, 1, 1, 1));
        let expected = |x: &Tensor, number: usize| x.conv2d(&weights[number], Some(&bias), [1, 1], [1, 1], [1, 1], 1);
        let cases: [Case<'_>; 4] = [
            (
                vec![convolution(0), Layer::BranchBegin, convolution(1), Layer::Relu6, Layer::BranchEnd],
                Box::new(|x| {
                    let first = expected(x, 0);
                    expected(&first, 1).clamp(0.0, 6.0) + first
                }),
            ),
            (
                vec![convolution(0), Layer::BranchBegin, Layer::Relu, convolution(1), Layer::BranchEnd],
                Box::new(|x| {
                    let first = expected(x, 0);
                    expected(&first.relu(), 1) + first
                }),
            ),
            (
                vec![Layer::BranchBegin, Layer::Relu6, Layer::BranchEnd, convolution(2)],
                Box::new(|x| expected(&(x.clamp(0.0, 6.0) + x), 2)),
            ),
            (
                vec![convolution(0), Layer::Relu, Layer::Relu6, Layer::BranchBegin, Layer::BranchEnd],
                Box::new(|x| expected(x, 0).relu().clamp(0.0, 6.0) * 2.0),
            ),
        ];
        for (number, (layers, function)) in cases.iter().enumerate() {
            let input = arranged(&(Tensor::randn([2, 4, 7, 6], options) * 3.0)).set_requires_grad(true);
            let value = function(&input);
            let gradient = value.randn_like();
            let pulled = Tensor::run_backward(&[(&value * &gradient).sum(None)], &[&input], false, false).remove(0);
            let given = input.detach();
            let mut maps = Vec::new();
            let output = run(layers, &given, Some(&mut maps), None);
            let agree = |found: &Tensor, expected: &Tensor, what: &str| {
                let error = ((found - expected).norm() / expected.norm()).double_value(&[]);
                assert!(error < 1e-12, "case {number}, {what}: {error:.1e}");
            };
            agree(&output, &value.detach(), "output");
            agree(&run(layers, &given, None, None), &value.detach(), "output, nothing recorded");
            agree(&given, &input.detach(), "the input is left alone");
            agree(&pull_back(&maps, gradient.copy()), &pulled, "adjoint");
            // The derivative along a change is the adjoint of the adjoint.
            let change = given.randn_like();
            let along = (push_forward(&maps, change.copy()) * &gradient).sum(None).double_value(&[]);
            let across = (&pulled * &change).sum(None).double_value(&[]);
            assert!((along - across).abs() < 1e-9 * (1.0 + across.abs()), "case {number}, derivative");
        }
    }
}

//! The cross-entropy of a mini-batch and its gradients, written out.
//!
//! Autograd would do the same on one thread. Here the units of fc4 and of fc5 are shared among
//! threads, and few tensors live between the layers.

use tch::{Kind, Tensor};

use super::head::{BACKGROUND, Dropout, Head, TARGET};
use crate::parallel::Workers;
use crate::plan::Plan;

/// A mini-batch after its way forward.
pub struct Forward<'a> {
    head: &'a Head,
    dropout: &'a Dropout,
    workers: &'a Workers,
    /// Inputs of fc4, fc5 and fc6, with dropout: `(N, units)`.
    inputs: [Tensor; 3],
    /// `(N, 2)`.
    scores: Tensor,
    /// Samples of the target, which come first.
    positives: i64,
}

/// The parts of the units of a layer: their first one, and how many there are. No number may depend
/// on the threads, so a CPU always has two parts.
fn parts(units: i64, like: &Tensor) -> Vec<(i64, i64)> {
    let first = if Plan::of(like).gpu { units } else { units / 2 };
    [(0, first), (first, units - first)].into_iter().filter(|(_, count)| *count > 0).collect()
}

impl<'a> Forward<'a> {
    /// Takes features `(N, length)` through the head.
    pub fn new(head: &'a Head, features: &Tensor, positives: i64, dropout: &'a Dropout, workers: &'a Workers) -> Self {
        tch::no_grad(|| {
            let [w4, b4, w5, b5, w6, b6] = head.parameters();
            let layer = |input: &Tensor, weight: &Tensor, bias: &Tensor| {
                let of_part = |(start, count): (i64, i64)| {
                    (input.shallow_clone(), weight.narrow(0, start, count), bias.narrow(0, start, count))
                };
                let items = parts(weight.size()[0], input).into_iter().map(of_part).collect();
                let outputs = workers.map(items, |(input, weight, bias): (Tensor, Tensor, Tensor)| {
                    tch::no_grad(|| input.linear(&weight, Some(&bias)).relu_())
                });
                Tensor::cat(&outputs, 1)
            };
            let inputs = dropout.of_layers();
            let x = features * &inputs[0];
            let h4 = layer(&x, w4, b4) * &inputs[1];
            let h5 = layer(&h4, w5, b5) * &inputs[2];
            let scores = h5.linear(w6, Some(b6));
            Self { head, dropout, workers, inputs: [x, h4, h5], scores, positives }
        })
    }

    /// The cross-entropy, summed over the samples.
    pub fn cross_entropy(&self) -> Tensor {
        cross_entropy(&self.scores, self.positives)
    }

    /// Its gradients with respect to the head's parameters, in their order, in parts.
    pub fn gradients(self) -> Vec<Tensor> {
        tch::no_grad(|| {
            let [_, _, w5, _, w6, _] = self.head.parameters();
            let [x, h4, h5] = &self.inputs;
            let factors = self.dropout.of_layers();
            // d/ds of -log softmax(s)[class]: softmax(s), less 1 in the column of the class.
            let at_scores = self.scores.softmax(1, None::<Kind>);
            let (positives, all) = (self.positives, self.scores.size()[0]);
            for (start, count, class) in [(0, positives, TARGET), (positives, all - positives, BACKGROUND)] {
                let _ = at_scores.narrow(0, start, count).select(1, class).g_sub_scalar_(1.0);
            }
            let sum = |tensor: &Tensor| tensor.sum_dim_intlist([0i64].as_slice(), false, None::<Kind>);
            let of_6 = [at_scores.tr().matmul(h5), sum(&at_scores)];
            // Where the input of a layer is 0, either the ReLU before it or the dropout stopped it.
            let passed = |gradient: Tensor, factor: &Tensor, input: &Tensor| gradient * factor * input.gt(0.0);
            let at_5 = passed(at_scores.matmul(w6), &factors[2], h5);
            let of_part = |(start, count): (i64, i64)| {
                let columns = |tensor: &Tensor| tensor.narrow(1, start, count);
                let shared = [x, h4, &at_5].map(Tensor::shallow_clone);
                (shared, [&at_5, w5, &factors[1], h4].map(columns))
            };
            let items = parts(w5.size()[0], x).into_iter().map(of_part).collect();
            let work = |([x, h4, at_5], [own, weight, factor, input]): ([Tensor; 3], [Tensor; 4])| {
                tch::no_grad(|| {
                    let at_4 = passed(at_5.matmul(&weight), &factor, &input);
                    [at_4.tr().matmul(&x), sum(&at_4), own.tr().matmul(&h4), sum(&own)]
                })
            };
            let of_parts = self.workers.map(items, work);
            let mut all: Vec<Tensor> = Vec::new();
            for parameter in 0..4 {
                all.extend(of_parts.iter().map(|part: &[Tensor; 4]| part[parameter].shallow_clone()));
            }
            all.extend(of_6);
            all
        })
    }
}

/// Softmax cross-entropy of scores `(N, 2)`, summed; the first `positives` samples are of the
/// target.
pub fn cross_entropy(scores: &Tensor, positives: i64) -> Tensor {
    let log = scores.log_softmax(1, None::<Kind>);
    let negatives = scores.size()[0] - positives;
    let of = |start: i64, count: i64, class: i64| log.narrow(0, start, count).select(1, class).sum(None::<Kind>);
    -(of(0, positives, TARGET) + of(positives, negatives, BACKGROUND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Initialization;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tch::Device;

    #[test]
    fn the_gradients_are_those_of_autograd_on_any_number_of_threads() {
        tch::manual_seed(2);
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let kind = Kind::Double;
        let head = Head::random(20, (Initialization::He, 0.01), None, kind, Device::Cpu, &mut rng);
        let bits = Tensor::from_slice(&Dropout::draw(5, 20, &mut rng)).unsqueeze(0);
        let dropout = Dropout::from_bits(&bits, 5, 20, kind).remove(0);
        let features = Tensor::randn([5, 20], (kind, Device::Cpu));
        let loss = cross_entropy(&head.score_with_gradients(&features, Some(&dropout)).scores, 3);
        let expected = Tensor::run_backward(&[&loss], &head.parameters().each_ref(), false, false);
        let flat = |gradients: &[Tensor]| super::super::head::joined(gradients);
        let of_threads = [1, 2, 3].map(|threads| {
            let workers = Workers::new(threads);
            let forward = Forward::new(&head, &features, 3, &dropout, &workers);
            assert!((forward.cross_entropy() - &loss).abs().double_value(&[]) < 1e-12);
            flat(&forward.gradients())
        });
        let error = (&of_threads[0] - flat(&expected)).abs().max().double_value(&[]);
        assert!(error < 1e-12 && flat(&expected).abs().max().double_value(&[]) > 0.1, "{error}");
        assert!(of_threads.iter().all(|found| found.equal(&of_threads[0])));
    }
}

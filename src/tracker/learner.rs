//! Online training of fc4-fc6: reciprocative learning with hard-negative mining (Pu et al., equation 5).

use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::attention::{Use, regularizer, weigh};
use super::backbone::Backbone;
use super::config::{Config, Schedule};
use super::head::{BACKGROUND, Dropout, Head, TARGET};
use super::profile::{self, Stage};
use super::samples::{Deck, Pool};

/// Trains a head on samples.
///
/// Each iteration takes a mini-batch of positive samples and the hardest of many negative ones, and descends
/// `cross-entropy + lambda R`, the cross-entropy summed over the mini-batch.
pub fn train(
    head: &Head,
    backbone: &Backbone,
    config: &Config,
    schedule: &Schedule,
    (positives, negatives): (&Pool<'_>, Option<&Pool<'_>>),
    rng: &mut ChaCha8Rng,
) {
    let _span = profile::span(Stage::Training);
    let mut velocity: Vec<Tensor> = head.parameters().iter().map(|p| p.detach().zeros_like()).collect();
    let mut positive_deck = Deck::new(positives.len(), rng);
    let mut negative_deck = Deck::new(negatives.map_or(0, Pool::len), rng);
    for _ in 0..schedule.iterations {
        let chosen = positive_deck.deal(config.batch_positives, rng);
        let mined = negatives.map_or(Vec::new(), |pool| {
            let _span = profile::span(Stage::Mining);
            let candidates = negative_deck.deal(config.mined_from, rng);
            let scores = scores(head, backbone, config, &pool.features_at(&candidates));
            hardest(&scores, &candidates, config.batch_negatives)
        });
        let batch = Batch::new(positives, &chosen, negatives, &mined);
        let gradients = batch.gradients(head, backbone, config, rng);
        descend(head, &mut velocity, &gradients, config, schedule.rate);
    }
}

/// The target's scores of samples, `(N)`, as the tracker ranks them: their features are weighed where attention is used so.
pub fn scores(head: &Head, backbone: &Backbone, config: &Config, features: &Tensor) -> Tensor {
    tch::no_grad(|| head.scores(&attended(head, backbone, config, features)).select(1, TARGET))
}

/// The features that the classifier sees.
fn attended(head: &Head, backbone: &Backbone, config: &Config, features: &Tensor) -> Tensor {
    match config.attention.role {
        Use::Regularizer => features.shallow_clone(),
        Use::Weight => weigh(head, features, backbone.cells(), config.attention.form),
    }
}

/// The `count` positions among `candidates` whose score is highest.
fn hardest(scores: &Tensor, candidates: &[i64], count: usize) -> Vec<i64> {
    let (_, order) = scores.topk(count.min(candidates.len()) as i64, 0, true, true);
    let mut places = vec![0i64; order.size()[0] as usize];
    let length = places.len();
    order.to_device(tch::Device::Cpu).copy_data(&mut places, length);
    places.iter().map(|p| candidates[*p as usize]).collect()
}

/// A mini-batch: samples of the target, then of the background.
struct Batch<'a> {
    features: Tensor,
    items: Vec<(&'a super::Frame, super::BoundingBox)>,
    positives: i64,
}

impl<'a> Batch<'a> {
    fn new(positives: &Pool<'a>, chosen: &[i64], negatives: Option<&Pool<'a>>, mined: &[i64]) -> Self {
        let mut features = vec![positives.features_at(chosen)];
        let mut items: Vec<_> = chosen.iter().map(|p| positives.item(*p)).collect();
        if let Some(pool) = negatives {
            features.push(pool.features_at(mined));
            items.extend(mined.iter().map(|p| pool.item(*p)));
        }
        Self { features: Tensor::cat(&features, 0), items, positives: chosen.len() as i64 }
    }

    /// Gradients of the loss with respect to the head's parameters.
    fn gradients(&self, head: &Head, backbone: &Backbone, config: &Config, rng: &mut ChaCha8Rng) -> Vec<Tensor> {
        let (samples, length) = (self.items.len() as i64, self.features.size()[1]);
        let dropout = Dropout::random(samples, length, self.features.kind(), self.features.device(), rng);
        let features = attended(head, backbone, config, &self.features);
        let scored = head.score_with_gradients(&features, Some(&dropout));
        let cross_entropy = cross_entropy(&scored.scores, self.positives);
        let attention = &config.attention;
        if attention.lambda <= 0.0 || attention.role == Use::Weight {
            log::trace!("cross-entropy {:.3}", cross_entropy.double_value(&[]));
            return Tensor::run_backward(&[&cross_entropy], &head.parameters().each_ref(), false, false);
        }
        let (gradients, items, positives) = self.regularized(&scored.gradients, attention.samples);
        let at_scores = gradients.detach();
        let regularizer = tch::no_grad(|| {
            let _span = profile::span(Stage::Attention);
            let mut linearization = backbone.linearize_boxes(&items);
            regularizer(&mut linearization, &at_scores, positives, attention.form, attention.reduction)
        });
        // The product has the regulariser's gradient with respect to the parameters, though not its value.
        let product = (&gradients * &regularizer.derivative).sum(None::<Kind>);
        let loss = &cross_entropy + product * attention.lambda;
        let value = &regularizer.value;
        log::trace!("cross-entropy {:.3}, R {:.3}", cross_entropy.double_value(&[]), value.double_value(&[]));
        Tensor::run_backward(&[&loss], &head.parameters().each_ref(), false, false)
    }
}

impl<'a> Batch<'a> {
    /// The gradients of the scores of the first `count` samples of each half, or of all for 0; those samples; and how many
    /// of them are positive. The positives are in random order, and of the negatives the hardest come first.
    fn regularized(
        &self,
        gradients: &Tensor,
        count: usize,
    ) -> (Tensor, Vec<(&'a super::Frame, super::BoundingBox)>, i64) {
        let (all, negatives) = (self.positives as usize, self.items.len() - self.positives as usize);
        if count == 0 || (all <= count && negatives <= count) {
            return (gradients.shallow_clone(), self.items.clone(), self.positives);
        }
        let (positives, negatives) = (all.min(count), negatives.min(count));
        let parts = [gradients.narrow(1, 0, positives as i64), gradients.narrow(1, self.positives, negatives as i64)];
        let items = self.items[..positives].iter().chain(&self.items[all..all + negatives]).copied().collect();
        (Tensor::cat(&parts, 1), items, positives as i64)
    }
}

/// Softmax cross-entropy of scores `(N, 2)`, summed; the first `positives` samples are of the target.
pub fn cross_entropy(scores: &Tensor, positives: i64) -> Tensor {
    let log = scores.log_softmax(1, None::<Kind>);
    let negatives = scores.size()[0] - positives;
    let of = |start: i64, count: i64, class: i64| log.narrow(0, start, count).select(1, class).sum(None::<Kind>);
    -(of(0, positives, TARGET) + of(positives, negatives, BACKGROUND))
}

/// One step of gradient descent with momentum, weight decay, a limit on the gradient's norm and a higher rate for fc6.
fn descend(head: &Head, velocity: &mut [Tensor], gradients: &[Tensor], config: &Config, rate: f64) {
    tch::no_grad(|| {
        let squares: Vec<Tensor> = gradients.iter().map(|g| (g * g).sum(None::<Kind>)).collect();
        let norm = Tensor::stack(&squares, 0).sum(None::<Kind>).sqrt();
        let shrink = ((norm + 1e-6).reciprocal() * config.gradient_limit).clamp_max(1.0);
        for (place, ((parameter, velocity), gradient)) in
            head.parameters().iter().zip(velocity.iter_mut()).zip(gradients).enumerate()
        {
            let rate = if place >= 4 { rate * config.last_layer_rate } else { rate };
            let step = gradient * &shrink + parameter * config.decay;
            *velocity = &*velocity * config.momentum + step;
            let mut parameter = parameter.shallow_clone();
            parameter -= &*velocity * rate;
        }
    });
}

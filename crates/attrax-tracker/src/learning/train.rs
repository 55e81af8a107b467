//! Online training of fc4-fc6: reciprocative learning with hard-negative mining (Pu et al.,
//! equation 5).

use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::attention::{regularizer, weigh};
use super::descent::Descent;
use super::gradients::{Forward, cross_entropy};
use super::head::{Dropout, Head, TARGET};
use super::memory::{Deck, Pool};
use crate::backbone::{Backbone, Linearization};
use crate::config::Use;
use crate::config::{Attention, Config, Schedule};
use crate::crops::gpu::{Resident, to_device};
use crate::plan::Plan;
use crate::precision::computes_bfloat16;
use crate::profile::{self, Stage};

/// Trains a head on samples.
///
/// Each iteration takes a mini-batch of positive samples and the hardest of many negative ones, and
/// descends `cross-entropy + lambda R`, the cross-entropy summed over the mini-batch. The descent
/// begins with a `velocity`, or at rest, and its last velocity is returned.
pub fn train(
    head: &Head,
    backbone: &Backbone,
    config: &Config,
    schedule: &Schedule,
    (positives, negatives): (&Pool<'_>, Option<&Pool<'_>>),
    velocity: Option<Tensor>,
    rng: &mut ChaCha8Rng,
) -> Tensor {
    let _span = profile::span(Stage::Training);
    let mut descent = Descent::new(head, config, schedule.rate, velocity);
    let resident = Plan::on(backbone.device()).gpu.then(|| {
        let items = [positives.items(), negatives.map_or(&[], Pool::items)].concat();
        Resident::new(&items, backbone.format(), backbone.device())
    });
    let resident = resident.flatten();
    let draws = Draws::new(positives.len(), negatives.map_or(0, Pool::len), backbone, config, schedule, rng);
    let kind = backbone.ranking();
    let ranked = negatives.map(|pool| pool.rounded(kind));
    // Where that is faster, a rough ranking says which samples need a score in float32.
    let sifts = kind == Kind::Float && backbone.device() == Device::Cpu && computes_bfloat16();
    let rough = negatives.filter(|_| sifts).map(|pool| pool.rounded(Kind::BFloat16));
    for (iteration, dropout) in (0i64..).zip(draws.dropout()) {
        let chosen = draws.positives.get(iteration);
        let mut halves = vec![(positives, chosen)];
        if let (Some(pool), Some(ranked)) = (negatives, &ranked) {
            let _span = profile::span(Stage::Mining);
            let candidates = draws.candidates.get(iteration);
            let scored = |pool: &Pool<'_>, places: &Tensor, kind: Kind| {
                let features = pool.features_at(places, backbone).to_kind(kind);
                scores(&head.rounded(kind), backbone, config, &features).select(1, TARGET)
            };
            let count = config.batch_negatives;
            let of_list = rough.as_ref().and_then(|rough| {
                let rough = scored(rough, &candidates, Kind::BFloat16).to_kind(Kind::Float);
                sifted(&rough, &candidates, count, |places| scored(ranked, places, kind))
            });
            let of_all = || hardest(&scored(ranked, &candidates, kind), &candidates, count);
            halves.push((pool, of_list.unwrap_or_else(of_all)));
        }
        let batch = Batch { halves, resident: resident.as_ref() };
        let with_maps = config.attention.regularizes() && iteration % config.attention.interval.max(1) as i64 == 0;
        let Some(gradients) = batch.gradients(head, backbone, config, &dropout, (with_maps, schedule.enough)) else {
            log::trace!("enough after {iteration} iterations");
            break;
        };
        descent.step(&gradients, backbone.workers());
    }
    descent.velocity
}

/// Everything random in a training, drawn before it begins, on the network's device. A GPU then
/// never waits for the host.
struct Draws {
    /// Places of each iteration's positive samples, `(iterations, batch)`.
    positives: Tensor,
    /// Places of the negative samples that each iteration mines, `(iterations, mined from)`.
    candidates: Tensor,
    /// The bits of each iteration's dropout, `(iterations, bytes)`.
    bits: Tensor,
    /// Samples of a mini-batch, and how many features each has.
    batch: (i64, i64),
}

/// Iterations whose dropout is made of its bits at a time: the factors are 32 times as large as the
/// bits, and a training may end early.
const TOGETHER: i64 = 8;

impl Draws {
    fn new(
        positives: usize,
        negatives: usize,
        backbone: &Backbone,
        config: &Config,
        schedule: &Schedule,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let (mut positive_deck, mut negative_deck) = (Deck::new(positives, rng), Deck::new(negatives, rng));
        let (mut chosen, mut candidates, mut bits) = (Vec::new(), Vec::new(), Vec::new());
        let mined = if negatives > 0 { config.batch_negatives.min(config.mined_from) } else { 0 };
        let samples = (config.batch_positives + mined) as i64;
        for _ in 0..schedule.iterations {
            chosen.extend(positive_deck.deal(config.batch_positives, rng));
            candidates.extend(negative_deck.deal(config.mined_from, rng));
            bits.extend(Dropout::draw(samples, backbone.feature_length(), rng));
        }
        let rows = |values: Tensor| {
            let (rows, numbers) = (schedule.iterations as i64, values.numel() as i64);
            to_device(&values.view([rows, numbers / rows.max(1)]), backbone.device())
        };
        Self {
            positives: rows(Tensor::from_slice(&chosen)),
            candidates: rows(Tensor::from_slice(&candidates)),
            bits: rows(Tensor::from_slice(&bits)),
            batch: (samples, backbone.feature_length()),
        }
    }

    /// The dropout of each iteration.
    fn dropout(&self) -> impl Iterator<Item = Dropout> {
        let (iterations, (samples, features)) = (self.bits.size()[0], self.batch);
        (0..iterations).step_by(TOGETHER as usize).flat_map(move |start| {
            let some = self.bits.narrow(0, start, TOGETHER.min(iterations - start));
            Dropout::from_bits(&some, samples, features, Kind::Float)
        })
    }
}

/// The scores of samples, `(N, 2)`, as the tracker ranks them: their features are weighed if
/// attention is used as a weight.
pub fn scores(head: &Head, backbone: &Backbone, config: &Config, features: &Tensor) -> Tensor {
    let rows = Plan::of(features).rows(features.size()[0]);
    let parts = features.split(rows, 0).into_iter().map(|part| (head.share(), part)).collect();
    let (attention, cells) = (&config.attention, backbone.cells());
    let scored = backbone.workers().map(parts, |(head, part): (Head, Tensor)| {
        tch::no_grad(|| head.scores(&attended(&head, cells, attention, &part)))
    });
    Tensor::cat(&scored, 0)
}

/// The features that the classifier sees; `cells` as in [`Backbone::cells`].
fn attended(head: &Head, cells: i64, attention: &Attention, features: &Tensor) -> Tensor {
    match attention.role {
        Use::Regularizer => features.shallow_clone(),
        Use::Weight => weigh(head, features, cells, attention.form),
    }
}

/// Length of the short list of negative samples, in those that are taken.
const SIFTED: i64 = 4;

/// The `count` places among `candidates` whose score is highest.
fn hardest(scores: &Tensor, candidates: &Tensor, count: usize) -> Tensor {
    let (_, order) = scores.topk((count as i64).min(candidates.size()[0]), 0, true, true);
    candidates.index_select(0, &order)
}

/// The hardest by scores that are `exact`, of which only those of a short list are computed: the
/// best by `rough` scores. `None` if it cannot be ruled out that a sample outside the list is among
/// the hardest, or if the list is not worth it.
fn sifted(rough: &Tensor, candidates: &Tensor, count: usize, exact: impl FnOnce(&Tensor) -> Tensor) -> Option<Tensor> {
    let listed = SIFTED * count as i64;
    if listed * 2 > candidates.size()[0] {
        return None;
    }
    let (best, order) = rough.topk(listed, 0, true, true);
    // In the order of the candidates, so that ties are broken as without a list.
    let (order, _) = order.sort(0, false);
    let places = candidates.index_select(0, &order);
    let scores = exact(&places);
    let off = (&scores - rough.index_select(0, &order)).abs().max().double_value(&[]);
    let least = scores.topk(count as i64, 0, true, true).0.min().double_value(&[]);
    (best.min().double_value(&[]) + 2.0 * off < least).then(|| hardest(&scores, &places, count))
}

/// A mini-batch: samples of the target, then of the background.
struct Batch<'a> {
    /// The samples that each half was taken from, and their places there.
    halves: Vec<(&'a Pool<'a>, Tensor)>,
    /// The boxes of the first half's pool, then of the second's, if the network is on a GPU.
    resident: Option<&'a Resident>,
}

impl Batch<'_> {
    /// How many samples are of the target.
    fn positives(&self) -> i64 {
        self.halves[0].1.size()[0]
    }

    /// Gradients of the loss with respect to the head's parameters; the regulariser is part of it
    /// where the iteration is `with_maps`. `None` if the mean cross-entropy is below `enough`.
    fn gradients(
        &self,
        head: &Head,
        backbone: &Backbone,
        config: &Config,
        dropout: &Dropout,
        (with_maps, enough): (bool, f64),
    ) -> Option<Vec<Tensor>> {
        let attention = &config.attention;
        // The pass that the maps need gives the features too.
        let whole = attention.maps_whole_batch().then(|| self.linearize(backbone));
        let features = whole.as_ref().map_or_else(|| self.features(backbone), |whole| whole.features().shallow_clone());
        let features = attended(head, backbone.cells(), attention, &features);
        let is_enough = |cross_entropy: &Tensor| {
            enough > 0.0 && cross_entropy.double_value(&[]) < enough * features.size()[0] as f64
        };
        if !with_maps {
            let forward = Forward::new(head, &features, self.positives(), dropout, backbone.workers());
            let cross_entropy = forward.cross_entropy();
            log::trace!("cross-entropy {:.3}", cross_entropy.double_value(&[]));
            return (!is_enough(&cross_entropy)).then(|| forward.gradients());
        }
        let scored = head.score_with_gradients(&features, Some(dropout));
        let cross_entropy = cross_entropy(&scored.scores, self.positives());
        if is_enough(&cross_entropy) {
            return None;
        }
        let (gradients, part) = self.regularized(&scored.gradients, attention.samples);
        let at_scores = gradients.detach();
        let regularizer = tch::no_grad(|| {
            let _span = profile::span(Stage::Attention);
            let of_crops = || whole.unwrap_or_else(|| part.linearize(backbone)).at_stride(attention.stride);
            let pooling = backbone.linearize_pooling(attention.stride, at_scores.size()[1]);
            let mut linearization = pooling.unwrap_or_else(of_crops);
            regularizer(&mut linearization, &at_scores, part.positives(), attention.form, attention.reduction)
        });
        // The product has the regulariser's gradient with respect to the parameters, though not its
        // value.
        let product = (&gradients * &regularizer.derivative).sum(None::<Kind>);
        let loss = &cross_entropy + product * attention.lambda;
        let value = &regularizer.value;
        log::trace!("cross-entropy {:.3}, R {:.3}", cross_entropy.double_value(&[]), value.double_value(&[]));
        Some(Tensor::run_backward(&[&loss], &head.parameters().each_ref(), false, false))
    }

    /// The first `count` samples of each half, or all for 0, and the gradients of their scores. The
    /// positives are in random order, and of the negatives the hardest come first.
    fn regularized(&self, gradients: &Tensor, count: usize) -> (Tensor, Self) {
        let whole = |places: &Tensor| if count == 0 { places.size()[0] } else { places.size()[0].min(count as i64) };
        let (mut start, mut parts, mut halves) = (0, Vec::new(), Vec::new());
        for (pool, places) in &self.halves {
            parts.push(gradients.narrow(1, start, whole(places)));
            halves.push((*pool, places.narrow(0, 0, whole(places))));
            start += places.size()[0];
        }
        (Tensor::cat(&parts, 1), Self { halves, resident: self.resident })
    }

    /// Features of the samples, `(N, length)`.
    fn features(&self, backbone: &Backbone) -> Tensor {
        let parts: Vec<Tensor> = self.halves.iter().map(|(pool, places)| pool.features_at(places, backbone)).collect();
        Tensor::cat(&parts, 0)
    }

    /// The network around the samples' crops.
    fn linearize(&self, backbone: &Backbone) -> Linearization {
        let _span = profile::span(Stage::Attention);
        if let Some(resident) = self.resident {
            let mut before = 0;
            let places = self.halves.iter().map(|(pool, places)| {
                before += pool.len() as i64;
                places + (before - pool.len() as i64)
            });
            return backbone.linearize(&resident.at(&Tensor::cat(&places.collect::<Vec<_>>(), 0)).crops());
        }
        let items: Vec<_> = self.halves.iter().flat_map(|(pool, places)| pool.items_at(places)).collect();
        backbone.linearize_boxes(&items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_gives_the_hardest_or_nothing() {
        tch::manual_seed(1);
        let candidates = Tensor::randperm(1024, (Kind::Int64, Device::Cpu)) + 7;
        let scores = Tensor::randn([1024], (Kind::Float, Device::Cpu));
        let expected = hardest(&scores, &candidates, 32);
        // The score of the place p is the number p - 7.
        let of_places = scores.index_select(0, &(&candidates - 7).argsort(0, false));
        let listed = |noise: f64| {
            let rough = &scores + scores.randn_like() * noise;
            sifted(&rough, &candidates, 32, |places| of_places.index_select(0, &(places - 7)))
        };
        assert_eq!(listed(1e-3), Some(expected));
        assert!(listed(1.0).is_none(), "a list of scores that are far off");
        assert!(sifted(&scores, &candidates, 200, |_| unreachable!("a list of most")).is_none());
    }
}

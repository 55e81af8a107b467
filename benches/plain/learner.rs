//! Reciprocative learning by autograd: the attention maps are gradients that are differentiated
//! again.

use attrax_tracker::internals::learning::head::Head;
use attrax_tracker::internals::learning::memory::Deck;
use attrax_tracker::{Attention, BoundingBox, Config, Schedule};
use attrax_tracker::{Form, Reduction};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::crops::crop_each;
use super::network::Network;

const BACKGROUND: i64 = 0;
const TARGET: i64 = 1;
const TINY: f64 = 1e-30;

/// Samples to train on: where they are, and their features for mining.
pub struct Pool {
    pub items: Vec<(Tensor, BoundingBox)>,
    pub features: Tensor,
}

impl Pool {
    /// The first samples.
    pub fn first(&self, count: usize) -> Self {
        let items: Vec<_> = self.items.iter().take(count).map(|(frame, b)| (frame.shallow_clone(), *b)).collect();
        Self { features: self.features.narrow(0, 0, items.len() as i64), items }
    }

    fn features_at(&self, positions: &[i64]) -> Tensor {
        self.features.index_select(0, &Tensor::from_slice(positions))
    }

    fn items_at(&self, positions: &[i64]) -> impl Iterator<Item = (Tensor, BoundingBox)> {
        positions.iter().map(|p| &self.items[*p as usize]).map(|(frame, region)| (frame.shallow_clone(), *region))
    }
}

/// Scores of features, with the factors of dropout where they are given.
pub fn scores(head: &Head, features: &Tensor, dropout: Option<&[Tensor; 3]>) -> Tensor {
    let thin = |x: &Tensor, layer: usize| dropout.map_or_else(|| x.shallow_clone(), |factors| x * &factors[layer]);
    let [w4, b4, w5, b5, w6, b6] = head.parameters();
    let h4 = thin(features, 0).linear(w4, Some(b4)).relu();
    let h5 = thin(&h4, 1).linear(w5, Some(b5)).relu();
    thin(&h5, 2).linear(w6, Some(b6))
}

/// Factors of dropout, drawn as attrax draws them.
pub fn dropout(samples: i64, features: i64, rng: &mut ChaCha8Rng) -> [Tensor; 3] {
    [features, 512, 512].map(|units| {
        let mut bytes = vec![0u8; ((samples * units + 7) / 8) as usize];
        rng.fill(bytes.as_mut_slice());
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| f32::from((byte >> bit & 1) * 2)));
        Tensor::from_slice(&bits.take((samples * units) as usize).collect::<Vec<f32>>()).view([samples, units])
    })
}

/// The loss of a mini-batch whose first `positives` crops show the target.
pub fn loss(
    network: &Network,
    head: &Head,
    crops: &Tensor,
    positives: i64,
    factors: Option<&[Tensor; 3]>,
    attention: &Attention,
) -> Tensor {
    let first = network.first(crops).detach().set_requires_grad(true);
    let scores = scores(head, &network.rest(&first), factors);
    let negatives = crops.size()[0] - positives;
    let log = scores.log_softmax(1, None::<Kind>);
    let of = |start: i64, count: i64, class: i64| log.narrow(0, start, count).select(1, class).sum(None::<Kind>);
    let cross_entropy = -(of(0, positives, TARGET) + of(positives, negatives, BACKGROUND));
    if attention.lambda <= 0.0 {
        return cross_entropy;
    }
    let moments = [BACKGROUND, TARGET].map(|class| {
        let score = scores.select(1, class).sum(None::<Kind>);
        let gradient = &Tensor::run_backward(&[&score], &[&first], true, true)[0];
        moments(gradient, attention.form)
    });
    let of_label = |start: i64, count: i64, label: i64| {
        let part = |tensor: &Tensor| tensor.narrow(0, start, count);
        let (own, other) = (&moments[label as usize], &moments[1 - label as usize]);
        ratio(&part(&own.1), &part(&own.0), attention.reduction)
            + ratio(&part(&other.0), &part(&other.1), attention.reduction)
    };
    let mut regularizer = of_label(0, positives, TARGET);
    if negatives > 0 {
        regularizer += of_label(positives, negatives, BACKGROUND);
    }
    cross_entropy + regularizer * attention.lambda
}

/// Mean and standard deviation of each sample's map.
fn moments(gradient: &Tensor, form: Form) -> (Tensor, Tensor) {
    let values = match form {
        Form::Paper => gradient.relu(),
        Form::Released => gradient * gradient,
    };
    let map = values.sum_dim_intlist([1i64].as_slice(), false, None::<Kind>).flatten(1, 2);
    (map.mean_dim([1i64].as_slice(), false, None::<Kind>), map.std_dim([1i64].as_slice(), false, false))
}

fn ratio(above: &Tensor, below: &Tensor, reduction: Reduction) -> Tensor {
    match reduction {
        Reduction::PerSample => (above / below.clamp_min(TINY)).mean(None::<Kind>),
        Reduction::Batch => above.sum(None::<Kind>) / below.sum(None::<Kind>).clamp_min(TINY),
    }
}

/// A velocity of zero for each of a head's parameters.
pub fn at_rest(head: &Head) -> Vec<Tensor> {
    head.parameters().iter().map(|p| p.detach().zeros_like()).collect()
}

/// Trains a head on samples.
pub fn train(
    network: &Network,
    head: &Head,
    config: &Config,
    schedule: &Schedule,
    (positives, negatives): (&Pool, Option<&Pool>),
    velocity: &mut [Tensor],
    rng: &mut ChaCha8Rng,
) {
    let mut positive_deck = Deck::new(positives.items.len(), rng);
    let mut negative_deck = Deck::new(negatives.map_or(0, |pool| pool.items.len()), rng);
    for _ in 0..schedule.iterations {
        let chosen = positive_deck.deal(config.batch_positives, rng);
        let mut items: Vec<_> = positives.items_at(&chosen).collect();
        if let Some(pool) = negatives {
            let mined = hardest(head, pool, &negative_deck.deal(config.mined_from, rng), config.batch_negatives);
            items.extend(pool.items_at(&mined));
        }
        let factors = dropout(items.len() as i64, network.feature_length(), rng);
        let crops = crop_each(&items, network.format().size);
        let loss = loss(network, head, &crops, chosen.len() as i64, Some(&factors), &config.attention);
        let gradients = Tensor::run_backward(&[&loss], &head.parameters().each_ref(), false, false);
        step(head, velocity, &gradients, config, schedule.rate);
    }
}

/// The `count` positions among `candidates` whose target score is highest.
fn hardest(head: &Head, pool: &Pool, candidates: &[i64], count: usize) -> Vec<i64> {
    let scores = tch::no_grad(|| scores(head, &pool.features_at(candidates), None).select(1, TARGET));
    let (_, order) = scores.topk(count.min(candidates.len()) as i64, 0, true, true);
    let places: Vec<i64> = order.to_device(Device::Cpu).iter::<i64>().map_or(Vec::new(), Iterator::collect);
    places.into_iter().map(|place| candidates[place as usize]).collect()
}

/// One step of gradient descent with momentum, weight decay and a limit on the gradient's norm.
fn step(head: &Head, velocity: &mut [Tensor], gradients: &[Tensor], config: &Config, rate: f64) {
    tch::no_grad(|| {
        let squares = gradients.iter().map(|g| g.square().sum(None::<Kind>).double_value(&[])).sum::<f64>();
        let shrink = (config.gradient_limit / (squares.sqrt() + 1e-6)).min(1.0);
        for (place, (parameter, gradient)) in head.parameters().iter().zip(gradients).enumerate() {
            let rate = match place {
                0 => rate * config.head.first_layer_rate,
                1..4 => rate,
                _ => rate * config.head.last_layer_rate,
            };
            let velocity = &mut velocity[place];
            *velocity = &*velocity * config.momentum + gradient * shrink + parameter * config.decay;
            let mut parameter = parameter.shallow_clone();
            parameter -= &*velocity * rate;
        }
    });
}

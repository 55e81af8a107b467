//! The whole tracker: attrax's draws and decisions around the plain stages.

use std::collections::VecDeque;

use attrax_tracker::internals::learning::head::Head;
use attrax_tracker::internals::{Accept, Inside, Sampler, Spread, confined};
use attrax_tracker::{Around, BoundingBox, Config, Frame, Samples};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::crops::{crop_each, frame_tensor};
use super::learner::{Pool, at_rest, scores, train};
use super::network::Network;
use super::regression::{fit, refine};

/// Crops that go through the network at a time.
const BATCH: usize = 256;

/// The smallest sides of a target, pixels.
const LEAST: (f64, f64) = (10.0, 10.0);

/// One target being tracked.
pub struct PlainTracker {
    network: Network,
    config: Config,
    head: Head,
    regression: Option<(Tensor, Tensor)>,
    positives: VecDeque<Pool>,
    negatives: VecDeque<Pool>,
    velocity: Vec<Tensor>,
    sampler: Sampler,
    rng: ChaCha8Rng,
    target: BoundingBox,
    reported: BoundingBox,
    success: bool,
    frames: usize,
}

impl PlainTracker {
    /// Learns the first frame. The streams of random numbers are attrax's.
    pub fn new(network: Network, config: Config, frame: &Frame, region: BoundingBox, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(stream * 2);
        let mut sampler_rng = rng.clone();
        sampler_rng.set_stream(stream * 2 + 1);
        let head = Head::random(
            network.feature_length(),
            (config.head.draw, config.head.deviation),
            None,
            Kind::Float,
            Device::Cpu,
            &mut rng,
        );
        let mut tracker = Self {
            network,
            config,
            velocity: at_rest(&head),
            head,
            regression: None,
            positives: VecDeque::new(),
            negatives: VecDeque::new(),
            sampler: Sampler::new(frame.size(), sampler_rng),
            rng,
            target: region,
            reported: region,
            success: true,
            frames: 0,
        };
        tracker.learn_first_frame(frame);
        tracker
    }

    fn learn_first_frame(&mut self, frame: &Frame) {
        let (target, config) = (self.target, self.config.clone());
        let image = frame_tensor(frame, self.network.format());
        let Samples { positives, negatives, positive_overlap, negative_overlap } = config.initial_samples;
        let mut boxes = self.sampler.draw_accepted(
            target,
            Spread::Gaussian(config.spreads.positive),
            positives,
            Accept::overlap(positive_overlap, 1.0),
        );
        if boxes.is_empty() {
            boxes.push(target);
        }
        let (accept, near) = (Accept::overlap(0.0, negative_overlap), negatives / 2);
        let spreads = &config.spreads;
        let around = Spread::Uniform(spreads.initial_negative, spreads.aspect);
        let mut others = self.sampler.draw_accepted(target, around, near, accept);
        let anywhere = Spread::WholeFrame(spreads.anywhere_negative, spreads.aspect);
        others.extend(self.sampler.draw_accepted(target, anywhere, negatives - near, accept));
        let (positive, negative) = (self.pool(&image, &boxes), self.pool(&image, &others));
        let pools = (&positive, (!others.is_empty()).then_some(&negative));
        train(
            &self.network,
            &self.head,
            &config,
            &config.initial_training,
            pools,
            &mut at_rest(&self.head),
            &mut self.rng,
        );
        if config.first_frame_trimmed {
            remember(&mut self.positives, positive.first(config.update_samples.positives), config.positive_frames);
            remember(&mut self.negatives, negative.first(config.update_samples.negatives), config.negative_frames);
        } else {
            remember(&mut self.positives, positive, config.positive_frames);
            self.remember_negatives(&image);
        }

        let accept = Accept { overlap: (config.regression_overlap, 1.0), area_ratio: config.regression_area };
        let boxes = self.sampler.draw_accepted(
            target,
            Spread::Uniform(spreads.regression, spreads.aspect),
            config.regression_samples,
            accept,
        );
        if !boxes.is_empty() {
            self.regression = Some(fit(&self.pool(&image, &boxes).features, &boxes, target, config.regression_alpha));
        }
    }

    /// Finds the target in the next frame: its box and the mean score of the best candidates.
    pub fn track(&mut self, frame: &Frame) -> (BoundingBox, f64) {
        let config = self.config.clone();
        let image = frame_tensor(frame, self.network.format());
        self.frames += 1;
        let translation = if self.success { config.translation } else { config.failure.translation };
        let spread = Spread::Gaussian(Around { translation, scale: config.scale, aspect: 1.0 });
        let inside = if config.candidates_inside { Inside::Whole } else { Inside::Centre };
        let candidates = self.sampler.draw(self.target, spread, config.candidates, inside);
        let features = self.pool(&image, &candidates).features;
        let scores = tch::no_grad(|| scores(&self.head, &features, None).select(1, 1));
        let (values, order) = scores.topk(config.best.min(config.candidates) as i64, 0, true, true);
        let confidence = values.mean(Kind::Double).double_value(&[]);
        let best: Vec<i64> = order.iter::<i64>().map_or(Vec::new(), Iterator::collect);
        let boxes: Vec<BoundingBox> = best.iter().map(|i| candidates[*i as usize]).collect();
        self.success = confidence > 0.0;
        if self.success {
            let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
            self.target = confined(BoundingBox::mean(&boxes).unwrap_or(self.target), LEAST, (width, height));
            let refined = self.regression.as_ref().and_then(|regression| {
                BoundingBox::mean(&refine(regression, &features.index_select(0, &order), &boxes))
            });
            self.reported = refined.unwrap_or(self.target).clipped(width, height).unwrap_or(self.target);
            if config.regression_feedback {
                self.target = confined(self.reported, LEAST, (width, height));
            }
            let samples = &config.update_samples;
            let accept = Accept::overlap(samples.positive_overlap, 1.0);
            let boxes = {
                let spread = Spread::Gaussian(config.spreads.positive);
                self.sampler.draw_accepted(self.target, spread, samples.positives, accept)
            };
            let pool = self.pool(&image, &boxes);
            remember(&mut self.positives, pool, config.positive_frames);
            self.remember_negatives(&image);
        }
        self.update(&config);
        (self.reported, confidence)
    }

    fn remember_negatives(&mut self, image: &Tensor) {
        let samples = &self.config.update_samples;
        let accept = Accept::overlap(0.0, samples.negative_overlap);
        let spread = Spread::Uniform(self.config.spreads.update_negative, self.config.spreads.aspect);
        let boxes = self.sampler.draw_accepted(self.target, spread, samples.negatives, accept);
        let pool = self.pool(image, &boxes);
        remember(&mut self.negatives, pool, self.config.negative_frames);
    }

    fn update(&mut self, config: &Config) {
        let frames = match (self.success, self.frames.is_multiple_of(config.long_interval)) {
            (false, _) => config.negative_frames,
            (true, true) => config.positive_frames,
            (true, false) => return,
        };
        if let Some(positives) = last(&self.positives, frames) {
            let negatives = last(&self.negatives, config.negative_frames);
            let pools = (&positives, negatives.as_ref());
            if !config.momentum_kept {
                self.velocity = at_rest(&self.head);
            }
            let (schedule, velocity) = (&config.update_training, &mut self.velocity);
            train(&self.network, &self.head, config, schedule, pools, velocity, &mut self.rng);
        }
    }

    /// Samples of boxes, with their features.
    fn pool(&self, image: &Tensor, boxes: &[BoundingBox]) -> Pool {
        let items: Vec<_> = boxes.iter().map(|b| (image.shallow_clone(), *b)).collect();
        let batch = |items: &[(Tensor, BoundingBox)]| {
            tch::no_grad(|| self.network.features(&crop_each(items, self.network.format().size)))
        };
        let features: Vec<Tensor> = items.chunks(BATCH).map(batch).collect();
        let none = || Tensor::zeros([0, self.network.feature_length()], (Kind::Float, Device::Cpu));
        let features = if features.is_empty() { none() } else { Tensor::cat(&features, 0) };
        Pool { items, features }
    }
}

/// Adds the samples of a frame, if there are any; the oldest of more than `capacity` frames are
/// dropped.
fn remember(memory: &mut VecDeque<Pool>, samples: Pool, capacity: usize) {
    if !samples.items.is_empty() {
        memory.push_back(samples);
        memory.drain(..memory.len().saturating_sub(capacity));
    }
}

/// The samples of the last `frames` frames as one pool.
fn last(memory: &VecDeque<Pool>, frames: usize) -> Option<Pool> {
    let used: Vec<&Pool> = memory.iter().skip(memory.len().saturating_sub(frames)).collect();
    if used.is_empty() {
        return None;
    }
    let items = used.iter().flat_map(|pool| pool.items.iter().map(|(frame, b)| (frame.shallow_clone(), *b)));
    let features: Vec<&Tensor> = used.iter().map(|pool| &pool.features).collect();
    Some(Pool { items: items.collect(), features: Tensor::cat(&features, 0) })
}

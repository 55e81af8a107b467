//! The boxes for search and training of a target: drawn one by one as published, or seen on common
//! grids.

mod grid;
mod published;

pub(super) use self::grid::Grids;
use self::grid::{chosen, part, together, wholly_inside};
pub use self::published::{Accept, Inside, Sampler, Spread};
use rand_chacha::ChaCha8Rng;

use super::backbone::Backbone;
use super::config::{Around, Config, Samples};
use super::learning::memory::{Described, FrameSamples};
use super::learning::ranking::Ranking;
use super::{BoundingBox, Frame};

/// What a frame was searched for the target.
#[derive(Debug)]
pub(crate) struct Seen {
    pub candidates: Described,
    /// What the search saw, if samples of the background are taken from it.
    pub background: Option<Described>,
}

/// Draws the boxes of one target, and describes them.
pub(crate) struct Sampling<'a> {
    pub backbone: &'a Backbone,
    pub config: &'a Config,
    /// The grids, if boxes share passes of the network.
    pub grids: Option<&'a Grids>,
    /// Draws boxes one by one.
    pub sampler: &'a mut Sampler,
    /// Chooses among boxes on grids.
    pub rng: &'a mut ChaCha8Rng,
}

impl Sampling<'_> {
    /// The positive and the negative samples of the first frame, and where boxes share passes, all
    /// that overlap the target. Of a copy of the frame there is a `share` of the samples.
    pub fn first(
        &mut self,
        frame: &Frame,
        target: BoundingBox,
        share: f64,
    ) -> (FrameSamples, FrameSamples, Option<Described>) {
        let config = self.config;
        let Samples { positives, negatives, positive_overlap, negative_overlap } = config.initial_samples;
        let positive_accept = Accept::overlap(positive_overlap, 1.0);
        let negative_accept = Accept::overlap(0.0, negative_overlap);
        let (positives, negatives) = (part(positives, share), part(negatives, share));
        if let Some(grids) = self.grids {
            let near = grids.first_near(frame, target, config, share, self.rng);
            let background = grids.first_background(frame, target, config, share, self.rng);
            let positive = chosen(&near, target, positive_accept, positives, self.rng);
            let negative = chosen(&background, target, negative_accept, negatives, self.rng);
            return (positive.into(), negative.into(), Some(near));
        }
        let spreads = &config.spreads;
        let positive_spread = Spread::Gaussian(spreads.positive);
        let mut positive_boxes = self.sampler.draw_accepted(target, positive_spread, positives, positive_accept);
        if positive_boxes.is_empty() {
            // A target of a few pixels: no varied box overlaps it enough, so the classifier learns
            // from the box itself.
            positive_boxes.push(target);
        }
        let half = negatives / 2;
        let near = Spread::Uniform(spreads.initial_negative, spreads.aspect);
        let mut negative_boxes = self.sampler.draw_accepted(target, near, half, negative_accept);
        let anywhere = Spread::WholeFrame(spreads.anywhere_negative, spreads.aspect);
        negative_boxes.extend(self.sampler.draw_accepted(target, anywhere, negatives - half, negative_accept));
        let (positive, negative) = self.samples_of_both(frame, positive_boxes, negative_boxes);
        (positive, negative, None)
    }

    /// The samples of box regression; `near` are those that overlap the target, if boxes share
    /// passes.
    pub fn regression(&mut self, frame: &Frame, target: BoundingBox, near: Option<Described>) -> Described {
        let config = self.config;
        let accept = Accept { overlap: (config.regression_overlap, 1.0), area_ratio: config.regression_area };
        let count = config.regression_samples;
        if let Some(near) = near {
            return chosen(&near, target, accept, count, self.rng);
        }
        let spread = Spread::Uniform(config.spreads.regression, config.spreads.aspect);
        let boxes = self.sampler.draw_accepted(target, spread, count, accept);
        self.described(frame, boxes)
    }

    /// The candidates of a frame around a box, and their features; and the samples of the
    /// background, if they share the pass. `translation` is in mean sides of the target; `ranking`
    /// finds the best place, around which other scales are tried.
    pub fn candidates(&mut self, frame: &Frame, around: BoundingBox, translation: f64, ranking: Ranking<'_>) -> Seen {
        let config = self.config;
        if let Some(grids) = self.grids {
            let searched = grids.search(frame, around, translation, config, self.rng);
            let background = config.shared_background.then(|| searched.share());
            let ranked = |mut seen: Described| {
                seen.ranks = Some(ranking.ranks(&seen.features));
                seen
            };
            let mut own = ranked(wholly_inside(searched, config));
            if config.scale_reach == 0.0 {
                return Seen { candidates: own, background };
            }
            let best = |seen: &Described| ranking.best_place(seen, around).unwrap_or(around);
            let mut place = best(&own);
            if let Some(between) = grids.between(frame, place, config, self.rng) {
                own = together(&own, &ranked(between));
                place = best(&own);
            }
            let others = ranked(grids.other_sizes(frame, place, config, self.rng));
            return Seen { candidates: wholly_inside(together(&own, &others), config), background };
        }
        let spread = Spread::Gaussian(Around { translation, scale: config.scale, aspect: 1.0 });
        let inside = if config.candidates_inside { Inside::Whole } else { Inside::Centre };
        let boxes = self.sampler.draw(around, spread, config.candidates, inside);
        Seen { candidates: self.described(frame, boxes), background: None }
    }

    /// The positive and the negative samples of a later frame in which the target was found.
    pub fn later(&mut self, frame: &Frame, target: BoundingBox, seen: &Seen) -> (FrameSamples, FrameSamples) {
        let (samples, spreads) = (&self.config.update_samples, &self.config.spreads);
        let accept = Accept::overlap(samples.positive_overlap, 1.0);
        if self.grids.is_some() {
            let positives = chosen(&seen.candidates, target, accept, samples.positives, self.rng).into();
            let Some(background) = &seen.background else { return (positives, self.negatives(frame, target)) };
            let accept = Accept::overlap(0.0, samples.negative_overlap);
            return (positives, chosen(background, target, accept, samples.negatives, self.rng).into());
        }
        let spread = Spread::Gaussian(spreads.positive);
        let positives = self.sampler.draw_accepted(target, spread, samples.positives, accept);
        let negatives = self.negative_boxes(target);
        self.samples_of_both(frame, positives, negatives)
    }

    /// Samples of the background.
    pub fn negatives(&mut self, frame: &Frame, target: BoundingBox) -> FrameSamples {
        let (samples, spreads) = (&self.config.update_samples, &self.config.spreads);
        if let Some(grids) = self.grids {
            let accept = Accept::overlap(0.0, samples.negative_overlap);
            let around = grids.surroundings(frame, target, spreads.update_negative.translation);
            return chosen(&around, target, accept, samples.negatives, self.rng).into();
        }
        let boxes = self.negative_boxes(target);
        self.described(frame, boxes).into()
    }

    /// Boxes of the background around the target.
    fn negative_boxes(&mut self, target: BoundingBox) -> Vec<BoundingBox> {
        let (samples, spreads) = (&self.config.update_samples, &self.config.spreads);
        let accept = Accept::overlap(0.0, samples.negative_overlap);
        let spread = Spread::Uniform(spreads.update_negative, spreads.aspect);
        self.sampler.draw_accepted(target, spread, samples.negatives, accept)
    }

    /// Boxes of a frame with their features.
    fn described(&self, frame: &Frame, boxes: Vec<BoundingBox>) -> Described {
        let features = self.backbone.describe_in(frame, &boxes);
        Described::new(frame, boxes, features)
    }

    /// Positive and negative samples of a frame. All are described in one pass; but positives only
    /// where that is not done for their maps, each time that they are in a mini-batch. Negatives
    /// always are: the hardest are mined by their features.
    fn samples_of_both(
        &self,
        frame: &Frame,
        positives: Vec<BoundingBox>,
        negatives: Vec<BoundingBox>,
    ) -> (FrameSamples, FrameSamples) {
        if self.config.attention.maps_whole_batch() {
            let positives = FrameSamples { frame: frame.clone(), boxes: positives, features: None };
            return (positives, self.described(frame, negatives).into());
        }
        let count = positives.len() as i64;
        let features = self.backbone.describe_in(frame, &[positives.as_slice(), &negatives].concat());
        let part = |start: i64, boxes: Vec<BoundingBox>| {
            // A copy, so that forgetting one half frees its memory.
            let features = Some(features.narrow(0, start, boxes.len() as i64).copy());
            FrameSamples { frame: frame.clone(), boxes, features }
        };
        (part(0, positives), part(count, negatives))
    }
}

//! The boxes that a target is looked for in and learnt from: drawn one by one as published, or seen on common grids.

mod grid;
mod published;

use std::rc::Rc;

pub(super) use self::grid::Grids;
use self::grid::{chosen, part, together, wholly_inside};
pub use self::published::{Accept, Inside, Sampler, Spread};
use super::config::{Around, Samples};
use super::learning::memory::{Described, FrameSamples};
use super::target::Tracker;
use super::{BoundingBox, Frame};

impl Tracker {
    /// The positive and the negative samples of the first frame, and where boxes share passes, all that overlap the target.
    /// Of a copy of the frame there is a `share` of the samples.
    pub(crate) fn first_samples(
        &mut self,
        frame: &Frame,
        share: f64,
    ) -> (FrameSamples, FrameSamples, Option<Described>) {
        let model = Rc::clone(&self.model);
        let config = &model.config;
        let target = self.target;
        let Samples { positives, negatives, positive_overlap, negative_overlap } = config.initial_samples;
        let positive_accept = Accept::overlap(positive_overlap, 1.0);
        let negative_accept = Accept::overlap(0.0, negative_overlap);
        let (positives, negatives) = (part(positives, share), part(negatives, share));
        if let Some(grids) = &model.grids {
            let near = grids.first_near(frame, target, &config.spreads, share, &mut self.rng);
            let background = grids.first_background(frame, target, &config.spreads, share, &mut self.rng);
            let positive = chosen(&near, target, positive_accept, positives, &mut self.rng);
            let negative = chosen(&background, target, negative_accept, negatives, &mut self.rng);
            return (positive.into(), negative.into(), Some(near));
        }
        let spreads = &config.spreads;
        let positive_spread = Spread::Gaussian(spreads.positive);
        let mut positive_boxes = self.sampler.draw_accepted(target, positive_spread, positives, positive_accept);
        if positive_boxes.is_empty() {
            // A target of a few pixels: no varied box overlaps it enough, so the classifier learns from the box itself.
            positive_boxes.push(target);
        }
        let half = negatives / 2;
        let near = Spread::Uniform(spreads.initial_negative, spreads.aspect);
        let mut negative_boxes = self.sampler.draw_accepted(target, near, half, negative_accept);
        let anywhere = Spread::WholeFrame(spreads.anywhere_negative, spreads.aspect);
        negative_boxes.extend(self.sampler.draw_accepted(target, anywhere, negatives - half, negative_accept));
        let (positive, negative) = model.samples_of_both(frame, positive_boxes, negative_boxes);
        (positive, negative, None)
    }

    /// The samples of box regression; `near` are those that overlap the target, where boxes share passes.
    pub(crate) fn regression_samples(&mut self, frame: &Frame, near: Option<Described>) -> Described {
        let model = Rc::clone(&self.model);
        let config = &model.config;
        let accept = Accept { overlap: (config.regression_overlap, 1.0), area_ratio: config.regression_area };
        let (target, count) = (self.target, config.regression_samples);
        if let Some(near) = near {
            return chosen(&near, target, accept, count, &mut self.rng);
        }
        let spread = Spread::Uniform(config.spreads.regression, config.spreads.aspect);
        model.described(frame, self.sampler.draw_accepted(target, spread, count, accept))
    }

    /// The candidates of a frame around a box, and their features. `translation` is in mean sides of the target.
    pub(crate) fn candidates(&mut self, frame: &Frame, around: BoundingBox, translation: f64) -> Described {
        let model = Rc::clone(&self.model);
        let config = &model.config;
        if let Some(grids) = &model.grids {
            let mut own = wholly_inside(grids.candidates(frame, around, translation, config, &mut self.rng), config);
            own.ranks = Some(self.ranks(&own.features));
            if config.scale_reach == 0.0 {
                return own;
            }
            let best = self.best_place(&own, around).unwrap_or(around);
            let mut others = grids.other_scales(frame, best, config, &mut self.rng);
            others.ranks = Some(self.ranks(&others.features));
            return wholly_inside(together(&own, &others), config);
        }
        let spread = Spread::Gaussian(Around { translation, scale: config.scale, aspect: 1.0 });
        let inside = if config.candidates_inside { Inside::Whole } else { Inside::Centre };
        let boxes = self.sampler.draw(around, spread, config.candidates, inside);
        model.described(frame, boxes)
    }

    /// Collects samples around the target in a frame where it was found; `seen` are the candidates.
    pub(crate) fn remember(&mut self, frame: &Frame, seen: &Described) {
        let model = Rc::clone(&self.model);
        let (samples, spreads) = (&model.config.update_samples, &model.config.spreads);
        let positive_accept = Accept::overlap(samples.positive_overlap, 1.0);
        if model.grids.is_some() {
            self.positives.push(chosen(seen, self.target, positive_accept, samples.positives, &mut self.rng).into());
            return self.remember_negatives(frame);
        }
        let (target, count) = (self.target, samples.positives);
        let positives = self.sampler.draw_accepted(target, Spread::Gaussian(spreads.positive), count, positive_accept);
        let (positives, negatives) = model.samples_of_both(frame, positives, self.negative_boxes());
        self.positives.push(positives);
        self.negatives.push(negatives);
    }

    /// Collects samples of the background.
    pub(crate) fn remember_negatives(&mut self, frame: &Frame) {
        let model = Rc::clone(&self.model);
        let (samples, spreads) = (&model.config.update_samples, &model.config.spreads);
        let negatives = if let Some(grids) = &model.grids {
            let accept = Accept::overlap(0.0, samples.negative_overlap);
            let around = grids.surroundings(frame, self.target, spreads.update_negative.translation);
            chosen(&around, self.target, accept, samples.negatives, &mut self.rng)
        } else {
            model.described(frame, self.negative_boxes())
        };
        self.negatives.push(negatives.into());
    }

    /// Boxes of the background around the target.
    fn negative_boxes(&mut self) -> Vec<BoundingBox> {
        let model = Rc::clone(&self.model);
        let (samples, spreads) = (&model.config.update_samples, &model.config.spreads);
        let accept = Accept::overlap(0.0, samples.negative_overlap);
        let spread = Spread::Uniform(spreads.update_negative, spreads.aspect);
        self.sampler.draw_accepted(self.target, spread, samples.negatives, accept)
    }
}

//! The boxes that a target is looked for in and learnt from: drawn one by one as published, or seen on common grids.

use std::rc::Rc;

use super::config::Samples;
use super::sampler::{Accept, Spread};
use super::samples::{Described, FrameSamples};
use super::shared::chosen;
use super::target::Tracker;
use super::{BoundingBox, Frame};

/// Spread of positive samples (MDNet).
const POSITIVE_SPREAD: Spread = Spread::Gaussian { translation: 0.1, scale: 1.3 };
/// Spread of the negative samples near the target in the first frame (MDNet).
const INITIAL_NEGATIVE_SPREAD: Spread = Spread::Uniform { translation: 1.0, scale: 1.6, aspect: 1.1 };
/// Spread of the negative samples over the whole first frame (MDNet).
const WHOLE_FRAME_SPREAD: Spread = Spread::WholeFrame { scale: 1.6 };
/// Spread of the negative samples of later frames (MDNet).
const UPDATE_NEGATIVE_SPREAD: Spread = Spread::Uniform { translation: 2.0, scale: 1.3, aspect: 1.0 };
/// Spread of the samples of box regression (MDNet).
const REGRESSION_SPREAD: Spread = Spread::Uniform { translation: 0.3, scale: 1.6, aspect: 1.1 };

impl Tracker {
    /// The positive and the negative samples of the first frame, and where boxes share passes, all that overlap the target.
    pub(super) fn first_samples(&mut self, frame: &Frame) -> (FrameSamples, FrameSamples, Option<Described>) {
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        let target = self.target;
        let Samples { positives, negatives, positive_overlap, negative_overlap } = config.initial_samples;
        let positive_accept = Accept::overlap(positive_overlap, 1.0);
        let negative_accept = Accept::overlap(0.0, negative_overlap);
        if let Some(grids) = &engine.grids {
            let near = grids.first_near(frame, target, &mut self.rng);
            let background = grids.first_background(frame, target, &mut self.rng);
            let positive = chosen(&near, target, positive_accept, positives, &mut self.rng);
            let negative = chosen(&background, target, negative_accept, negatives, &mut self.rng);
            return (positive.into(), negative.into(), Some(near));
        }
        let mut positive_boxes = self.sampler.draw_accepted(target, POSITIVE_SPREAD, positives, positive_accept);
        if positive_boxes.is_empty() {
            // A target of a few pixels: no varied box overlaps it enough, so the classifier learns from the box itself.
            positive_boxes.push(target);
        }
        let half = negatives / 2;
        let mut negative_boxes = self.sampler.draw_accepted(target, INITIAL_NEGATIVE_SPREAD, half, negative_accept);
        let rest = negatives - half;
        negative_boxes.extend(self.sampler.draw_accepted(target, WHOLE_FRAME_SPREAD, rest, negative_accept));
        let (positive, negative) = engine.samples_of_both(frame, positive_boxes, negative_boxes);
        (positive, negative, None)
    }

    /// The samples of box regression; `near` are those that overlap the target, where boxes share passes.
    pub(super) fn regression_samples(&mut self, frame: &Frame, near: Option<Described>) -> Described {
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        let accept = Accept { overlap: (config.regression_overlap, 1.0), area_ratio: config.regression_area };
        let (target, count) = (self.target, config.regression_samples);
        match near {
            Some(near) => chosen(&near, target, accept, count, &mut self.rng),
            None => engine.described(frame, self.sampler.draw_accepted(target, REGRESSION_SPREAD, count, accept)),
        }
    }

    /// The candidates of a frame, and their features. `translation` is in mean sides of the target.
    pub(super) fn candidates(&mut self, frame: &Frame, translation: f64) -> Described {
        let engine = Rc::clone(&self.engine);
        let config = &engine.config;
        if let Some(grids) = &engine.grids {
            return grids.candidates(frame, self.target, translation, config, &mut self.rng);
        }
        let spread = Spread::Gaussian { translation, scale: config.scale };
        let boxes = self.sampler.draw(self.target, spread, config.candidates);
        engine.described(frame, boxes)
    }

    /// Collects samples around the target in a frame where it was found; `seen` are the candidates.
    pub(super) fn remember(&mut self, frame: &Frame, seen: &Described) {
        let engine = Rc::clone(&self.engine);
        let samples = &engine.config.update_samples;
        let positive_accept = Accept::overlap(samples.positive_overlap, 1.0);
        if engine.grids.is_some() {
            self.positives.push(chosen(seen, self.target, positive_accept, samples.positives, &mut self.rng).into());
            return self.remember_negatives(frame);
        }
        let (target, count) = (self.target, samples.positives);
        let positives = self.sampler.draw_accepted(target, POSITIVE_SPREAD, count, positive_accept);
        let (positives, negatives) = engine.samples_of_both(frame, positives, self.negative_boxes());
        self.positives.push(positives);
        self.negatives.push(negatives);
    }

    /// Collects samples of the background.
    pub(super) fn remember_negatives(&mut self, frame: &Frame) {
        let engine = Rc::clone(&self.engine);
        let samples = &engine.config.update_samples;
        let negatives = if let Some(grids) = &engine.grids {
            let accept = Accept::overlap(0.0, samples.negative_overlap);
            chosen(&grids.surroundings(frame, self.target), self.target, accept, samples.negatives, &mut self.rng)
        } else {
            engine.described(frame, self.negative_boxes())
        };
        self.negatives.push(negatives.into());
    }

    /// Boxes of the background around the target.
    fn negative_boxes(&mut self) -> Vec<BoundingBox> {
        let samples = &self.engine.config.update_samples;
        let accept = Accept::overlap(0.0, samples.negative_overlap);
        self.sampler.draw_accepted(self.target, UPDATE_NEGATIVE_SPREAD, samples.negatives, accept)
    }
}

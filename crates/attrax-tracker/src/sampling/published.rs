//! Random boxes around a box: candidates, training samples and the samples of box regression.
//!
//! The draws are MDNet's (Nam & Han, CVPR 2016, section 4): translation in units of the mean of
//! width and height, scale as a power of a factor. Gaussian draws are `0.5 N(0, 1)` clipped to [-1,
//! 1].

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::BoundingBox;
use crate::config::{Anywhere, Around, Aspect};
use crate::geometry::{confined, least_sides};
use crate::profile::{self, Stage};

/// How a box is varied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Gaussian translation and scale; the aspect stays.
    Gaussian(Around),
    /// Uniform translation, scale and aspect.
    Uniform(Around, Aspect),
    /// Centres on a regular grid over the whole frame in random order; uniform scale and aspect.
    WholeFrame(Anywhere, Aspect),
}

/// Which part of a box has to be inside the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Its centre.
    Centre,
    /// All of it.
    Whole,
}

/// Draws boxes in a frame of fixed size, from a seeded stream.
#[derive(Debug)]
pub struct Sampler {
    frame_width: f64,
    frame_height: f64,
    /// The smallest sides of what is drawn, pixels.
    least: (f64, f64),
    rng: ChaCha8Rng,
}

/// Which of the drawn boxes are kept.
#[derive(Clone, Copy, Debug)]
pub struct Accept {
    /// Smallest and largest overlap with the box.
    pub overlap: (f64, f64),
    /// Smallest and largest ratio of areas to the box.
    pub area_ratio: (f64, f64),
}

impl Accept {
    /// Any size; overlap within the two bounds, both included.
    #[must_use]
    pub const fn overlap(lowest: f64, highest: f64) -> Self {
        Self { overlap: (lowest, highest), area_ratio: (0.0, f64::INFINITY) }
    }

    /// Whether a sample satisfies the condition.
    pub(crate) fn accepts(&self, sample: BoundingBox, target: BoundingBox) -> bool {
        let (overlap, ratio) = (sample.overlap(target), sample.area() / target.area());
        (self.overlap.0..=self.overlap.1).contains(&overlap) && (self.area_ratio.0..=self.area_ratio.1).contains(&ratio)
    }
}

/// Draws tried for each box asked for, before a sampler gives up on a hard condition.
const TRIES_PER_SAMPLE: usize = 200;

impl Sampler {
    /// A sampler for frames of a size (pixels).
    #[must_use]
    pub fn new((width, height): (u32, u32), rng: ChaCha8Rng) -> Self {
        Self { frame_width: f64::from(width), frame_height: f64::from(height), least: (10.0, 10.0), rng }
    }

    /// The same sampler, whose boxes may be as small as a target's first box.
    #[must_use]
    pub fn for_target(mut self, first: BoundingBox) -> Self {
        self.fit_target(first);
        self
    }

    /// From now on boxes may be as small as this box of the target.
    pub fn fit_target(&mut self, given: BoundingBox) {
        self.least = least_sides(given);
    }

    /// Exactly `count` boxes around `target`, their sides usable and their centres inside the
    /// frame, or all of them where `inside` says so.
    pub fn draw(&mut self, target: BoundingBox, spread: Spread, count: usize, inside: Inside) -> Vec<BoundingBox> {
        let _span = profile::span(Stage::Sampling);
        let (width, height) = (self.frame_width, self.frame_height);
        let grid = self.whole_frame_centres(spread, target, count);
        let drawn = (0..count).map(|i| self.draw_one(target, spread, grid.get(i).copied()));
        match inside {
            Inside::Centre => drawn.collect(),
            Inside::Whole => drawn.map(|drawn| drawn.moved_inside(width, height)).collect(),
        }
    }

    /// Up to `count` boxes around `target` that satisfy a condition: fewer if the condition is hard
    /// to meet, none if it cannot be met (no box of overlap below 0.3 fits next to a target that
    /// fills the frame).
    pub fn draw_accepted(
        &mut self,
        target: BoundingBox,
        spread: Spread,
        count: usize,
        accept: Accept,
    ) -> Vec<BoundingBox> {
        let _span = profile::span(Stage::Sampling);
        let mut kept = Vec::with_capacity(count);
        let mut tries = 0;
        while kept.len() < count && tries < count * TRIES_PER_SAMPLE {
            let batch = self.draw(target, spread, count, Inside::Centre);
            tries += batch.len();
            let missing = count - kept.len();
            kept.extend(batch.into_iter().filter(|b| accept.accepts(*b, target)).take(missing));
        }
        kept
    }

    fn draw_one(&mut self, target: BoundingBox, spread: Spread, centre: Option<(f64, f64)>) -> BoundingBox {
        let (cx, cy) = target.centre();
        let unit = target.mean_side();
        let (centre, width, height) = match spread {
            Spread::Gaussian(Around { translation, scale, .. }) => {
                let (dx, dy) = (self.gaussian(), self.gaussian());
                let factor = scale.powf(self.gaussian());
                let centre = (cx + translation * unit * dx, cy + translation * unit * dy);
                (centre, target.width * factor, target.height * factor)
            }
            Spread::Uniform(Around { translation, scale, aspect }, form) => {
                let (dx, dy) = (self.uniform(), self.uniform());
                let factor = scale.powf(self.uniform());
                let centre = (cx + translation * unit * dx, cy + translation * unit * dy);
                let (wide, high) = self.proportions(aspect, form);
                (centre, target.width * factor * wide, target.height * factor * high)
            }
            Spread::WholeFrame(Anywhere { scale, aspect }, form) => {
                let factor = scale.powf(self.uniform());
                let (wide, high) = if aspect > 1.0 { self.proportions(aspect, form) } else { (1.0, 1.0) };
                (centre.unwrap_or((cx, cy)), target.width * factor * wide, target.height * factor * high)
            }
        };
        let drawn = BoundingBox::from_centre(centre, width, height);
        confined(drawn, self.least, (self.frame_width, self.frame_height))
    }

    /// Centres for boxes over the whole frame: a square grid of at least `count` points, shuffled;
    /// nothing for the other spreads.
    fn whole_frame_centres(&mut self, spread: Spread, target: BoundingBox, count: usize) -> Vec<(f64, f64)> {
        if !matches!(spread, Spread::WholeFrame(..)) {
            return Vec::new();
        }
        let side = (2.0 * (count as f64).sqrt()) as usize + 1;
        let along = |i: usize, extent: f64, limit: f64| {
            let share = i as f64 / (side - 1).max(1) as f64;
            extent / 2.0 + share * (limit - extent).max(0.0)
        };
        let mut centres: Vec<_> = (0..side * side)
            .map(|i| {
                (along(i % side, target.width, self.frame_width), along(i / side, target.height, self.frame_height))
            })
            .collect();
        centres.shuffle(&mut self.rng);
        centres
    }

    /// Factors of width and height.
    fn proportions(&mut self, aspect: f64, form: Aspect) -> (f64, f64) {
        let wide = aspect.powf(self.uniform());
        match form {
            Aspect::Reciprocal => (wide, 1.0 / wide),
            Aspect::Independent => (wide, aspect.powf(self.uniform())),
        }
    }

    fn gaussian(&mut self) -> f64 {
        let normal: f64 = StandardNormal.sample(&mut self.rng);
        (0.5 * normal).clamp(-1.0, 1.0)
    }

    fn uniform(&mut self) -> f64 {
        self.rng.random_range(-1.0..=1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn sampler() -> Sampler {
        Sampler::new((320, 240), ChaCha8Rng::seed_from_u64(7))
    }

    const NEAR: Around = Around { translation: 0.6, scale: 1.05, aspect: 1.0 };
    const TARGET: BoundingBox = BoundingBox::new(100.0, 80.0, 40.0, 60.0);

    #[test]
    fn gaussian_draws_stay_within_their_spread() {
        for b in sampler().draw(TARGET, Spread::Gaussian(NEAR), 2000, Inside::Centre) {
            let ((cx, cy), (tx, ty)) = (b.centre(), TARGET.centre());
            assert!((cx - tx).abs() <= 30.0 + 1e-9 && (cy - ty).abs() <= 30.0 + 1e-9);
            assert!((1.0 / 1.05 - 1e-9..=1.05 + 1e-9).contains(&(b.width / 40.0)));
        }
    }

    #[test]
    fn accepted_draws_satisfy_the_condition() {
        let accept = Accept { overlap: (0.6, 1.0), area_ratio: (1.0, 2.0) };
        let spread = Spread::Uniform(Around { translation: 0.3, scale: 1.6, aspect: 1.1 }, Aspect::Independent);
        let boxes = sampler().draw_accepted(TARGET, spread, 1000, accept);
        assert_eq!(boxes.len(), 1000);
        assert!(boxes.iter().all(|b| b.overlap(TARGET) >= 0.6 && b.area() >= TARGET.area()));
    }

    #[test]
    fn a_condition_that_cannot_be_met_ends_with_no_boxes() {
        let all = BoundingBox::new(0.0, 0.0, 320.0, 240.0);
        let spread = Spread::Uniform(Around { translation: 0.1, scale: 1.0, aspect: 1.0 }, Aspect::Reciprocal);
        assert!(sampler().draw_accepted(all, spread, 10, Accept::overlap(0.0, 0.1)).is_empty());
    }

    #[test]
    fn whole_frame_draws_reach_every_quarter() {
        let spread = Spread::WholeFrame(Anywhere { scale: 1.2, aspect: 1.1 }, Aspect::Reciprocal);
        let boxes = sampler().draw(TARGET, spread, 400, Inside::Centre);
        for (right, below) in [(false, false), (true, false), (false, true), (true, true)] {
            let quarter = |b: &&BoundingBox| (b.centre().0 > 160.0) == right && (b.centre().1 > 120.0) == below;
            assert!(boxes.iter().filter(quarter).count() > 50);
        }
    }

    #[test]
    fn equal_seeds_draw_equal_boxes() {
        let draw = || sampler().draw(TARGET, Spread::Gaussian(NEAR), 50, Inside::Centre);
        assert_eq!(draw(), draw());
    }

    #[test]
    fn a_reciprocal_aspect_keeps_the_area() {
        let around = Around { translation: 0.0, scale: 1.0, aspect: 1.3 };
        let boxes = sampler().draw(TARGET, Spread::Uniform(around, Aspect::Reciprocal), 100, Inside::Centre);
        assert!(boxes.iter().all(|b| (b.area() - TARGET.area()).abs() < 1e-9));
        assert!(boxes.iter().any(|b| (b.width / TARGET.width - 1.0).abs() > 0.1));
    }

    #[test]
    fn candidates_can_be_kept_inside_the_frame() {
        let corner = BoundingBox::new(-10.0, 200.0, 40.0, 60.0);
        let draw = |inside| sampler().draw(corner, Spread::Gaussian(NEAR), 200, inside);
        let whole = |b: &BoundingBox| b.x >= 0.0 && b.y >= 0.0 && b.x + b.width <= 320.0 && b.y + b.height <= 240.0;
        assert!(draw(Inside::Whole).iter().all(whole));
        assert!(!draw(Inside::Centre).iter().all(whole));
    }
}

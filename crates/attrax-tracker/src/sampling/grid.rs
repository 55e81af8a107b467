//! Candidates and samples on common grids, for the presets `attrax` and `fast`: many boxes share
//! one pass of the network.
//!
//! The published tracker draws every box by itself. Here a few windows are drawn, and their boxes
//! are on a grid. The candidates of a frame serve as its samples too, so that a frame takes a
//! fraction of the time of drawn boxes (`docs/performance.md`).

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::published::Accept;
use crate::backbone::{Backbone, Dense, View};
use crate::config::{Around, Config};
use crate::learning::memory::Described;
use crate::{BoundingBox, Frame};

/// Grid of the windows far from the target, pixels of a crop.
const WIDE_STEP: usize = 16;
/// Boxes on each side of a window's middle, at most: bounds the memory of very flat or very tall
/// targets.
const LARGEST_RADIUS: usize = 24;
/// Scales of the candidates, as powers of the published factor: a Gaussian draw rarely goes farther
/// than 0.7.
const SCALES: [f64; 3] = [-0.7, 0.0, 0.7];

/// The grids, which share what is equal.
#[derive(Debug)]
pub(crate) struct Grids {
    passes: Vec<Dense>,
    /// Places in `passes`.
    near: usize,
    /// Of the search around the expected place.
    search: usize,
    /// Of candidates of other sizes than the target's.
    scales: usize,
    wide: usize,
}

/// How far a window's boxes reach from its middle.
#[derive(Clone, Copy, Debug)]
enum Radius {
    /// Mean sides of the middle's box.
    Sides(f64),
    /// Positions of the grid.
    Positions(usize),
}

impl Grids {
    /// The grids that a configuration asks for.
    pub fn new(backbone: &Backbone, config: &Config) -> Self {
        let mut steps: Vec<usize> = Vec::new();
        let mut of = |step: usize| {
            let step = if step == 0 { config.grid } else { step };
            steps.iter().position(|other| *other == step).unwrap_or_else(|| {
                steps.push(step);
                steps.len() - 1
            })
        };
        let [near, search, scales, wide] = [0, config.search_grid, config.scale_grid, WIDE_STEP].map(&mut of);
        let passes = steps.iter().map(|step| Dense::new(backbone, *step)).collect();
        Self { passes, near, search, scales, wide }
    }

    /// The same grids for another thread; weights and threads are shared.
    pub fn share(&self) -> Self {
        Self { passes: self.passes.iter().map(Dense::share).collect(), ..*self }
    }

    /// What is around the target in a frame: the candidates, at three scales, or at the target's
    /// own where the others are drawn around the best of those (`scale_reach`). `translation` is in
    /// mean sides.
    pub fn search(
        &self,
        frame: &Frame,
        around: BoundingBox,
        translation: f64,
        config: &Config,
        rng: &mut ChaCha8Rng,
    ) -> Described {
        let powers = if config.scale_reach > 0.0 { &SCALES[1..2] } else { &SCALES };
        at_scales(&self.passes[self.search], powers, (frame, around), Radius::Sides(translation), config, rng)
    }

    /// Candidates of the target's own size around the best place of a search, as far as the
    /// search's next position, if the search's are farther apart than those of the near grid.
    pub fn between(
        &self,
        frame: &Frame,
        best: BoundingBox,
        config: &Config,
        rng: &mut ChaCha8Rng,
    ) -> Option<Described> {
        let steps = config.search_grid / config.grid.max(1);
        let between =
            || at_scales(&self.passes[self.near], &SCALES[1..2], (frame, best), Radius::Positions(steps), config, rng);
        (steps > 1).then(between)
    }

    /// Candidates of other sizes around the best place.
    pub fn other_sizes(&self, frame: &Frame, best: BoundingBox, config: &Config, rng: &mut ChaCha8Rng) -> Described {
        let (powers, radius) = ([SCALES[0], SCALES[2]], Radius::Sides(config.scale_reach));
        at_scales(&self.passes[self.scales], &powers, (frame, best), radius, config, rng)
    }

    /// Samples of the background around the target in a later frame, `translation` mean sides far.
    pub fn surroundings(&self, frame: &Frame, target: BoundingBox, translation: f64) -> Described {
        let view =
            View { region: target, radius: radius(&self.passes[self.wide], target, translation * target.mean_side()) };
        look(&self.passes[self.wide], frame, &[view])
    }

    /// Boxes that overlap the target in the first frame: a `share` of the windows.
    pub fn first_near(
        &self,
        frame: &Frame,
        target: BoundingBox,
        config: &Config,
        share: f64,
        rng: &mut ChaCha8Rng,
    ) -> Described {
        let spreads = &config.spreads;
        let Around { translation, aspect, .. } = spreads.regression;
        let views: Vec<View> = (0..part(config.initial_windows.near, share))
            .map(|_| {
                let scale = spreads.positive.scale.powf(signed(rng));
                let region = scaled(target, scale, aspect.powf(signed(rng)));
                let (dx, dy) = self.passes[self.near].stride(region);
                let (cx, cy) = region.centre();
                let centre = (cx + 0.5 * signed(rng) * dx, cy + 0.5 * signed(rng) * dy);
                let region = BoundingBox::from_centre(centre, region.width, region.height);
                View { region, radius: radius(&self.passes[self.near], region, translation * target.mean_side()) }
            })
            .collect();
        look(&self.passes[self.near], frame, &views)
    }

    /// Boxes of the background in the first frame: around the target and anywhere, in a `share` of
    /// the windows.
    pub fn first_background(
        &self,
        frame: &Frame,
        target: BoundingBox,
        config: &Config,
        share: f64,
        rng: &mut ChaCha8Rng,
    ) -> Described {
        let (spreads, windows) = (&config.spreads, &config.initial_windows);
        let (wide, anywhere) = (part(windows.around, share), part(windows.anywhere, share));
        let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
        let views: Vec<View> = (0..wide + anywhere)
            .map(|number| {
                let (scale, aspect) = if number < wide {
                    (spreads.initial_negative.scale, spreads.initial_negative.aspect)
                } else {
                    (spreads.anywhere_negative.scale, spreads.anywhere_negative.aspect)
                };
                let region = scaled(target, scale.powf(signed(rng)), aspect.powf(signed(rng)));
                let (cx, cy) = region.centre();
                let jitter = 0.3 * target.mean_side();
                let (near, far) = (
                    (cx + jitter * signed(rng), cy + jitter * signed(rng)),
                    (rng.random::<f64>() * width, rng.random::<f64>() * height),
                );
                let centre = if number < wide { near } else { far };
                let region = BoundingBox::from_centre(centre, region.width, region.height);
                View { region, radius: radius(&self.passes[self.wide], region, 1.5 * target.mean_side()) }
            })
            .collect();
        look(&self.passes[self.wide], frame, &views)
    }
}

/// Boxes around a place of a frame at several scales, each a window.
fn at_scales(
    dense: &Dense,
    powers: &[f64],
    (frame, around): (&Frame, BoundingBox),
    far: Radius,
    config: &Config,
    rng: &mut ChaCha8Rng,
) -> Described {
    let views: Vec<View> = powers
        .iter()
        .map(|power| {
            let region = scaled(around, config.scale.powf(*power), 1.0);
            let (dx, dy) = dense.stride(region);
            // Between two positions of the grid, elsewhere in every frame.
            let (u, v) = (rng.random_range(-0.5..0.5), rng.random_range(-0.5..0.5));
            let (cx, cy) = region.centre();
            let moved = BoundingBox::from_centre((cx + u * dx, cy + v * dy), region.width, region.height);
            let radius = match far {
                Radius::Sides(sides) => radius(dense, moved, sides * around.mean_side()),
                Radius::Positions(steps) => (steps, steps),
            };
            View { region: moved, radius }
        })
        .collect();
    look(dense, frame, &views)
}

/// Up to `count` samples that satisfy a condition, chosen at random.
pub(crate) fn chosen(
    samples: &Described,
    target: BoundingBox,
    accept: Accept,
    count: usize,
    rng: &mut ChaCha8Rng,
) -> Described {
    let mut places = places(samples, |region| accept.accepts(region, target));
    places.shuffle(rng);
    places.truncate(count);
    at(samples, &places)
}

/// The candidates wholly inside the frame, or all if those are too few: a target as large as the
/// frame has no position wholly inside it.
pub(crate) fn wholly_inside(seen: Described, config: &Config) -> Described {
    if !config.candidates_inside {
        return seen;
    }
    let (width, height) = (f64::from(seen.frame.width()), f64::from(seen.frame.height()));
    let places = places(&seen, |b| b.x >= 0.0 && b.y >= 0.0 && b.x + b.width <= width && b.y + b.height <= height);
    if places.len() < config.best { seen } else { at(&seen, &places) }
}

/// Two lists of samples of a frame as one.
pub(crate) fn together(first: &Described, second: &Described) -> Described {
    let ranks = first.ranks.as_ref().zip(second.ranks.as_ref());
    Described {
        frame: first.frame.clone(),
        boxes: [first.boxes.as_slice(), &second.boxes].concat(),
        features: Tensor::cat(&[&first.features, &second.features], 0),
        ranks: ranks.map(|(first, second)| Tensor::cat(&[first, second], 0)),
    }
}

/// The places of the samples whose boxes satisfy a condition.
fn places(samples: &Described, good: impl Fn(BoundingBox) -> bool) -> Vec<i64> {
    (0i64..).zip(&samples.boxes).filter(|(_, region)| good(**region)).map(|(place, _)| place).collect()
}

/// The samples at some places.
fn at(samples: &Described, places: &[i64]) -> Described {
    let rows = Tensor::from_slice(places).to_device(samples.features.device());
    Described {
        frame: samples.frame.clone(),
        boxes: places.iter().map(|place| samples.boxes[*place as usize]).collect(),
        features: samples.features.index_select(0, &rows),
        ranks: samples.ranks.as_ref().map(|ranks| ranks.index_select(0, &rows)),
    }
}

/// The boxes of some views whose centres are inside the frame, and their features.
fn look(dense: &Dense, frame: &Frame, views: &[View]) -> Described {
    let boxes: Vec<BoundingBox> = views.iter().flat_map(|view| dense.boxes(view)).collect();
    let samples = Described::new(frame, boxes, dense.describe(frame, views));
    let (width, height) = (f64::from(frame.width()), f64::from(frame.height()));
    let inside = |region: BoundingBox| {
        let (cx, cy) = region.centre();
        (0.0..=width).contains(&cx) && (0.0..=height).contains(&cy)
    };
    at(&samples, &places(&samples, inside))
}

/// A share of `count` windows or samples, at least one.
pub(super) fn part(count: usize, share: f64) -> usize {
    (count as f64 * share).ceil() as usize
}

/// Grid positions that reach `distance` pixels of the frame.
fn radius(dense: &Dense, region: BoundingBox, distance: f64) -> (usize, usize) {
    let (dx, dy) = dense.stride(region);
    let steps = |stride: f64| ((distance / stride).round() as usize).clamp(1, LARGEST_RADIUS);
    (steps(dx), steps(dy))
}

/// The box with its sides multiplied, width by `factor * aspect` and height by `factor / aspect`.
fn scaled(target: BoundingBox, factor: f64, aspect: f64) -> BoundingBox {
    BoundingBox::from_centre(target.centre(), target.width * factor * aspect, target.height * factor / aspect)
}

/// A uniform draw from -1 to 1.
fn signed(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(-1.0..=1.0)
}

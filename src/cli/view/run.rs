//! What is tracked on the page: the clip, orders, and runs with their results.

use std::collections::BTreeMap;
use std::sync::Arc;

use attrax_tracker::{BoundingBox, Config};

use super::reel::Reel;
use crate::cli::track::boxes::Truth;
use crate::cli::track::follower::Observation;

/// The clip.
pub struct Clip {
    /// Its name on the command line.
    pub name: String,
    /// The number of frames, where it is known.
    pub count: Option<usize>,
    /// Frames a second, where a video says so.
    pub rate: Option<f64>,
    /// Width and height, pixels.
    pub size: (u32, u32),
    /// The first frame, a JPEG.
    pub first: Vec<u8>,
    /// The ground truth stored with the frames.
    pub truth: Option<Truth>,
    /// The frames themselves.
    pub reel: Reel,
}

/// A run that the page requests: the target in a frame, and one or two trackers by name.
#[derive(Clone)]
pub struct Order {
    /// The frame to start in, counted from 0.
    pub from: usize,
    /// The box, pixels.
    pub region: BoundingBox,
    /// The boxes to learn from, by frame; the first one is where learning begins, the last one is `region`.
    pub given: BTreeMap<usize, BoundingBox>,
    /// The trackers.
    pub trackers: Vec<Choice>,
    /// Whether maps are made of each frame.
    pub maps: bool,
}

/// A tracker of a run.
#[derive(Clone)]
pub struct Choice {
    /// The preset's name.
    pub preset: String,
    /// Lambda, where it is not the preset's.
    pub lambda: Option<f64>,
    /// The parameters.
    pub config: Config,
}

impl Choice {
    /// The name in pictures.
    pub fn name(&self) -> String {
        self.lambda.map_or_else(|| self.preset.clone(), |lambda| format!("{}, lambda {lambda}", self.preset))
    }
}

/// A frame that was tracked.
pub struct Shot {
    /// The frame, a JPEG.
    pub jpeg: Vec<u8>,
    /// The result of each tracker.
    pub observed: Vec<Observation>,
    /// Time for reading it and for all trackers.
    pub seconds: f64,
}

/// A box that was given in a later frame of a run.
#[derive(Clone)]
pub struct Correction {
    /// The frame, counted from 0.
    pub frame: usize,
    /// The box, pixels.
    pub region: BoundingBox,
    /// Whether what was learnt before stays.
    pub keep: bool,
}

/// A run up to its newest frame.
#[derive(Clone, Default)]
pub struct Run {
    /// Names of the trackers.
    pub names: Vec<String>,
    /// Whether there are maps.
    pub maps: bool,
    /// The first frame's number in the clip, counted from 0.
    pub from: usize,
    /// The box in the first frame.
    pub region: Option<BoundingBox>,
    /// Boxes that were given in later frames, in order.
    pub corrections: Vec<Correction>,
    /// The frames, in order.
    pub shots: Vec<Arc<Shot>>,
}

impl Run {
    /// The boxes that its trackers have learnt from and not forgotten, by frame.
    pub fn given(&self) -> BTreeMap<usize, BoundingBox> {
        let mut given: BTreeMap<_, _> = self.region.map(|region| (self.from, region)).into_iter().collect();
        for Correction { frame, region, keep } in &self.corrections {
            if !keep {
                given.clear();
            }
            given.insert(*frame, *region);
        }
        given
    }
}

/// What the tracking thread does next.
pub enum Task {
    /// Begin a run.
    Start(Order),
    /// Track one frame.
    Track,
    /// Leave the run: no page is open.
    Leave,
}

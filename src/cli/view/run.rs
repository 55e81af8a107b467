//! What is tracked on the page: the clip, the targets, and runs with their results.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use attrax_tracker::{BoundingBox, Config, Frame};

use super::live::Live;
use super::reel::Reel;
use crate::cli::track::boxes::Truth;
use crate::cli::track::follower::Observation;

/// Targets of a run at most: as many colours can be told apart.
pub const TARGETS: usize = 8;

/// The clip, or the camera.
pub struct Clip {
    /// Its name on the command line.
    pub name: String,
    /// The number of frames, where it is known.
    pub count: Option<usize>,
    /// Frames a second, where a video says so.
    pub rate: Option<f64>,
    /// Width and height, pixels.
    pub size: (u32, u32),
    /// The first frame.
    pub frame: Frame,
    /// The first frame as a JPEG.
    pub first: Vec<u8>,
    /// The ground truth stored with the frames.
    pub truth: Option<Truth>,
    /// The frames themselves.
    pub input: Input,
}

/// Where the frames come from.
pub enum Input {
    /// Files or a video, any frame of which can be read again.
    Clip(Reel),
    /// A camera, a stream or standard input.
    Live(Arc<Live>),
}

impl Clip {
    /// The frames that can be read again.
    pub fn reel(&self) -> Option<&Reel> {
        match &self.input {
            Input::Clip(reel) => Some(reel),
            Input::Live(_) => None,
        }
    }

    /// The live source.
    pub fn live(&self) -> Option<&Arc<Live>> {
        match &self.input {
            Input::Clip(_) => None,
            Input::Live(live) => Some(live),
        }
    }
}

/// A box that a target's trackers learn from.
#[derive(Clone, Copy)]
pub struct Given {
    /// The box, pixels.
    pub region: BoundingBox,
    /// Whether what was learnt before stays.
    pub keep: bool,
}

/// A target. Frames are counted from 0.
#[derive(Clone)]
pub struct Target {
    /// Its name; empty where it has none.
    pub name: String,
    /// The boxes that were given, by frame; it is followed from the first one on.
    pub given: BTreeMap<usize, Given>,
    /// The first frame in which it is not followed any more.
    pub end: Option<usize>,
}

impl Target {
    /// A target by its first box.
    pub fn new(name: String, frame: usize, region: BoundingBox) -> Self {
        Self { name, given: BTreeMap::from([(frame, Given { region, keep: false })]), end: None }
    }

    /// The frame in which it begins.
    pub fn begin(&self) -> usize {
        self.given.first_key_value().map_or(0, |(frame, _)| *frame)
    }

    /// Whether it is followed in a frame.
    pub fn is_followed(&self, frame: usize) -> bool {
        self.begin() <= frame && self.end.is_none_or(|end| frame < end)
    }

    /// Where its trackers have to begin for results from a frame on: at the last box before which
    /// everything was forgotten.
    pub fn start(&self, frame: usize) -> usize {
        let anew = self.given.range(..=frame).rfind(|(_, given)| !given.keep);
        anew.map_or_else(|| self.begin(), |(frame, _)| *frame)
    }
}

/// A box that the page gives in a later frame, counted from 0.
pub struct Correction {
    /// The target, counted from 0.
    pub target: usize,
    /// Its name, if it is new.
    pub name: String,
    /// The frame.
    pub frame: usize,
    /// The box.
    pub given: Given,
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

/// A frame as the page sees it.
pub struct Picture {
    /// A JPEG.
    pub jpeg: Vec<u8>,
    /// Of a live source, seconds since the run's first frame.
    pub time: Option<f64>,
}

/// A frame that was tracked.
#[derive(Clone)]
pub struct Shot {
    /// The frame.
    pub picture: Arc<Picture>,
    /// The result of each tracker for each target; none in frames in which the target is not
    /// followed. Targets that were added later may lack.
    pub observed: Vec<Option<Arc<Observation>>>,
    /// Time for reading it and for all trackers.
    pub seconds: f64,
}

impl Shot {
    /// The result of a line.
    pub fn of(&self, line: usize) -> Option<&Observation> {
        self.observed.get(line)?.as_deref()
    }
}

/// A run up to its newest frame. Its lines are the targets, or the trackers of its one target.
#[derive(Clone, Default)]
pub struct ViewRun {
    /// The targets.
    pub targets: Vec<Target>,
    /// The trackers: one, or several of one target.
    pub trackers: Vec<Choice>,
    /// Whether there are maps.
    pub maps: bool,
    /// The first frame's number in the clip, counted from 0.
    pub from: usize,
    /// The frames, in order.
    pub shots: Vec<Arc<Shot>>,
}

impl ViewRun {
    /// Names of the lines.
    pub fn names(&self) -> Vec<String> {
        match self.targets.as_slice() {
            [_] => self.trackers.iter().map(Choice::name).collect(),
            targets => (1..).zip(targets).map(|(number, target)| named(&target.name, number)).collect(),
        }
    }

    /// The number of the frame that is tracked next.
    pub fn next(&self) -> usize {
        self.from + self.shots.len()
    }

    /// Gives a target a box in a frame that was tracked; a target that is not there yet begins in
    /// it. The frames from there on are cut off and given back.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn correct(&mut self, correction: &Correction) -> Result<Vec<Arc<Shot>>, String> {
        let Correction { target, ref name, frame, given } = *correction;
        if target > self.targets.len() || target >= TARGETS {
            return Err(format!("the page follows {TARGETS} targets at most; attrax track has no limit"));
        }
        if target > 0 && self.trackers.len() > 1 {
            return Err("several targets are followed by one tracker; start without the second one".into());
        }
        match self.targets.get_mut(target) {
            Some(target) => {
                if target.end.is_some_and(|end| frame > end) {
                    return Err("the target is not followed any more; add another one".into());
                }
                target.given.retain(|earlier, _| *earlier < frame);
                target.end = None;
                let keep = given.keep && !target.given.is_empty();
                target.given.insert(frame, Given { keep, ..given });
            }
            None => self.targets.push(Target::new(name.clone(), frame, given.region)),
        }
        Ok(self.shots.split_off((frame - self.from).min(self.shots.len())))
    }

    /// Does not follow a target from a frame on.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn end(&mut self, target: usize, frame: usize) -> Result<(), String> {
        let others = self.targets.iter().enumerate().any(|(other, its)| other != target && its.end.is_none());
        let Some(ended) = self.targets.get_mut(target) else { return Err("there is no such target".into()) };
        if ended.end.is_some() {
            return Err("the target is not followed any more".into());
        }
        if frame <= ended.begin() {
            return Err("a target is followed in its first frame at least".into());
        }
        if !others {
            return Err("no other target is followed; pause or start again instead".into());
        }
        ended.given.retain(|earlier, _| *earlier < frame);
        ended.end = Some(frame);
        let from = self.from;
        for (place, shot) in self.shots.iter_mut().enumerate() {
            if from + place >= frame && shot.of(target).is_some() {
                let mut without = Shot::clone(shot);
                without.observed[target] = None;
                *shot = Arc::new(without);
            }
        }
        Ok(())
    }

    /// The time between two frames of a live source in the mean, frames a second.
    pub fn rate(&self) -> Option<f64> {
        let last = self.shots.last()?.picture.time?;
        (last > 0.0).then(|| (self.shots.len() - 1) as f64 / last)
    }
}

/// A target's name, or its number where it has none.
pub fn named(name: &str, number: usize) -> String {
    if name.is_empty() { format!("target {number}") } else { name.into() }
}

/// What the tracking thread should do with a run.
pub struct Order {
    /// The next frame to show.
    pub from: usize,
    /// The targets.
    pub targets: Vec<Target>,
    /// The trackers.
    pub trackers: Vec<Choice>,
    /// Whether maps are made of each frame.
    pub maps: bool,
    /// What is different from the run at hand; without it a run begins.
    pub change: Option<Change>,
    /// The frames of a live source up to now.
    pub recorded: Vec<Arc<Picture>>,
}

/// What an order changes in a run.
#[derive(Default)]
pub struct Change {
    /// The targets whose trackers learn again.
    pub targets: BTreeSet<usize>,
    /// Frames that are shown again: the results of other targets are those.
    pub later: Vec<Arc<Shot>>,
}

impl Change {
    /// This change after an earlier one that the tracking thread has not seen.
    pub fn after(mut self, earlier: Self) -> Self {
        self.targets.extend(earlier.targets);
        self.later.extend(earlier.later);
        self
    }
}

/// What the tracking thread does next.
pub enum Task {
    /// Begin a run, or change it.
    Start(Order),
    /// Track one frame.
    Track,
    /// The run has ended.
    Stop,
    /// Leave the run: no page is open.
    Leave,
}

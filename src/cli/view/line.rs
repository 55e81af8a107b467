//! One tracker on one target of a run: how far it has come, and its results that are to be shown
//! again.

use std::collections::BTreeMap;
use std::sync::Arc;

use attrax_tracker::{Frame, TrackerError};

use super::run::{Shot, Target};
use crate::cli::track::follower::{Follower, Observation};

/// A tracker at work on a target.
pub struct Line {
    /// The target's place among the targets.
    pub target: usize,
    follower: Follower,
    /// The next frame that it tracks, counted from 0.
    next: usize,
    /// Results of frames that are shown again, by frame.
    known: BTreeMap<usize, Arc<Observation>>,
}

impl Line {
    /// A tracker that begins for results from a frame on.
    pub fn new(target: usize, follower: Follower, of: &Target, from: usize) -> Self {
        Self { target, follower, next: of.start(from), known: BTreeMap::new() }
    }

    /// Forgets everything: the target is learnt again, for results from a frame on.
    pub fn begin_again(&mut self, of: &Target, from: usize) {
        self.follower.forget();
        self.known.clear();
        self.next = of.start(from);
    }

    /// Takes the results of frames from one on, which are shown again.
    pub fn know(&mut self, line: usize, from: usize, later: &[Arc<Shot>]) {
        for (frame, shot) in (from..).zip(later) {
            if let Some(Some(observed)) = shot.observed.get(line) {
                self.known.insert(frame, Arc::clone(observed));
            }
        }
    }

    /// Keeps the result of a frame that is shown later.
    pub fn keep(&mut self, frame: usize, observed: Option<Arc<Observation>>) {
        if let Some(observed) = observed {
            self.known.insert(frame, observed);
        }
    }

    /// The frame that it needs next, for results from a frame on.
    pub fn needs(&self, of: &Target, from: usize) -> usize {
        if of.end.is_some_and(|end| end <= from) { from } else { self.next.min(from) }
    }

    /// The result of a frame, where the target is followed in it. Frames come one after the other.
    ///
    /// # Errors
    /// Where the tracker fails.
    pub fn track(
        &mut self,
        frame: &Frame,
        number: usize,
        of: &Target,
        with_maps: bool,
    ) -> Result<Option<Arc<Observation>>, TrackerError> {
        if let Some(known) = self.known.remove(&number) {
            return Ok(Some(known).filter(|_| of.is_followed(number)));
        }
        if number < self.next || !of.is_followed(number) {
            return Ok(None);
        }
        self.next = number + 1;
        match of.given.get(&number) {
            Some(given) => {
                if !given.keep {
                    self.follower.forget();
                }
                self.follower.learn(frame, given.region, with_maps).map(|observed| Some(Arc::new(observed)))
            }
            None => Ok(self.follower.track(frame, with_maps)?.map(Arc::new)),
        }
    }
}

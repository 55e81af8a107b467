//! The state of a run for the page, as JSON.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::run::{Shot, ViewRun};
use super::session::Session;
use crate::cli::track::follower::Observation;

/// A request for news waits this long.
const HOLD: Duration = Duration::from_secs(2);

impl Session {
    /// Waits a while for a version other than `since`.
    pub async fn wait_for_news(&self, since: usize) {
        let mut versions = self.versions.subscribe();
        // Without any news the answer says just that.
        let _ = timeout(HOLD, versions.wait_for(|version| *version != since)).await;
    }

    /// The state, for a page that knows the first `from` frames of run `number`.
    pub fn news(&self, number: usize, from: usize) -> Value {
        let state = self.lock();
        let from = if number == state.number { from } else { 0 };
        let run = &state.run;
        let frames = run.shots.iter().enumerate().skip(from);
        let frames: Vec<Value> = frames.map(|(place, shot)| self.row(run, run.from + place, shot)).collect();
        let live = self.clip.live();
        json!({
            "version": state.version,
            "run": state.number,
            "phase": state.phase(),
            "reason": state.reason,
            "names": run.names(),
            "targets": targets(run),
            "trackers": run.trackers.len(),
            "maps": run.maps,
            "start": run.from,
            "from": from,
            "frames": frames,
            "skipped": state.skipped,
            "frozen": live.and_then(|live| live.frozen()).map_or(0, |picture| picture.number),
            "over": live.and_then(|live| live.ended()),
        })
    }

    /// The targets that the page begins with: those of the run, or else the one of the ground
    /// truth.
    pub fn targets(&self) -> Value {
        let state = self.lock();
        let truth = self.clip.truth.as_ref().filter(|_| state.number == 0).and_then(|truth| truth.box_in(0).ok());
        match truth {
            Some(b) => json!([{ "name": "", "box": [b.x, b.y, b.width, b.height], "at": 0, "end": null }]),
            None => targets(&state.run),
        }
    }

    /// A frame as the page knows it: seconds, and for each line its box, score, whether it is given
    /// or found, the overlap with the ground truth and the share of attention inside; null where
    /// the target is not followed.
    fn row(&self, run: &ViewRun, frame: usize, shot: &Shot) -> Value {
        let seen = (0..run.targets.len() * run.trackers.len()).map(|line| {
            let Observation { estimate: e, maps, given } = shot.of(line)?;
            let b = e.bounding_box;
            // Of several targets the first one has ground truth.
            let truth = self.clip.truth.as_ref().filter(|_| line == 0 || run.targets.len() == 1);
            Some(json!({
                "box": [b.x, b.y, b.width, b.height], "score": e.confidence, "found": e.success, "given": given,
                "probability": e.probability, "inside": maps.as_ref().and_then(|maps| maps.inside),
                "overlap": truth.and_then(|truth| truth.overlap(frame, b, self.clip.size)),
            }))
        });
        json!({ "seconds": shot.seconds, "seen": seen.collect::<Vec<_>>() })
    }
}

/// Name, last box, its frame, and the end of each target.
fn targets(run: &ViewRun) -> Value {
    let targets = run.targets.iter().map(|target| {
        let last = target.given.last_key_value();
        let last = last.map(|(at, given)| (*at, given.region));
        json!({
            "name": target.name, "box": last.map(|(_, b)| [b.x, b.y, b.width, b.height]), "at": last.map(|(at, _)| at),
            "end": target.end,
        })
    });
    targets.collect()
}

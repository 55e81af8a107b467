//! The state that the page, the server and the tracking thread share: the open page, its orders, and what was tracked.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use attrax_tracker::BoundingBox;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::run::{Choice, Clip, Correction, Order, Run, Shot, Task};

/// A page without a request for this long is gone.
const PATIENCE: Duration = Duration::from_secs(15);
/// A request for news waits this long.
const HOLD: Duration = Duration::from_secs(2);

/// The shared state.
pub struct Session {
    /// The clip.
    pub clip: Clip,
    state: Mutex<State>,
    /// For the tracking thread.
    changed: Condvar,
    /// For the page: the version.
    versions: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    /// The page's own number, and the time of its last request.
    page: Option<String>,
    heard: Option<Instant>,
    /// Counts what changed.
    version: usize,
    /// Counts runs.
    number: usize,
    run: Run,
    /// A run that has to begin.
    order: Option<Order>,
    /// The last run's order; after a correction, that of the correction.
    last: Option<Order>,
    /// Frames that were tracked since the last order.
    tracked: usize,
    /// Whether there is a run that can go on.
    open: bool,
    /// Whether it goes on by itself.
    going: bool,
    /// Single frames to track.
    steps: usize,
    /// Whether a frame is being tracked.
    busy: bool,
    /// Why the run ended, if not at the last frame.
    reason: String,
}

impl State {
    /// Whether a page was there a moment ago.
    fn watched(&self) -> bool {
        self.heard.is_some_and(|heard| heard.elapsed() < PATIENCE)
    }

    /// Takes an order and the run up to now in one step, so that the page does not take the last run for this one.
    fn begin(&mut self, order: Order, run: Run) {
        (self.number, self.run, self.reason) = (self.number + 1, run, String::new());
        (self.last, self.order) = (Some(order.clone()), Some(order));
        (self.open, self.going, self.steps, self.tracked) = (true, true, 0, 0);
    }

    fn phase(&self) -> &'static str {
        match (self.open, self.going || self.steps > 0 || self.busy) {
            (true, true) if self.tracked == 0 => "learning",
            (true, true) => "running",
            (true, false) => "paused",
            (false, _) if self.number == 0 => "ready",
            (false, _) => "ended",
        }
    }
}

impl Session {
    /// Nothing is tracked yet, and no page is open.
    pub fn new(clip: Clip) -> Self {
        // A page that knows nothing has seen version 0.
        Self {
            clip,
            state: Mutex::new(State { version: 1, ..State::default() }),
            changed: Condvar::new(),
            versions: watch::Sender::new(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.version += 1;
        // Locked, so that versions are sent in their order.
        self.versions.send_replace(state.version);
        drop(state);
        self.changed.notify_all();
    }

    /// Whether a page is the one that is served: the first one, until it is gone.
    pub fn admit(&self, page: &str) -> bool {
        let mut state = self.lock();
        let known = !state.watched() || state.page.as_deref().is_none_or(|name| name == page);
        if known {
            (state.page, state.heard) = (Some(page.to_string()), Some(Instant::now()));
        }
        known
    }

    /// A page that waited for its answer was there all the time, unless it has said that it leaves.
    pub fn hear(&self, page: &str) {
        let mut state = self.lock();
        if state.page.as_deref() == Some(page) {
            state.heard = Some(Instant::now());
        }
    }

    /// The last box that was given and its frame, or else that of the ground truth.
    pub fn region(&self) -> Option<(usize, BoundingBox)> {
        let last = self.lock().last.as_ref().map(|order| (order.from, order.region));
        last.or_else(|| Some((0, self.clip.truth.as_ref()?.box_in(0).ok()?)))
    }

    /// The order of the last run.
    pub fn last(&self) -> Option<Order> {
        self.lock().last.clone()
    }

    /// Whether a page is open.
    pub fn watched(&self) -> bool {
        self.lock().watched()
    }

    /// The page was closed. Another one may come at once, and the run waits for it as it does for a silent one.
    pub fn leave(&self) {
        self.lock().page = None;
    }

    /// Begins a run in place of the last one.
    pub fn start(&self, order: Order) {
        let run = Run {
            names: order.trackers.iter().map(Choice::name).collect(),
            maps: order.maps,
            from: order.from,
            region: Some(order.region),
            ..Run::default()
        };
        self.change(|state| state.begin(order, run));
    }

    /// Goes on from a tracked frame of run `number` with another box; the results before it stay. With `keep` its trackers learn
    /// the frame in addition to what they had learnt up to there, else anew. False where there is no such frame.
    pub fn correct(&self, number: usize, frame: usize, region: BoundingBox, keep: bool) -> bool {
        let mut known = false;
        self.change(|state| {
            let (Some(last), Some(place)) = (&state.last, frame.checked_sub(state.run.from)) else { return };
            if number != state.number || place >= state.run.shots.len() {
                return;
            }
            let mut run = state.run.clone();
            run.shots.truncate(place);
            run.corrections.retain(|correction| correction.frame < frame);
            if place == 0 {
                run.region = Some(region);
            } else {
                run.corrections.push(Correction { frame, region, keep });
            }
            let order = Order { from: frame, region, given: run.given(), ..last.clone() };
            state.begin(order, run);
            known = true;
        });
        known
    }

    /// Whether another run has been ordered in the meantime.
    pub fn is_superseded(&self) -> bool {
        self.lock().order.is_some()
    }

    /// Lets the run go on, or holds it.
    pub fn go(&self, going: bool) {
        self.change(|state| (state.going, state.steps) = (going, 0));
    }

    /// Tracks one more frame of a run that is held.
    pub fn step(&self) {
        self.change(|state| state.steps += usize::from(!state.going));
    }

    /// Waits until there is something to do. A run without a page is left, if one is `active`.
    pub fn next(&self, active: bool) -> Task {
        let mut state = self.lock();
        loop {
            if let Some(order) = state.order.take() {
                return Task::Start(order);
            }
            if !state.watched() {
                self.clip.reel.close();
                if active {
                    return Task::Leave;
                }
            }
            if active && (state.going || state.steps > 0) {
                (state.steps, state.busy) = (state.steps.saturating_sub(1), true);
                return Task::Track;
            }
            let waited = self.changed.wait_timeout(state, Duration::from_millis(500));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Adds a frame to the run, unless another run has begun in the meantime.
    pub fn add(&self, shot: Shot) {
        self.change(|state| {
            state.busy = false;
            if state.order.is_none() {
                state.tracked += 1;
                state.run.shots.push(Arc::new(shot));
            }
        });
    }

    /// The run is over, unless another one has begun in the meantime.
    pub fn end(&self, reason: &str) {
        self.change(|state| {
            state.busy = false;
            if state.order.is_none() {
                (state.open, state.going, state.steps, state.reason) = (false, false, 0, reason.to_string());
            }
        });
    }

    /// A run up to its newest frame, if it is still the last one.
    pub fn run(&self, number: usize) -> Option<Run> {
        let state = self.lock();
        (number > 0 && number == state.number).then(|| state.run.clone())
    }

    /// Bytes of the frames of the run.
    pub fn kept(&self) -> usize {
        self.lock().run.shots.iter().map(|shot| shot.jpeg.len()).sum()
    }

    /// A frame of a run by its number in the clip, counted from 0.
    pub fn shot(&self, number: usize, frame: usize) -> Option<Arc<Shot>> {
        let state = self.lock();
        state.run.shots.get(frame.checked_sub(state.run.from)?).filter(|_| number == state.number).cloned()
    }

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
        let frames = state.run.shots.iter().enumerate().skip(from);
        let frames: Vec<Value> = frames.map(|(place, shot)| self.row(state.run.from + place, shot)).collect();
        json!({
            "version": state.version,
            "run": state.number,
            "phase": state.phase(),
            "reason": state.reason,
            "names": state.run.names,
            "maps": state.run.maps,
            "start": state.run.from,
            "from": from,
            "frames": frames,
        })
    }

    /// A frame as the page knows it: seconds, and for each tracker its box, score, whether the target is found, the overlap with
    /// the ground truth and the share of attention inside.
    fn row(&self, frame: usize, shot: &Shot) -> Value {
        let trackers = shot.observed.iter().map(|observed| {
            let (b, e) = (observed.estimate.bounding_box, &observed.estimate);
            let truth = self.clip.truth.as_ref();
            json!({
                "box": [b.x, b.y, b.width, b.height], "score": e.confidence, "found": e.success,
                "probability": e.probability, "inside": observed.maps.as_ref().and_then(|maps| maps.inside),
                "overlap": truth.and_then(|truth| truth.overlap(frame, b, self.clip.size)),
            })
        });
        json!({ "seconds": shot.seconds, "seen": trackers.collect::<Vec<_>>() })
    }
}

//! What the page, the threads that answer it and the one that tracks share: who the page is, what it wants, what was tracked.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use attrax_tracker::{BoundingBox, Config};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::cli::track::boxes::Truth;
use crate::cli::track::follower::Seen;

/// A page that asks for nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(15);
/// A request for news waits so long for some.
const HOLD: Duration = Duration::from_secs(2);

/// What is to be tracked in.
pub struct Clip {
    /// Its name on the command line.
    pub name: String,
    /// How many frames there are, where that is known.
    pub count: Option<usize>,
    /// Frames a second, where a video says so.
    pub rate: Option<f64>,
    /// Width and height, pixels.
    pub size: (u32, u32),
    /// The first frame, a JPEG.
    pub first: Vec<u8>,
    /// The ground truth beside the frames.
    pub truth: Option<Truth>,
}

/// A run that the page asks for: the target in the first frame, and one or two trackers by name.
pub struct Order {
    /// The box, pixels.
    pub region: BoundingBox,
    /// Names and parameters of the trackers.
    pub trackers: Vec<(String, Config)>,
    /// Whether maps are made of each frame.
    pub maps: bool,
}

/// A frame that was tracked.
pub struct Shot {
    /// The frame, a JPEG.
    pub jpeg: Vec<u8>,
    /// What each tracker says.
    pub seen: Vec<Seen>,
    /// Time for reading it and for all trackers.
    pub seconds: f64,
}

/// A run so far.
#[derive(Clone, Default)]
pub struct Run {
    /// Names of the trackers.
    pub names: Vec<String>,
    /// Whether there are maps.
    pub maps: bool,
    /// The frames, in order.
    pub shots: Vec<Arc<Shot>>,
}

/// What the tracking thread does next.
pub enum Task {
    /// Begin a run.
    Start(Order),
    /// Track one frame.
    Track,
    /// Leave the run: nobody looks.
    Leave,
}

/// The shared state.
pub struct Session {
    /// What is tracked in.
    pub clip: Clip,
    state: Mutex<State>,
    /// For the tracking thread.
    changed: Condvar,
    /// For the page: the version.
    versions: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    /// The page's own number, and when a page was last heard of.
    page: Option<String>,
    heard: Option<Instant>,
    /// Counts what changed.
    version: usize,
    /// Counts runs.
    number: usize,
    run: Run,
    order: Option<Order>,
    /// The box of the last run.
    region: Option<BoundingBox>,
    /// Whether there is a run that can go on.
    open: bool,
    /// Whether it goes on by itself.
    going: bool,
    /// Single frames that are wanted.
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

    fn phase(&self) -> &'static str {
        match (self.open, self.going || self.steps > 0 || self.busy) {
            (true, true) if self.run.shots.is_empty() => "learning",
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

    /// The box of the last run, or else that of the ground truth.
    pub fn region(&self) -> Option<BoundingBox> {
        self.lock().region.or_else(|| self.clip.truth.as_ref()?.first_box().ok())
    }

    /// Whether anybody looks.
    pub fn watched(&self) -> bool {
        self.lock().watched()
    }

    /// The page was closed. Another one may come at once, and the run waits for it as it does for a silent one.
    pub fn leave(&self) {
        self.lock().page = None;
    }

    /// Asks for a run instead of the one that there is.
    pub fn start(&self, order: Order) {
        self.change(|state| {
            // At once, so that the page does not take the last run for this one.
            let names = order.trackers.iter().map(|(name, _)| name.clone()).collect();
            state.run = Run { names, maps: order.maps, shots: Vec::new() };
            (state.number, state.region, state.reason) = (state.number + 1, Some(order.region), String::new());
            (state.order, state.open, state.going, state.steps) = (Some(order), true, true, 0);
        });
    }

    /// Lets the run go on, or holds it.
    pub fn go(&self, going: bool) {
        self.change(|state| (state.going, state.steps) = (going, 0));
    }

    /// Asks for one more frame of a run that is held.
    pub fn step(&self) {
        self.change(|state| state.steps += usize::from(!state.going));
    }

    /// Waits until there is something to do. A run that nobody looks at any more is left, if one is `active`.
    pub fn next(&self, active: bool) -> Task {
        let mut state = self.lock();
        loop {
            if let Some(order) = state.order.take() {
                return Task::Start(order);
            }
            if active && !state.watched() {
                return Task::Leave;
            }
            if active && (state.going || state.steps > 0) {
                (state.steps, state.busy) = (state.steps.saturating_sub(1), true);
                return Task::Track;
            }
            let waited = self.changed.wait_timeout(state, Duration::from_millis(500));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Adds a frame to the run, unless another run was asked for in the meantime.
    pub fn add(&self, shot: Shot) {
        self.change(|state| {
            state.busy = false;
            if state.order.is_none() {
                state.run.shots.push(Arc::new(shot));
            }
        });
    }

    /// The run is over, unless another one was asked for in the meantime.
    pub fn end(&self, reason: &str) {
        self.change(|state| {
            state.busy = false;
            if state.order.is_none() {
                (state.open, state.going, state.steps, state.reason) = (false, false, 0, reason.to_string());
            }
        });
    }

    /// A run so far, if it is still the last one.
    pub fn run(&self, number: usize) -> Option<Run> {
        let state = self.lock();
        (number > 0 && number == state.number).then(|| state.run.clone())
    }

    /// A frame of a run, counted from 0.
    pub fn shot(&self, number: usize, frame: usize) -> Option<Arc<Shot>> {
        let state = self.lock();
        state.run.shots.get(frame).filter(|_| number == state.number).cloned()
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
        let frames: Vec<Value> = state.run.shots.iter().skip(from).map(|shot| row(shot)).collect();
        json!({
            "version": state.version,
            "run": state.number,
            "phase": state.phase(),
            "reason": state.reason,
            "names": state.run.names,
            "maps": state.run.maps,
            "from": from,
            "frames": frames,
        })
    }
}

/// A frame as the page knows it: seconds, and for each tracker box, score, whether it is found, and the share of attention.
fn row(shot: &Shot) -> Value {
    let trackers = shot.seen.iter().map(|seen| {
        let (b, e) = (seen.estimate.bounding_box, &seen.estimate);
        let inside = seen.maps.as_ref().and_then(|maps| maps.inside);
        json!({
            "box": [b.x, b.y, b.width, b.height], "score": e.confidence, "found": e.success,
            "probability": e.probability, "inside": inside,
        })
    });
    json!({ "seconds": shot.seconds, "seen": trackers.collect::<Vec<_>>() })
}

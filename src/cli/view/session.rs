//! The state that the page, the server and the tracking thread share: the open page, its orders,
//! and what was tracked.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::run::{Change, Clip, Correction, Order, Shot, Task, ViewRun};

/// A page without a request for this long is gone.
const PATIENCE: Duration = Duration::from_secs(15);

/// The shared state.
pub struct Session {
    /// The clip.
    pub clip: Clip,
    state: Mutex<State>,
    /// For the tracking thread.
    changed: Condvar,
    /// For the page: the version.
    pub versions: watch::Sender<usize>,
}

/// What the tracking thread is at.
#[derive(Clone, Copy, Default, PartialEq)]
enum Work {
    /// Nothing.
    #[default]
    None,
    /// A frame of a run that goes on.
    Frame,
    /// A single frame.
    Step,
}

/// What changes.
#[derive(Default)]
pub struct State {
    /// The page's own number, and the time of its last request.
    page: Option<String>,
    heard: Option<Instant>,
    /// Counts what changed.
    pub version: usize,
    /// Counts runs and their corrections.
    pub number: usize,
    /// The run.
    pub run: ViewRun,
    /// A run that has to begin.
    order: Option<Order>,
    /// Frames that were tracked since the last order.
    tracked: usize,
    /// Whether there is a run that can go on.
    open: bool,
    /// Whether it goes on by itself.
    going: bool,
    /// Whether it should end.
    stopped: bool,
    /// Single frames to track.
    steps: usize,
    /// The frame that is being tracked.
    work: Work,
    /// Why the run ended, if not at the last frame.
    pub reason: String,
    /// Frames of a live source that were not tracked because newer ones had come.
    pub skipped: usize,
}

impl State {
    /// Whether a page was there a moment ago.
    fn watched(&self) -> bool {
        self.heard.is_some_and(|heard| heard.elapsed() < PATIENCE)
    }

    /// Takes an order and the run up to now in one step, so that the page does not take the last
    /// run for this one.
    fn begin(&mut self, run: ViewRun, change: Option<Change>) {
        let later = change.as_ref().map_or(&[][..], |change| change.later.as_slice());
        let recorded = run.shots.iter().chain(later).map(|shot| Arc::clone(&shot.picture));
        let recorded = recorded.filter(|picture| picture.time.is_some()).collect();
        let change = match (change, self.order.take().map(|order| order.change)) {
            (Some(change), Some(Some(earlier))) => Some(change.after(earlier)),
            (change, None) => change,
            // The run has not begun yet, or another one begins.
            (_, Some(None)) | (None, Some(Some(_))) => None,
        };
        self.order = Some(Order {
            from: run.next(),
            targets: run.targets.clone(),
            trackers: run.trackers.clone(),
            maps: run.maps,
            change,
            recorded,
        });
        (self.number, self.run, self.reason) = (self.number + 1, run, String::new());
        (self.open, self.going, self.steps, self.tracked, self.stopped) = (true, true, 0, 0, false);
    }

    /// What the run does.
    pub fn phase(&self) -> &'static str {
        match (self.open, self.going || self.steps > 0 || self.work != Work::None) {
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

    /// The state, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, State> {
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

    /// Whether a page is open.
    pub fn watched(&self) -> bool {
        self.lock().watched()
    }

    /// The page was closed. Another one may come at once, and the run waits for it as it does for a
    /// silent one.
    pub fn leave(&self) {
        self.lock().page = None;
    }

    /// Begins a run in place of the last one.
    pub fn start(&self, run: ViewRun) {
        self.change(|state| state.begin(run, None));
    }

    /// Gives a target of run `number` a box in a tracked frame and goes on from there: the results
    /// before it stay, and those of other targets. With `keep` its trackers learn the frame in
    /// addition to what they had learnt up to there, else anew.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn correct(&self, number: usize, correction: &Correction) -> Result<(), String> {
        self.change_run(number, |state, mut run| {
            let later = run.correct(correction)?;
            state.begin(run, Some(Change { targets: BTreeSet::from([correction.target]), later }));
            Ok(())
        })
    }

    /// Does not follow a target of run `number` from a frame on; the others go on.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn end_target(&self, number: usize, target: usize, frame: usize) -> Result<(), String> {
        self.change_run(number, |state, mut run| {
            run.end(target, frame)?;
            if state.open {
                let (going, steps, tracked) = (state.going, state.steps, state.tracked);
                state.begin(run, Some(Change::default()));
                (state.going, state.steps, state.tracked) = (going, steps, tracked);
            } else {
                (state.number, state.run) = (state.number + 1, run);
            }
            Ok(())
        })
    }

    /// Names a target.
    pub fn rename(&self, number: usize, target: usize, name: &str) -> Result<(), String> {
        self.change_run(number, |state, _| {
            let target = state.run.targets.get_mut(target).ok_or("there is no such target")?;
            target.name = name.into();
            Ok(())
        })
    }

    /// Changes the run of a number, if it is still the last one.
    fn change_run(
        &self,
        number: usize,
        change: impl FnOnce(&mut State, ViewRun) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut done = Err("there is another run now".to_string());
        self.change(|state| {
            if number == state.number {
                let run = state.run.clone();
                done = change(state, run);
            }
        });
        done
    }

    /// Whether the next frame of a run that goes on is wanted.
    pub fn is_wanted(&self) -> bool {
        let state = self.lock();
        state.order.is_none()
            && state.open
            && !state.stopped
            && state.watched()
            && (state.going || state.work == Work::Step)
    }

    /// Something of the clip has changed, which the page should know.
    pub fn announce(&self) {
        self.change(|_| {});
    }

    /// Ends a run.
    pub fn stop(&self) {
        self.change(|state| state.stopped = state.open);
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
                if let Some(reel) = self.clip.reel() {
                    reel.close();
                }
                if active {
                    return Task::Leave;
                }
            }
            if active && state.stopped {
                return Task::Stop;
            }
            if active && (state.going || state.steps > 0) {
                state.work = if state.steps > 0 { Work::Step } else { Work::Frame };
                state.steps = state.steps.saturating_sub(1);
                return Task::Track;
            }
            let waited = self.changed.wait_timeout(state, Duration::from_millis(500));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Adds a frame to the run, and the frames that were skipped up to now, unless another run has
    /// begun in the meantime; says whether it was added.
    pub fn add(&self, shot: Shot, skipped: usize) -> bool {
        let mut added = false;
        self.change(|state| {
            state.work = Work::None;
            if state.order.is_none() {
                (state.tracked, state.skipped, added) = (state.tracked + 1, skipped, true);
                state.run.shots.push(Arc::new(shot));
            }
        });
        added
    }

    /// No frame was wanted any more.
    pub fn rest(&self) {
        self.change(|state| state.work = Work::None);
    }

    /// The run is over, unless another one has begun in the meantime.
    pub fn end(&self, reason: &str) {
        self.change(|state| {
            state.work = Work::None;
            if state.order.is_none() {
                (state.open, state.going, state.steps, state.reason) = (false, false, 0, reason.to_string());
                state.stopped = false;
            }
        });
    }

    /// A run up to its newest frame, if it is still the last one.
    pub fn run(&self, number: usize) -> Option<ViewRun> {
        let state = self.lock();
        (number > 0 && number == state.number).then(|| state.run.clone())
    }

    /// Bytes of the frames of the run.
    pub fn kept(&self) -> usize {
        self.lock().run.shots.iter().map(|shot| shot.picture.jpeg.len()).sum()
    }

    /// A frame of a run by its number in the clip, counted from 0.
    pub fn shot(&self, number: usize, frame: usize) -> Option<Arc<Shot>> {
        let state = self.lock();
        state.run.shots.get(frame.checked_sub(state.run.from)?).filter(|_| number == state.number).cloned()
    }
}

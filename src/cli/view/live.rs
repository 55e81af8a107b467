//! A camera, a stream or standard input: a thread keeps the newest frame, which the page shows and
//! freezes and a run tracks in.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use attrax_tracker::Frame;

use crate::cli::one_line;
use crate::cli::track::ahead::Frames;

/// Pictures that the page was given last: it freezes one of them.
const SHOWN: usize = 4;
/// A request for a newer picture waits this long.
const HOLD: Duration = Duration::from_secs(2);

/// A frame of a live source.
#[derive(Clone)]
pub struct Numbered {
    /// Its number, counted from 1.
    pub number: usize,
    /// The frame.
    pub frame: Arc<Frame>,
    /// When it came.
    pub at: Instant,
}

/// A live source.
pub struct Live {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    newest: Numbered,
    /// The page's last pictures by the number of its request.
    shown: VecDeque<(usize, Numbered)>,
    frozen: Option<Numbered>,
    /// Whether a page has shown it.
    watched: bool,
    /// Why there are no more frames; empty where the source has ended in order.
    ended: Option<String>,
}

impl Live {
    /// Reads a source whose first frame is known. With a `rate`, frames a second, it is played at
    /// that rate from the first picture of the page on; otherwise frames are taken as they come.
    pub fn start(first: Frame, frames: Frames, rate: Option<f64>) -> Arc<Self> {
        let newest = Numbered { number: 1, frame: Arc::new(first), at: Instant::now() };
        let state = State { newest, shown: VecDeque::new(), frozen: None, watched: false, ended: None };
        let live = Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() });
        let reader = Arc::clone(&live);
        thread::spawn(move || {
            let reason = reader.read(frames, rate.map(|rate| Duration::from_secs_f64(1.0 / rate.max(1.0))));
            reader.lock().ended = Some(reason);
            reader.changed.notify_all();
        });
        live
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is so, for some time at most.
    fn wait(&self, limit: Duration, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |state| !until(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes frames to the end; says why it is the end.
    fn read(&self, mut frames: Frames, period: Option<Duration>) -> String {
        let mut due = None;
        loop {
            if let Some(period) = period {
                let begun = due.unwrap_or_else(|| {
                    drop(self.changed.wait_while(self.lock(), |state| !state.watched));
                    Instant::now()
                });
                // A source that is late is not hurried.
                let next = (begun + period).max(Instant::now());
                thread::sleep(next.saturating_duration_since(Instant::now()));
                due = Some(next);
            }
            let frame = match frames.next() {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return one_line(&error),
                None => return String::new(),
            };
            let mut state = self.lock();
            if frame.size() != state.newest.frame.size() {
                return "the frames have another size now; start attrax view again".into();
            }
            state.newest = Numbered { number: state.newest.number + 1, frame: Arc::new(frame), at: Instant::now() };
            drop(state);
            self.changed.notify_all();
        }
    }

    /// The picture for the page's request number `tick`: waits a while for one that it has not
    /// shown.
    pub fn show(&self, tick: usize) -> Numbered {
        self.lock().watched = true;
        self.changed.notify_all();
        let last = self.lock().shown.back().map_or(0, |(_, picture)| picture.number);
        let mut state = self.wait(HOLD, |state| state.newest.number > last || state.ended.is_some());
        let picture = state.newest.clone();
        state.shown.push_back((tick, picture.clone()));
        if state.shown.len() > SHOWN {
            state.shown.pop_front();
        }
        picture
    }

    /// Freezes the picture that the page was given for its request `tick`, or else the newest one.
    pub fn freeze(&self, tick: usize) {
        let mut state = self.lock();
        let shown = state.shown.iter().rev().find(|(of, _)| *of == tick).map(|(_, picture)| picture.clone());
        state.frozen = Some(shown.unwrap_or_else(|| state.newest.clone()));
    }

    /// Lets the frozen picture go.
    pub fn thaw(&self) {
        self.lock().frozen = None;
    }

    /// The frozen picture.
    pub fn frozen(&self) -> Option<Numbered> {
        self.lock().frozen.clone()
    }

    /// The newest frame, if it has a number above `last`; waits for it for some time at most.
    ///
    /// # Errors
    /// Why there is none any more, where the source has ended; empty where that was in order.
    pub fn next(&self, last: usize, limit: Duration) -> Result<Option<Numbered>, String> {
        let state = self.wait(limit, |state| state.newest.number > last || state.ended.is_some());
        match &state.ended {
            _ if state.newest.number > last => Ok(Some(state.newest.clone())),
            Some(reason) => Err(reason.clone()),
            None => Ok(None),
        }
    }

    /// Why there are no more frames, where it has ended.
    pub fn ended(&self) -> Option<String> {
        self.lock().ended.clone()
    }
}

//! Where the time goes: spans of named stages, recorded by a [`Profiler`].
//!
//! A profiler records the threads that [`Profiler::record`] is called on, together with a model's
//! threads while they work for one of these. Without a profiler a span costs one look at a variable
//! of the thread.
//!
//! ```
//! use attrax_tracker::profile::{self, Profiler, Stage};
//! let profiler = Profiler::new();
//! {
//!     let _recording = profiler.record(0);
//!     let _whole = profile::span(Stage::Frame);
//!     let _part = profile::span(Stage::Crops);
//! }
//! assert!(profiler.finish().to_string().contains("crops"));
//! ```

mod report;
mod stage;

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

pub use self::report::Profile;
pub use self::stage::Stage;

/// One finished span.
#[derive(Clone, Copy, Debug)]
struct Event {
    stage: Stage,
    lane: u32,
    begun: Instant,
    duration: Duration,
    /// The duration without the spans inside it.
    own: Duration,
}

/// Records spans. Clones record together.
#[derive(Clone, Debug, Default)]
pub struct Profiler {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    events: Mutex<Vec<Event>>,
    /// Number of the GPU that spans wait for.
    gpu: OnceLock<i64>,
}

thread_local! {
    /// The profiler of this thread's spans, and their row of the trace.
    static RECORDER: RefCell<Option<(Profiler, u32)>> = const { RefCell::new(None) };
    /// Time of the spans that ended inside the span that is open.
    static INSIDE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

impl Profiler {
    /// A profiler that has recorded nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the device that the spans' work is on; the first call counts. On a GPU every span
    /// begins and ends when all work given to it is done, so that its time is that of its own work.
    /// The whole is slower than without a recording, because the host no longer works in parallel
    /// with the GPU.
    pub fn wait_for(&self, device: Device) {
        if let Device::Cuda(number) = device {
            self.shared.gpu.get_or_init(|| number as i64);
        }
    }

    /// Records the spans of this thread until the value is dropped, in row `lane` of the trace. Row
    /// 0 is the main thread's, whose time the table divides by stages; a model's further threads
    /// take the rows from 1 on.
    #[must_use = "the recording ends where it is dropped"]
    pub fn record(&self, lane: u32) -> Recording {
        let before = RECORDER.replace(Some((self.clone(), lane)));
        Recording { before, here: PhantomData }
    }

    /// Takes what was recorded.
    #[must_use]
    pub fn finish(&self) -> Profile {
        Profile::of(std::mem::take(&mut *self.shared.events.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Waits for the GPU, if the work is on one.
    fn wait(&self) {
        if let Some(number) = self.shared.gpu.get() {
            Cuda::synchronize(*number);
        }
    }
}

/// The profiler that records this thread.
pub(crate) fn current() -> Option<Profiler> {
    RECORDER.with_borrow(|recorder| recorder.as_ref().map(|(profiler, _)| profiler.clone()))
}

/// A thread that is recorded.
#[derive(Debug)]
pub struct Recording {
    /// What recorded the thread before.
    before: Option<(Profiler, u32)>,
    /// A recording ends on the thread where it began.
    here: PhantomData<*const ()>,
}

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDER.set(self.before.take());
    }
}

/// Opens a span, which ends when the value is dropped.
#[must_use = "the span ends where it is dropped"]
pub fn span(stage: Stage) -> Span {
    let open = RECORDER.with_borrow(Option::clone).map(|(profiler, lane)| {
        profiler.wait();
        Open { profiler, lane, stage, outside: INSIDE.replace(Duration::ZERO), begun: Instant::now() }
    });
    Span { open, here: PhantomData }
}

/// A span of time that has not ended.
#[derive(Debug)]
pub struct Span {
    open: Option<Open>,
    /// A span ends on the thread where it began.
    here: PhantomData<*const ()>,
}

#[derive(Debug)]
struct Open {
    profiler: Profiler,
    lane: u32,
    stage: Stage,
    /// Time of finished spans in the span around this one.
    outside: Duration,
    begun: Instant,
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(Open { profiler, lane, stage, outside, begun }) = self.open.take() {
            profiler.wait();
            let duration = begun.elapsed();
            let own = duration.saturating_sub(INSIDE.replace(outside + duration));
            let event = Event { stage, lane, begun, duration, own };
            profiler.shared.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    }
}

//! Frames that a thread reads while others are tracked: all of them in order, or of a live source
//! the newest one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use attrax_tracker::Frame;
use attrax_tracker::profile::{self, Profiler, Stage};

use super::video::{About, Pace};
use crate::cli::interrupt;

/// Between two looks whether an interruption wants the end.
const LOOK: Duration = Duration::from_millis(50);

type Read = anyhow::Result<Frame>;

/// Frames that are read ahead.
pub struct Frames {
    waiting: Arc<Waiting>,
    video: Option<About>,
    newest: bool,
}

/// What was read and not yet taken.
#[derive(Default)]
struct Waiting {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Default)]
struct Slot {
    read: Option<Read>,
    /// Frames that were replaced.
    skipped: usize,
    /// Nothing more is read.
    ended: bool,
    /// Nothing more is taken.
    closed: bool,
}

impl Frames {
    /// Reads on a thread that a profiler records on a row of its trace. With `newest` a frame that
    /// waits is replaced by the next one.
    pub fn read(
        frames: Box<dyn Iterator<Item = Read> + Send>,
        video: Option<About>,
        profiler: Option<(Profiler, u32)>,
        newest: bool,
    ) -> Self {
        let waiting = Arc::new(Waiting::default());
        let reader = Reader(Arc::clone(&waiting));
        thread::spawn(move || {
            let _recording = profiler.as_ref().map(|(profiler, lane)| profiler.record(*lane));
            for frame in frames {
                // Without a taker no more frames are needed.
                if !reader.0.put(frame, newest) {
                    break;
                }
            }
        });
        Self { waiting, video, newest }
    }

    /// Frames a second of a video, once its first frame has been read.
    pub fn rate(&self) -> Option<f64> {
        self.video.as_ref()?.rate()
    }

    /// How fast a video of these frames plays.
    pub fn pace(&self) -> Pace {
        if self.newest { Pace::Clock } else { self.rate().into() }
    }

    /// How many frames a video has by its own declaration, once the first one has been read.
    pub fn declared(&self) -> Option<u64> {
        self.video.as_ref()?.frames()
    }

    /// Frames of a live source that were replaced by newer ones.
    pub fn skipped(&self) -> usize {
        self.waiting.lock().skipped
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a frame where it is taken from; false where none is wanted any more. An error is never
    /// replaced.
    fn put(&self, frame: Read, newest: bool) -> bool {
        let mut slot = self.lock();
        if newest && slot.read.as_ref().is_some_and(Result::is_ok) {
            slot.read = None;
            slot.skipped += 1;
        }
        let full = |slot: &mut Slot| slot.read.is_some() && !slot.closed;
        slot = self.changed.wait_while(slot, full).unwrap_or_else(PoisonError::into_inner);
        slot.read = Some(frame);
        self.changed.notify_all();
        !slot.closed
    }
}

impl Iterator for Frames {
    type Item = Read;

    fn next(&mut self) -> Option<Self::Item> {
        let _span = profile::span(Stage::Decode);
        let mut slot = self.waiting.lock();
        while !interrupt::is_ending() {
            if let Some(read) = slot.read.take() {
                self.waiting.changed.notify_all();
                return Some(read);
            }
            if slot.ended {
                return None;
            }
            slot = self.waiting.changed.wait_timeout(slot, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.waiting.lock().closed = true;
        self.waiting.changed.notify_all();
    }
}

/// The end of the reading thread, however it comes, is known to the taker.
struct Reader(Arc<Waiting>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

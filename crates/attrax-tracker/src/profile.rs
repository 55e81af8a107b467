//! Where the time goes: spans of named stages on every thread, recorded between [`start`] and
//! [`stop`].
//!
//! While nothing is recorded a span costs one relaxed load. `tracing` was considered: its viewers
//! show one row for each thread, and `parallel` starts threads anew for each piece of work,
//! thousands in a minute. Here helpers that take the same place share a lane, so that the trace has
//! as many rows as threads that run together.
//!
//! ```
//! use attrax_tracker::profile::{self, Stage};
//! profile::start();
//! {
//!     let _whole = profile::span(Stage::Frame);
//!     let _part = profile::span(Stage::Crops);
//! }
//! let profile = profile::stop();
//! assert!(profile.to_string().contains("crops"));
//! ```

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

/// What a span of time was spent on. Of nested spans on one thread, the innermost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A whole frame after the first, reading included.
    Frame,
    /// The whole first frame.
    Initialization,
    /// Reading and decoding a frame.
    Decode,
    /// Drawing boxes.
    Sampling,
    /// Resampling crops.
    Crops,
    /// The network on candidates and samples.
    Backbone,
    /// Scores of the candidates.
    Scoring,
    /// The network on a mini-batch once more with its derivative, the maps, and the regulariser's
    /// derivative.
    Attention,
    /// Finding the hardest negative samples.
    Mining,
    /// The rest of the training of fc4-fc6.
    Training,
    /// Box regression.
    Regression,
    /// Waiting for other threads.
    Waiting,
}

impl Stage {
    /// Every stage, in the order of the table; the first two are the wholes that the others are
    /// parts of.
    pub const ALL: [Self; 12] = [
        Self::Frame,
        Self::Initialization,
        Self::Decode,
        Self::Sampling,
        Self::Crops,
        Self::Backbone,
        Self::Scoring,
        Self::Attention,
        Self::Mining,
        Self::Training,
        Self::Regression,
        Self::Waiting,
    ];

    /// Its name in the table and in the trace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Initialization => "initialization",
            Self::Decode => "decode",
            Self::Sampling => "sampling",
            Self::Crops => "crops",
            Self::Backbone => "backbone",
            Self::Scoring => "scoring",
            Self::Attention => "attention",
            Self::Mining => "mining",
            Self::Training => "training",
            Self::Regression => "regression",
            Self::Waiting => "waiting",
        }
    }

    /// Whether it is a whole that other stages are parts of.
    const fn is_whole(self) -> bool {
        matches!(self, Self::Frame | Self::Initialization)
    }
}

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

static RECORDING: AtomicBool = AtomicBool::new(false);
/// Number of the GPU that spans wait for, or -1.
static AWAITED: AtomicI64 = AtomicI64::new(-1);
static EVENTS: Mutex<Vec<Event>> = Mutex::new(Vec::new());

thread_local! {
    static LANE: Cell<u32> = const { Cell::new(0) };
    /// Time of the spans that ended inside the span that is open.
    static INSIDE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

fn take_events() -> Vec<Event> {
    std::mem::take(&mut *EVENTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts to record the spans of every thread, and drops earlier recordings.
pub fn start() {
    take_events();
    RECORDING.store(true, Ordering::Relaxed);
}

/// As [`start`], for work on a device. On a GPU every span begins and ends when all work given to
/// it is done, so that its time is that of its own work. The whole is slower than without a
/// recording, because the host no longer works in parallel with the GPU.
pub fn start_on(device: Device) {
    let number = if let Device::Cuda(number) = device { number as i64 } else { -1 };
    AWAITED.store(number, Ordering::Relaxed);
    start();
}

/// Waits for the GPU, if the recording is of one.
fn wait() {
    let number = AWAITED.load(Ordering::Relaxed);
    if number >= 0 {
        Cuda::synchronize(number);
    }
}

/// Ends the recording and returns it.
pub fn stop() -> Profile {
    RECORDING.store(false, Ordering::Relaxed);
    let mut events = take_events();
    events.sort_by_key(|event| (event.begun, std::cmp::Reverse(event.duration)));
    Profile { events }
}

/// Sets this thread's row of the trace. Every thread starts with row 0, the row of the main thread.
pub fn set_lane(lane: u32) {
    LANE.set(lane);
}

/// Opens a span, which ends when the value is dropped.
#[must_use = "the span ends where it is dropped"]
pub fn span(stage: Stage) -> Span {
    let open = RECORDING.load(Ordering::Relaxed).then(|| {
        wait();
        (stage, INSIDE.replace(Duration::ZERO), Instant::now())
    });
    Span { open, here: PhantomData }
}

/// A span of time that has not ended.
#[derive(Debug)]
pub struct Span {
    /// The stage, the time of finished spans in the span around this one, and the beginning.
    open: Option<(Stage, Duration, Instant)>,
    /// A span ends on the thread where it began.
    here: PhantomData<*const ()>,
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some((stage, outside, begun)) = self.open.take() {
            wait();
            let duration = begun.elapsed();
            let own = duration.saturating_sub(INSIDE.replace(outside + duration));
            let event = Event { stage, lane: LANE.get(), begun, duration, own };
            EVENTS.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    }
}

/// A recording. Displayed, it is a table of seconds by stage.
#[derive(Debug)]
pub struct Profile {
    /// By their beginning, outer spans first.
    events: Vec<Event>,
}

/// Sums over the spans of one stage.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// On the first lane, in wholes of either kind.
    wall: [Duration; 2],
    /// On all lanes.
    threads: Duration,
}

impl Profile {
    /// Writes a trace in the Trace Event Format, which `chrome://tracing` and `ui.perfetto.dev`
    /// open.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_trace(&self, mut out: impl Write) -> io::Result<()> {
        let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
        let epoch = self.events.first().map(|event| event.begun);
        let lanes = self.events.iter().map(|event| event.lane).max().map_or(0, |last| last + 1);
        write!(out, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        write!(out, "{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{{\"name\":\"attrax\"}}}}")?;
        for lane in 0..lanes {
            let name = if lane == 0 { "main".to_string() } else { format!("helper {lane}") };
            write!(out, ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{lane},")?;
            write!(out, "\"args\":{{\"name\":\"{name}\"}}}}")?;
        }
        for Event { stage, lane, begun, duration, .. } in &self.events {
            let at = microseconds(epoch.map_or(Duration::ZERO, |epoch| begun.duration_since(epoch)));
            write!(out, ",\n{{\"name\":\"{}\",\"ph\":\"X\",\"pid\":1,\"tid\":{lane},", stage.name())?;
            write!(out, "\"ts\":{at:.3},\"dur\":{:.3}}}", microseconds(*duration))?;
        }
        writeln!(out, "]}}")?;
        out.flush()
    }

    /// How many frames after a first one there were, and how many first frames.
    fn wholes(&self) -> [usize; 2] {
        let count = |stage| self.events.iter().filter(|event| event.stage == stage).count();
        [count(Stage::Frame), count(Stage::Initialization)]
    }

    /// The sums of every stage, in the order of [`Stage::ALL`]. What happened outside any whole is
    /// left out of the wall time.
    fn sums(&self) -> [Sums; Stage::ALL.len()] {
        let mut sums = [Sums::default(); Stage::ALL.len()];
        // The whole that the first lane was in, and its end.
        let mut whole: Option<(usize, Instant)> = None;
        for event in &self.events {
            if event.stage.is_whole() {
                whole = Some((usize::from(event.stage == Stage::Initialization), event.begun + event.duration));
            }
            let sum = &mut sums[event.stage as usize];
            sum.threads += event.own;
            match whole {
                Some((kind, end)) if event.lane == 0 && event.begun <= end => sum.wall[kind] += event.own,
                _ => {}
            }
        }
        sums
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sums, counts) = (self.sums(), self.wholes());
        let total: f64 = sums.iter().flat_map(|sum| sum.wall).map(|time| time.as_secs_f64()).sum();
        let mean = |time: Duration, count: usize| time.as_secs_f64() / count.max(1) as f64;
        let row = |f: &mut fmt::Formatter<'_>, name: &str, sums: &[Sums]| {
            let sum = |of: fn(&Sums) -> Duration| sums.iter().map(of).sum::<Duration>();
            let (frames, firsts) = (sum(|s| s.wall[0]), sum(|s| s.wall[1]));
            let wall = (frames + firsts).as_secs_f64();
            let (a_frame, a_first) = (mean(frames, counts[0]), mean(firsts, counts[1]));
            let (share, threads) = (100.0 * wall / total.max(1e-9), sum(|s| s.threads).as_secs_f64());
            writeln!(f, "{name:<12} {wall:>9.3} {share:>7.1} {a_frame:>11.4} {a_first:>11.3} {threads:>11.3}")
        };
        writeln!(f, "seconds         wall  share %     a frame  a 1st frame  all threads")?;
        for stage in Stage::ALL.into_iter().filter(|stage| !stage.is_whole()) {
            row(f, stage.name(), &sums[stage as usize..=stage as usize])?;
        }
        row(f, "the rest", &sums[..2])?;
        row(f, "all", &sums)?;
        write!(f, "{} frames after {} first ones. ", counts[0], counts[1])?;
        writeln!(f, "wall: of the main thread, innermost stage; all threads: summed over them.")
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::super::parallel::Workers;
    use super::*;

    const NAP: Duration = Duration::from_millis(20);

    /// The recording is global, and other tests have spans too, so this test runs in a separate
    /// process.
    #[test]
    fn spans_are_told_apart_by_stage_whole_and_thread() {
        if std::env::var_os("ATTRAX_TEST_ALONE").is_none() {
            let name = "profile::tests::spans_are_told_apart_by_stage_whole_and_thread";
            let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
            let output = alone.args(["--exact", name]).env("ATTRAX_TEST_ALONE", "1").output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
            return;
        }
        drop(span(Stage::Decode));
        start();
        {
            let _whole = span(Stage::Initialization);
            let _stage = span(Stage::Training);
            sleep(NAP);
            Workers::new(2).map(vec![(); 2], |()| {
                let _part = span(Stage::Crops);
                sleep(NAP);
            });
        }
        {
            let _whole = span(Stage::Frame);
            let _stage = span(Stage::Scoring);
            sleep(NAP);
        }
        let profile = stop();
        drop(span(Stage::Decode));
        let sums = profile.sums();
        let of = |stage: Stage| sums[stage as usize];
        assert_eq!(profile.wholes(), [1, 1]);
        assert_eq!(of(Stage::Decode).threads, Duration::ZERO, "nothing is recorded before and after");
        assert!(of(Stage::Crops).threads >= 2 * NAP && of(Stage::Crops).wall[1] >= NAP);
        assert!(of(Stage::Crops).wall[1] < of(Stage::Crops).threads, "a helper's time is no wall time");
        assert!(of(Stage::Training).wall[1] >= NAP && of(Stage::Scoring).wall[0] >= NAP);
        assert_eq!(of(Stage::Scoring).wall[1], Duration::ZERO);
        let wall: Duration = sums.iter().flat_map(|sum| sum.wall).sum();
        let wholes = profile.events.iter().filter(|e| e.stage.is_whole()).map(|e| e.duration).sum::<Duration>();
        assert_eq!(wall, wholes, "the parts add up to the wholes");

        let mut trace = Vec::new();
        profile.write_trace(&mut trace).unwrap();
        let trace = String::from_utf8(trace).unwrap();
        assert_eq!(trace.matches("\"ph\":\"X\"").count(), profile.events.len());
        assert!(trace.contains("\"helper 1\"") && !trace.contains("\"helper 2\""));
    }
}

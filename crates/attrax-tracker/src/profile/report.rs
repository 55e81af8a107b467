//! What a recording says: a table of seconds by stage, and a trace.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::{Event, Stage};

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
    /// The recording of some spans.
    pub(super) fn of(mut events: Vec<Event>) -> Self {
        events.sort_by_key(|event| (event.begun, std::cmp::Reverse(event.duration)));
        Self { events }
    }

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

    use super::super::{Profiler, span};
    use super::*;
    use crate::parallel::Workers;

    const NAP: Duration = Duration::from_millis(20);

    #[test]
    fn spans_count_by_stage_whole_and_thread() {
        drop(span(Stage::Decode));
        let (profiler, other) = (Profiler::new(), Profiler::new());
        let recording = profiler.record(0);
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
            let _other = other.record(0);
            drop(span(Stage::Decode));
        }
        {
            let _whole = span(Stage::Frame);
            let _stage = span(Stage::Scoring);
            sleep(NAP);
        }
        drop(recording);
        drop(span(Stage::Decode));
        let (profile, other) = (profiler.finish(), other.finish());
        let sums = profile.sums();
        let of = |stage: Stage| sums[stage as usize];
        assert_eq!((profile.wholes(), other.events.len()), ([1, 1], 1), "recordings are apart");
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
        assert!(profiler.finish().events.is_empty(), "a profile is given once");
    }
}

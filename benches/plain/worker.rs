//! The plain tracker as a separate program for the benchmarks: `plain` runs the requested stages,
//! `plain SEQUENCE` tracks the frames of a sequence, one for each line of its input.

#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

#[path = "../stages/block.rs"]
mod block;
#[path = "mod.rs"]
mod plain;
#[path = "../stages/stage.rs"]
#[allow(dead_code, reason = "the rest is attrax's way")]
mod stage;
#[path = "../support/mod.rs"]
mod support;
#[path = "../stages/windows.rs"]
mod windows;

use std::path::Path;
use std::time::Instant;

use attrax_tracker::Config;
use plain::network::Network;
use plain::tracker::PlainTracker;
use stage::Stage;
use support::network::Architecture;
use support::{sequence, worker};

fn main() {
    tch::set_num_threads(support::THREADS as i32);
    match std::env::args().nth(1) {
        Some(folder) => track(Path::new(&folder)),
        None => stages(),
    }
}

/// Runs the requested stage once, and answers with the seconds.
fn stages() {
    let mut ready: Option<(String, Box<dyn FnMut()>)> = None;
    worker::serve(|name| {
        if ready.as_ref().is_none_or(|(stage, _)| stage != name) {
            let stage = Stage::all().into_iter().find(|stage| stage.name() == name).expect("a known stage");
            let mut run = stage.plain().expect("a stage that has a plain way");
            run();
            ready = Some((name.into(), run));
        }
        let (_, run) = ready.as_mut().expect("made above");
        let begun = Instant::now();
        run();
        vec![begun.elapsed().as_secs_f64()]
    });
}

/// Full DAT on a sequence.
fn track(folder: &Path) {
    let region = sequence::first_box(folder);
    let mut network = Some(Network::new(&Architecture::EfficientNet.parameters()).expect("its own parameters"));
    let mut tracker: Option<PlainTracker> = None;
    worker::serve_frames(folder, |frame| {
        if let Some(tracker) = &mut tracker {
            return tracker.track(frame).0;
        }
        let network = network.take().expect("there until the first frame");
        tracker = Some(PlainTracker::new(network, Config::released(), frame, region, 0));
        region
    });
}

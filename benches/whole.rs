//! The whole tracker next to the plain tracker, frame by frame: `cargo bench --bench whole --
//! SEQUENCES [--frames N] [--only NAME,..]`.
//!
//! `SEQUENCES` is a folder of sequences in the toolkit's format; `make bench` renders the demo's.
//! `--only` names those to track.
//! Each tracker has a separate process, and they take turns at every frame. Other load on the
//! machine then affects all.

#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

/// The program's.
#[path = "../src/allocator.rs"]
mod allocator;
mod support;

use std::path::{Path, PathBuf};

use attrax_tracker::{Config, Model, Tracker};
use support::network::Architecture;
use support::worker::{self, MEMORY, Worker};
use support::{THREADS, sequence, summary};

const WORKER: &str = "--worker";

/// The compared trackers: full DAT (preset `released`) by attrax and by the plain tracker, the
/// default preset, and `fast`.
const WAYS: [&str; 4] = ["released", "plain", "attrax", "fast"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|place| arguments.get(place + 1));
    if let Some(kind) = after(WORKER) {
        return work(kind, Path::new(after("--sequence").expect("a sequence")));
    }
    let frames = after("--frames").map_or(20, |count| count.parse().expect("--frames takes a whole number"));
    let Some(folder) = arguments.first().filter(|argument| !argument.starts_with('-')) else {
        eprintln!("usage: cargo bench --bench whole -- SEQUENCES [--frames N] [--only NAME,..]");
        std::process::exit(2);
    };
    let only: Option<Vec<&str>> = after("--only").map(|names| names.split(',').collect());
    let is_meant = |folder: &PathBuf| only.as_ref().is_none_or(|names| names.iter().any(|name| folder.ends_with(name)));
    let results: Vec<String> = sequences(Path::new(folder))
        .iter()
        .filter(|folder| is_meant(folder))
        .map(|folder| compare(folder, frames))
        .collect();
    let json = format!("{{\"threads\": {THREADS}, \"sequences\": [{}]}}\n", results.join(",\n "));
    summary::write("whole.json", &json);
}

/// The sequences of a dataset, in the order of its list.
fn sequences(folder: &Path) -> Vec<PathBuf> {
    let list = std::fs::read_to_string(folder.join("list.txt")).expect("the folder has a list.txt");
    list.lines().filter(|line| !line.is_empty()).map(|line| folder.join(line)).collect()
}

/// Tracks a sequence in every way; its result as JSON.
fn compare(folder: &Path, frames: usize) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = folder.to_string_lossy();
    let mut workers = WAYS.map(|way| match way {
        "plain" => Worker::plain(&[&path]),
        _ => Worker::again(&[WORKER, way, "--sequence", &path]),
    });
    let (mut seconds, mut far) = (WAYS.map(|_| Vec::new()), Vec::new());
    for number in 0..=frames.min(count_frames(folder) - 1) {
        let answers = workers.each_mut().map(|worker| worker.ask("next"));
        let [ours, plain, default, fast] = &answers;
        let difference = ours[..4].iter().zip(&plain[..4]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!(
            "{name} {number:>3}: released {:>8.3} s, plain {:>8.3} s, {difference:.4} px apart, attrax {:>8.3} s, fast \
             {:>8.3} s",
            ours[4], plain[4], default[4], fast[4]
        );
        seconds.iter_mut().zip(&answers).for_each(|(list, answer)| list.push(answer[4]));
        far.push(difference);
    }
    let memory = workers.each_mut().map(|worker| worker.ask(MEMORY)[0]);
    let of_ways = |values: &[String]| {
        let pairs: Vec<String> = WAYS.iter().zip(values).map(|(way, value)| format!("\"{way}\": {value}")).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    format!(
        "{{\"name\": \"{name}\", \"apart_px\": {},\n  \"seconds\": {},\n  \"peak_mib\": {}}}",
        summary::list(&far),
        of_ways(&seconds.each_ref().map(|numbers| summary::list(numbers))),
        of_ways(&memory.map(summary::number))
    )
}

fn count_frames(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("color")).expect("the sequence has frames").count()
}

/// A worker's process: each request is for the next frame, and answered with the box and the
/// seconds.
fn work(preset: &str, folder: &Path) {
    // As the program does at its start.
    tch::set_num_interop_threads(1);
    tch::set_num_threads(1);
    let config = match preset {
        "fast" => Config::fast(),
        "attrax" => Config::attrax(),
        _ => Config::released(),
    };
    let parameters = Architecture::EfficientNet.parameters();
    let model = Model::new(&parameters, config, THREADS).expect("the presets are valid");
    let region = sequence::first_box(folder);
    let mut tracker: Option<attrax_tracker::Tracker> = None;
    worker::serve_frames(folder, |frame| {
        if let Some(tracker) = &mut tracker {
            return tracker.track(frame).expect("of the same size").bounding_box;
        }
        tracker = Some(Tracker::new(&model, frame, region).expect("the box is in the frame"));
        region
    });
}

//! The whole tracker beside the plain one, frame by frame: `cargo bench --bench whole -- SEQUENCES [--frames N]`.
//!
//! `SEQUENCES` is a folder of sequences in the toolkit's format; `make bench` renders the demo's. Each tracker has a
//! process of its own, and they take turns at every frame, so that whatever else happens on the machine hits both.

#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

mod plain;
mod support;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use attrax::decode::{DecodeLimits, decode_file};
use attrax::session::{PolygonBox, target_box};
use attrax::tracker::{BoundingBox, Config, Engine, Frame};
use attrax::trax::Region;
use plain::network::Network;
use support::network::Architecture;
use support::worker::{self, Worker, peak_memory};
use support::{THREADS, summary};

const WORKER: &str = "--worker";

/// What is compared: full DAT in attrax's way and in the plain one, and the preset `fast`.
const WAYS: [&str; 3] = ["attrax", "plain", "fast"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|place| arguments.get(place + 1));
    if let Some(kind) = after(WORKER) {
        return work(kind, Path::new(after("--sequence").expect("a sequence")));
    }
    let frames = after("--frames").map_or(20, |count| count.parse().expect("--frames takes a whole number"));
    let Some(folder) = arguments.first().filter(|argument| !argument.starts_with('-')) else {
        eprintln!("usage: cargo bench --bench whole -- SEQUENCES [--frames N]");
        std::process::exit(2);
    };
    let results: Vec<String> = sequences(Path::new(folder)).iter().map(|folder| compare(folder, frames)).collect();
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
    let mut workers = WAYS.map(|way| Worker::start(&[WORKER, way, "--sequence", &path]));
    let (mut seconds, mut far) = (WAYS.map(|_| Vec::new()), Vec::new());
    for number in 0..=frames.min(count_frames(folder) - 1) {
        let answers = workers.each_mut().map(|worker| worker.ask("next"));
        let [ours, plain, fast] = &answers;
        let difference = ours[..4].iter().zip(&plain[..4]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!(
            "{name} {number:>3}: attrax {:>8.3} s, plain {:>8.3} s, {difference:.4} px apart, fast {:>8.3} s",
            ours[4], plain[4], fast[4]
        );
        seconds.iter_mut().zip(&answers).for_each(|(list, answer)| list.push(answer[4]));
        far.push(difference);
    }
    let memory = workers.each_mut().map(|worker| worker.ask("memory")[0]);
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

/// Any of the ways, ready to be given frames.
#[allow(clippy::large_enum_variant, reason = "there is one of them in a process")]
enum Way {
    Attrax { engine: Rc<Engine>, tracker: Option<attrax::tracker::Tracker> },
    Plain { network: Option<Network>, tracker: Option<plain::tracker::Tracker> },
}

/// A worker's process: each request is for the next frame, and answered with the box and the seconds.
fn work(kind: &str, folder: &Path) {
    let parameters = Architecture::EfficientNet.parameters();
    let mut way = if kind == "plain" {
        tch::set_num_threads(THREADS as i32);
        Way::Plain { network: Network::new(&parameters).ok(), tracker: None }
    } else {
        // As the program does at its start.
        attrax::native::tune_allocator();
        tch::set_num_interop_threads(1);
        tch::set_num_threads(1);
        let config = if kind == "fast" { Config::fast() } else { Config::released() };
        let engine = Engine::new(&parameters, config, THREADS).expect("the presets are valid");
        Way::Attrax { engine, tracker: None }
    };
    let region = first_box(folder);
    let mut number = 0;
    worker::serve(|request| {
        if request == "memory" {
            return vec![peak_memory(std::process::id())];
        }
        number += 1;
        let begun = Instant::now();
        let frame = read(&folder.join(format!("color/{number:08}.jpg")));
        let found = way.track(&frame, region);
        let seconds = begun.elapsed().as_secs_f64();
        vec![found.x, found.y, found.width, found.height, seconds]
    });
}

impl Way {
    fn track(&mut self, frame: &Frame, region: BoundingBox) -> BoundingBox {
        match self {
            Self::Attrax { tracker: Some(tracker), .. } => tracker.track(frame).expect("of the same size").bounding_box,
            Self::Attrax { engine, tracker } => {
                *tracker = Some(engine.initialize(frame, region, 0).expect("the box is in the frame"));
                region
            }
            Self::Plain { tracker: Some(tracker), .. } => tracker.track(frame).0,
            Self::Plain { network, tracker } => {
                let network = network.take().expect("there until the first frame");
                *tracker = Some(plain::tracker::Tracker::new(network, Config::released(), frame, region, 0));
                region
            }
        }
    }
}

/// The target's box in the first frame, as `attrax serve` takes it from the polygon.
fn first_box(folder: &Path) -> BoundingBox {
    let text = std::fs::read_to_string(folder.join("groundtruth.txt")).expect("the sequence has ground truth");
    let region: Region = text.lines().next().and_then(|line| line.parse().ok()).expect("a region");
    let target = target_box(&region, PolygonBox::SameArea).expect("a box");
    BoundingBox::new(target.x, target.y, target.width, target.height)
}

fn read(path: &Path) -> Frame {
    let image = decode_file(path, &DecodeLimits::default()).expect("a frame");
    Frame::from_rgb8(image.width, image.height, image.pixels).expect("as many bytes as its size says")
}

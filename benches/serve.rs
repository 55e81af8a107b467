//! The program as a TraX server: start, overhead and memory. `cargo bench --bench serve [--
//! --frames N]`, or `make bench`.

#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::summary::{self, median, number};
use support::worker::{memory, peak_memory};
use support::{THREADS, scene};
use trax::{ClientOptions, Connection, Image, Images, Object, Properties, Region, TrackerProcess};

const SIZE: (u32, u32) = (640, 480);
/// Different frames; a session goes through them to and fro.
const FRAMES: usize = 12;
/// A tracker that answers within a moment, with as many frames remembered as always.
const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/quick.toml");

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|place| arguments.get(place + 1));
    let frames = |flag: &str, default: usize| {
        after(flag).map_or(default, |count| count.parse().expect("a whole number of frames"))
    };
    let images = render();
    let starts: Vec<f64> = (0..6).map(|_| start(&["--config", QUICK]).1).collect();
    // The first one reads the files.
    let hello = median(&starts[1..]);
    println!("process start to hello: {hello:.3} s");

    let overheads = overheads(&images, frames("--overhead-frames", 300));
    let overhead = median(&overheads) * 1e3;
    println!("beyond tracking and decode: {overhead:.3} ms a frame");

    let (full, peak) = grow(&[], &images, frames("--frames", 220), 20);
    println!("peak memory with default settings: {peak:.0} MiB");
    let (long, long_peak) = grow(&["--config", QUICK], &images, frames("--long-frames", 5000), 500);
    let text = |list: &[(usize, f64)]| {
        let pairs: Vec<String> = list.iter().map(|(frame, size)| format!("[{frame}, {size:.1}]")).collect();
        format!("[{}]", pairs.join(", "))
    };
    let json = format!(
        "{{\"hello_seconds\": {}, \"hello_all\": {}, \"trax_overhead_ms\": {}, \"trax_overhead_p95_ms\": {},\n \
         \"peak_memory_mib\": {}, \"memory_mib\": {},\n \"long_peak_memory_mib\": {}, \"long_memory_mib\": {}}}\n",
        number(hello),
        summary::list(&starts),
        number(overhead),
        number(percentile(&overheads, 0.95) * 1e3),
        number(peak),
        text(&full),
        number(long_peak),
        text(&long)
    );
    summary::write("serve.json", &json);
}

/// Frames as files, in the order in which a session sees them.
fn render() -> Vec<Images> {
    let folder: PathBuf = summary::folder().join("frames");
    std::fs::create_dir_all(&folder).expect("the project's folder can be written to");
    let image = |index: usize| {
        let path: &Path = &folder.join(format!("{index:02}.jpg"));
        std::fs::write(path, scene::jpeg(SIZE, index)).expect("the project's folder can be written to");
        Images::color(Image::Path(path.to_path_buf()))
    };
    (0..FRAMES).chain((1..FRAMES - 1).rev()).map(image).collect()
}

/// The program, and the seconds from its start to its introduction.
fn start(arguments: &[&str]) -> (TrackerProcess, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attrax"));
    command.arg("serve").args(["--device", "cpu", "--threads", &THREADS.to_string()]).args(arguments);
    let options = ClientOptions::default().timeout(Duration::from_secs(600));
    let begun = Instant::now();
    let process = TrackerProcess::start(command, Connection::Pipes, options).expect("the program introduces itself");
    (process, begun.elapsed().as_secs_f64())
}

/// Starts to track the square.
fn initialize(process: &mut TrackerProcess, images: &[Images]) {
    let b = scene::truth(SIZE, 0);
    let region = Region::rectangle(b.x as f32, b.y as f32, b.width as f32, b.height as f32);
    process.initialize(&images[0], &[Object::new(region)], &Properties::new()).expect("an answer");
}

/// For each frame, the seconds that the client waited less those that the tracker says it worked.
fn overheads(images: &[Images], frames: usize) -> Vec<f64> {
    let mut process = start(&["--config", QUICK]).0;
    initialize(&mut process, images);
    let one = |number: usize| {
        let begun = Instant::now();
        let answer = process.frame(&images[number % images.len()], &[], &Properties::new()).expect("an answer");
        let waited = begun.elapsed().as_secs_f64();
        waited - answer[0].properties.get_f64("time").expect("the tracker says how long it worked")
    };
    (1..=frames).map(one).collect()
}

/// Memory in use after each `interval` frames, MiB, and the peak.
fn grow(arguments: &[&str], images: &[Images], frames: usize, interval: usize) -> (Vec<(usize, f64)>, f64) {
    let mut process = start(arguments).0;
    initialize(&mut process, images);
    let mut sizes = vec![(0, memory(process.id(), "VmRSS:"))];
    for number in 1..=frames {
        process.frame(&images[number % images.len()], &[], &Properties::new()).expect("an answer");
        if number % interval == 0 {
            sizes.push((number, memory(process.id(), "VmRSS:")));
            println!("{number:>6} frames: {:.0} MiB", sizes[sizes.len() - 1].1);
        }
    }
    (sizes, peak_memory(process.id()))
}

/// A quantile of the numbers.
fn percentile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((share * (sorted.len().max(1) - 1) as f64) as usize).copied().unwrap_or(f64::NAN)
}

//! The stages of the tracker beside the plain way and the floor: `cargo bench --bench stages`, or `make bench`.
//!
//! Criterion measures attrax. Between its samples the plain way runs once, in a process of its own, and the machine's
//! rates are measured, so that whatever else happens on the machine hits all three.

#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

mod plain;
#[path = "stages/stage.rs"]
mod stage;
mod support;

use std::time::{Duration, Instant};

use criterion::Criterion;

use stage::Stage;
use support::network::ARCHITECTURES;
use support::summary::{self, median};
use support::worker::{self, Worker};

const WORKER: &str = "--plain-worker";

/// What was measured of one stage, seconds of each sample.
struct Row {
    stage: Stage,
    attrax: Vec<f64>,
    plain: Vec<f64>,
    floor: Vec<f64>,
}

fn main() {
    if std::env::args().any(|argument| argument == WORKER) {
        return work();
    }
    // As the program does at its start.
    attrax::native::tune_allocator();
    tch::set_num_interop_threads(1);
    tch::set_num_threads(1);
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    let mut worker = Worker::start(&[WORKER]);
    let rows: Vec<Row> = stages().into_iter().filter_map(|stage| measure(&mut criterion, stage, &mut worker)).collect();
    criterion.final_summary();
    report(&rows);
}

fn stages() -> Vec<Stage> {
    let of_networks = ARCHITECTURES.map(|a| [Stage::Forward(a), Stage::Iteration(a), Stage::Ridge(a)]);
    let sizes = [(320, 240), (640, 480), (1280, 720)];
    let crops = sizes.map(Stage::Crops).into_iter();
    of_networks.into_iter().flatten().chain(crops).chain([Stage::Decode, Stage::RoundTrip]).collect()
}

/// The plain way's process: runs the stage that it is told once, and answers with the seconds.
fn work() {
    tch::set_num_threads(support::THREADS as i32);
    let mut ready: Option<(String, Box<dyn FnMut()>)> = None;
    worker::serve(|name| {
        if ready.as_ref().is_none_or(|(stage, _)| stage != name) {
            let stage = stages().into_iter().find(|stage| stage.name() == name).expect("a known stage");
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

fn measure(criterion: &mut Criterion, stage: Stage, worker: &mut Worker) -> Option<Row> {
    let mut row = Row { stage, attrax: Vec::new(), plain: Vec::new(), floor: Vec::new() };
    let mut run: Option<Box<dyn FnMut()>> = None;
    criterion.bench_function(&stage.name(), |bencher| {
        bencher.iter_custom(|count| {
            let run = run.get_or_insert_with(|| {
                let mut run = stage.attrax();
                run();
                run
            });
            let begun = Instant::now();
            (0..count).for_each(|_| run());
            let elapsed = begun.elapsed();
            row.attrax.push(elapsed.as_secs_f64() / count as f64);
            if stage.has_plain_way() {
                row.plain.extend(worker.ask(&stage.name()));
            }
            row.floor.push(stage.floor().seconds());
            elapsed
        });
    });
    (!row.attrax.is_empty()).then_some(row)
}

/// Prints the medians and writes them for the page about performance.
fn report(rows: &[Row]) {
    println!("\n{:<32} {:>11} {:>11} {:>11} {:>7} {:>7}", "stage", "attrax s", "plain s", "floor s", "ratio", "floor");
    let mut lines = Vec::new();
    for Row { stage, attrax, plain, floor } in rows {
        let (ours, plain, floor) = (median(attrax), median(plain), median(floor));
        let name = stage.name();
        println!("{name:<32} {ours:>11.5} {plain:>11.5} {floor:>11.6} {:>7.2} {:>7.3}", plain / ours, floor / ours);
        let [ours, plain, floor] = [ours, plain, floor].map(summary::number);
        let of = stage.floor().describe();
        lines.push(format!(
            "{{\"stage\": \"{name}\", \"attrax\": {ours}, \"plain\": {plain}, \"floor\": {floor}, \"floor_of\": \"{of}\", \
             \"samples\": {}}}",
            attrax.len()
        ));
    }
    summary::write("stages.json", &format!("[{}]\n", lines.join(",\n ")));
}

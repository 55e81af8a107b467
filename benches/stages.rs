//! The stages of the tracker next to the plain tracker and the floor: `cargo bench --bench stages`,
//! or `make bench`.
//!
//! Criterion measures attrax. Between its samples the plain tracker runs once, in a separate
//! process, and the machine's rates are measured. Other load on the machine then affects all three.

#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

/// The program's.
#[path = "../src/allocator.rs"]
mod allocator;
#[path = "stages/block.rs"]
mod block;
mod plain;
#[path = "stages/stage.rs"]
#[allow(dead_code, reason = "the rest is the plain way")]
mod stage;
mod support;
#[path = "stages/windows.rs"]
mod windows;

use std::time::{Duration, Instant};

use criterion::Criterion;

use stage::Stage;
use support::summary::{self, median};
use support::worker::Worker;

/// What was measured of one stage, seconds of each sample.
struct Row {
    stage: Stage,
    attrax: Vec<f64>,
    plain: Vec<f64>,
    floor: Vec<f64>,
}

fn main() {
    // As the command does at its start.
    tch::set_num_interop_threads(1);
    tch::set_num_threads(1);
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    let mut worker = Worker::plain(&[]);
    let rows: Vec<Row> =
        Stage::all().into_iter().filter_map(|stage| measure(&mut criterion, stage, &mut worker)).collect();
    criterion.final_summary();
    report(&rows);
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

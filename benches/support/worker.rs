//! A second process that answers requests, one line at a time.
//!
//! The plain tracker is a separate program (`plain/worker.rs`), because attrax's allocator serves a
//! whole process and would speed it up too. The processes take turns, so other load on the machine
//! affects all.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use attrax_tracker::{BoundingBox, Frame};

use super::sequence;

/// The request for a worker's peak memory.
pub const MEMORY: &str = "memory";

/// The other process. It ends when this is dropped.
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts this program again with other arguments.
    pub fn again(arguments: &[&str]) -> Self {
        Self::start(own(), arguments)
    }

    /// Starts the plain tracker. It is an example to Cargo, which stores examples next to the
    /// folder of the benchmarks.
    pub fn plain(arguments: &[&str]) -> Self {
        let path = own().parent().and_then(Path::parent).map(|target| target.join("examples/plain"));
        let program = path.filter(|path| path.is_file());
        Self::start(
            program.expect("not built: run `make bench`, or `cargo build --release --example plain` before"),
            arguments,
        )
    }

    fn start(program: PathBuf, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        let mut child =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the worker starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped above"));
        Self { child, input, output }
    }

    /// Sends a request and waits for the numbers of the answer.
    pub fn ask(&mut self, request: &str) -> Vec<f64> {
        let input = self.input.as_mut().expect("open until dropped");
        writeln!(input, "{request}").and_then(|()| input.flush()).expect("the worker listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the worker answers");
        let numbers: Option<Vec<f64>> = line.split_whitespace().map(|number| number.parse().ok()).collect();
        numbers.filter(|numbers| !numbers.is_empty()).unwrap_or_else(|| panic!("the worker failed at '{request}'"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        self.input = None;
        drop(self.child.wait());
    }
}

/// This program's file.
fn own() -> PathBuf {
    std::env::current_exe().expect("this program's own file")
}

/// The worker's side where each request is for the next frame of a sequence, and answered with the
/// box that `track` finds and the seconds that it took with reading; or for the peak memory.
pub fn serve_frames(folder: &Path, mut track: impl FnMut(&Frame) -> BoundingBox) {
    let mut number = 0;
    serve(|request| {
        if request == MEMORY {
            return vec![peak_memory(std::process::id())];
        }
        number += 1;
        let begun = Instant::now();
        let found = track(&sequence::frame(folder, number));
        vec![found.x, found.y, found.width, found.height, begun.elapsed().as_secs_f64()]
    });
}

/// The worker's side: answers each line of standard input with numbers.
pub fn serve(mut answer: impl FnMut(&str) -> Vec<f64>) {
    for line in std::io::stdin().lines() {
        let numbers = answer(&line.expect("text"));
        let text: Vec<String> = numbers.iter().map(|number| format!("{number:e}")).collect();
        println!("{}", text.join(" "));
    }
}

/// The most memory that this process ever had, MiB.
pub fn peak_memory(process: u32) -> f64 {
    memory(process, "VmHWM:")
}

/// A line of `/proc/PROCESS/status`, in MiB.
pub fn memory(process: u32, key: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    value.and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

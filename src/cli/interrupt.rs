//! Ctrl-C, SIGTERM and a closed terminal: processes end, unfinished files are removed or reported,
//! then the program ends by the signal.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::say;

/// What to do at an interruption; a text is reported.
type Task = Box<dyn FnOnce() -> Option<String> + Send>;

/// The tasks by number, and the next number.
static TASKS: Mutex<(u64, BTreeMap<u64, Task>)> = Mutex::new((0, BTreeMap::new()));

/// What the first signal is answered with where it only asks for the end, and whether it has come.
static ANSWER: Mutex<Option<&str>> = Mutex::new(None);
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on the first signal asks for the end of the work, and is answered: the recording of a
/// camera ends so. The next one interrupts.
pub fn ask_first(answer: &'static str) {
    *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
}

/// Whether the work should be completed now.
pub fn is_ending() -> bool {
    ENDING.load(Ordering::Relaxed)
}

fn tasks() -> MutexGuard<'static, (u64, BTreeMap<u64, Task>)> {
    TASKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A task that is run at an interruption, as long as this value lives.
pub struct Pending(u64);

impl Pending {
    /// Registers a task.
    pub fn new(task: impl FnOnce() -> Option<String> + Send + 'static) -> Self {
        let (next, tasks) = &mut *tasks();
        *next += 1;
        tasks.insert(*next, Box::new(task));
        Self(*next)
    }

    /// Runs the last step of some work and drops the task: an interruption comes before both or
    /// after both.
    pub fn complete<T>(self, step: impl FnOnce() -> T) -> T {
        let mut tasks = tasks();
        let done = step();
        tasks.1.remove(&self.0);
        drop(tasks);
        done
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        tasks().1.remove(&self.0);
    }
}

/// Runs the tasks that are left at the end of the program: a decoder that waits for its camera
/// would stay.
pub fn clean_up() {
    let left = std::mem::take(&mut tasks().1);
    for report in left.into_values().filter_map(|task| task()) {
        log::warn!("{report}");
    }
}

/// From now on an interruption runs the tasks.
pub fn watch() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // `nohup` lets a program go on without its terminal.
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    thread::spawn(move || {
        for signal in signals.forever() {
            let answer = *ANSWER.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = answer.filter(|_| !ENDING.swap(true, Ordering::Relaxed)) {
                say(&format!("attrax: {answer}"));
                continue;
            }
            // Locked to the end: other threads must not give a file its name any more.
            let mut tasks = tasks();
            let reports = std::mem::take(&mut tasks.1).into_values().filter_map(|task| task());
            let reports: Vec<String> = std::iter::once("interrupted".into()).chain(reports).collect();
            say(&format!("attrax: {}", reports.join("; ")));
            if emulate_default_handler(signal).is_err() {
                std::process::abort();
            }
        }
    });
    // With a handler, a write beyond the limit on a file's size is an error.
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Whether a signal is ignored; false where the system does not say.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

//! The `attrax` command.

#![deny(unsafe_code)]

mod allocator;
mod cli;
mod exit;

use std::io::ErrorKind;
use std::process::ExitCode;

fn main() -> ExitCode {
    report_libtorch_once();
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has closed it (`attrax info | head`).
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            cli::say(&format!("attrax: {}", cli::one_line(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Leaves libtorch's failures out of what panics print: the tracker returns them as errors, which
/// are printed once.
fn report_libtorch_once() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        match panic.payload().downcast_ref::<String>().filter(|text| attrax_tracker::is_libtorch_failure(text)) {
            Some(failure) => log::debug!("{failure}"),
            None => print(panic),
        }
    }));
}

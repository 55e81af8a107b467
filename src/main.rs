//! The `attrax` command.

#![deny(unsafe_code)]

mod allocator;
mod cli;
mod exit;

use std::io::ErrorKind;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough (`attrax info | head`).
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("attrax: {}", cli::told(&error));
            ExitCode::FAILURE
        }
    }
}

//! The `attrax` command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("attrax: {error:#}");
            ExitCode::FAILURE
        }
    }
}

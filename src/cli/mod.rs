//! The command line: flags as they are written, then what they resolve to.

mod core;
mod info;
mod interrupt;
mod output;
mod pages;
mod serve;
mod track;
mod view;

use std::io::{IsTerminal, Write};

use clap::{CommandFactory, Parser, Subcommand};

/// Deep Attentive Tracking via Reciprocative Learning, for the VOT toolkit and for your own videos.
#[derive(Parser)]
#[command(
    version,
    about,
    long_about = None,
    after_help = "\
Examples:
  attrax track frames/ --box 198,214,34,81 --out boxes.csv     follow what is in that box through the frames of a folder
  attrax track clip.mp4 --box 198,214,34,81 --video seen.mp4    or of a video, and draw the box into a copy of it
  attrax view clip.mp4                                          the same in a browser: draw the box, see what it sees
  attrax serve --preset mdnet                                   answer a TraX client, without reciprocative learning
  attrax info                                                   show version, device, threads and parameters

Started by the VOT toolkit or another TraX client, a bare `attrax` is `attrax serve`.
Set RUST_LOG=attrax=debug to see what it does."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Answer a TraX client on standard input and output, or on the socket that the client names
    Serve(serve::Args),
    /// Track one target through the frames of a sequence
    Track(Box<track::Args>),
    /// Try it in a browser: draw the box, see frame, attention and scores as they come
    View(view::Args),
    /// Show version, device, threads, weights and the resolved parameters
    Info(info::Args),
    /// Print the completions of a shell: for bash, `attrax completions bash >
    /// ~/.local/share/bash-completion/completions/attrax`
    Completions(pages::Completions),
    /// Print the manual page of attrax or of one of its commands: `attrax man track | man -l -`
    Man(pages::Man),
}

/// Runs the command that the arguments name.
pub fn run() -> anyhow::Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).format(log_line).init();
    let command = match Cli::parse().command {
        Some(command) => command,
        None if std::io::stdin().is_terminal() && std::env::var_os("TRAX_SOCKET").is_none() => {
            return Ok(Cli::command().print_help()?);
        }
        None => Command::Serve(serve::Args::without_flags()?),
    };
    let done = match command {
        Command::Serve(args) => serve::run(&args),
        Command::Track(args) => track::run(&args),
        Command::View(args) => view::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Completions(args) => pages::completions(&args, Cli::command()),
        Command::Man(args) => pages::man(&args, Cli::command()),
    };
    interrupt::clean_up();
    done
}

/// An error and its causes in one line. Some errors' own text ends in that of their cause, which is
/// not repeated.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(|cause| cause.to_string().trim_end().to_string()) {
        if !text.ends_with(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    in_one_line(&text)
}

/// A text with its control characters escaped: names of files may hold line ends and commands to a
/// terminal.
fn in_one_line(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// Writes an entry of the log.
fn log_line(out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>) -> std::io::Result<()> {
    let (time, level, style) = (out.timestamp(), record.level(), out.default_level_style(record.level()));
    let message = record.args().to_string();
    // What libtorch says has several lines.
    let message = if record.level() <= log::Level::Warn { in_one_line(&message) } else { message };
    writeln!(out, "[{time} {style}{level:<5}{style:#} {}] {message}", record.target())
}

/// Writes a line on standard error; where that cannot be written to, there is no other place to say
/// so.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

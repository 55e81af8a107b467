//! `attrax completions` and `attrax man`: what shells and `man` read, made from the flags
//! themselves.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap_complete::Shell;

/// Flags of `attrax completions`.
#[derive(clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Flags of `attrax man`.
#[derive(clap::Args)]
pub struct Man {
    /// The command; without it the page is about all of them
    command: Option<String>,
    /// Write the pages of all commands into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub fn completions(args: &Completions, mut command: clap::Command) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "attrax", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}

/// Prints a manual page, or writes all of them.
pub fn man(args: &Man, mut command: clap::Command) -> anyhow::Result<()> {
    command.build();
    if let Some(folder) = &args.out {
        let cannot = || format!("cannot write into {}", folder.display());
        fs::create_dir_all(folder).with_context(cannot)?;
        return clap_mangen::generate_to(command.disable_help_subcommand(true), folder).with_context(cannot);
    }
    let command = match &args.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => bail!("there is no command '{name}'; `attrax --help` lists them"),
        },
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(std::io::stdout().write_all(&page)?)
}

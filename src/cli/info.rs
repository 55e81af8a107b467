//! `attrax info`: what would run, without running it.

use std::io::Write;

use attrax_tracker::{Explanation, Features};

use super::core;

/// Flags of `attrax info`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    core: core::Args,
    /// Print every parameter with its value, what it does and the values that it may have
    #[arg(long)]
    explain: bool,
}

/// Prints version, libraries, device, threads, weights and the resolved parameters.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.explain {
        let mut out = std::io::stdout().lock();
        for Explanation { key, value, range, about } in args.core.config()?.explain()? {
            writeln!(out, "{key} = {value}\n    {about} Allowed: {range}.")?;
        }
        return Ok(());
    }
    let device = args.core.device()?;
    let weights = args.core.weights()?;
    let numbers: usize = weights.tensors.values().map(|t| t.data.len()).sum();
    let architecture = weights.metadata.get("architecture").map_or("unnamed", String::as_str);
    let config = args.core.config()?;
    let of_videos =
        config.features == Features::Videos && weights.tensors.keys().any(|name| name.starts_with("videos."));
    let trained = if of_videos { "videos" } else { "images" };
    let name = weights.path.display().to_string().replace(char::is_control, "?");
    let mut out = std::io::stdout().lock();
    // Comments, so that the whole is a file of parameters.
    writeln!(out, "# attrax    {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "# libtrax   {}", trax::libtrax_version())?;
    writeln!(out, "# libtorch  {}", env!("LIBTORCH_VERSION"))?;
    writeln!(out, "# device    {device:?}")?;
    writeln!(out, "# threads   {}", args.core.threads())?;
    writeln!(out, "# weights   {name}: {architecture}, features of {trained}, {numbers} numbers")?;
    writeln!(out, "\n# The resolved parameters, in the form of --config.\n{}", toml::to_string(&config)?)?;
    Ok(())
}

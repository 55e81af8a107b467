//! `attrax info`: what would run, without running it.

use super::core;

/// Flags of `attrax info`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    core: core::Args,
}

/// Prints version, libraries, device, threads, weights and the resolved parameters.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let device = args.core.device()?;
    let weights = args.core.weights()?;
    let numbers: usize = weights.tensors.values().map(|t| t.data.len()).sum();
    println!("attrax    {}", env!("CARGO_PKG_VERSION"));
    println!("libtrax   {}", attrax::trax::libtrax_version());
    println!("libtorch  2.11.0 (through tch 0.24.0)");
    println!("device    {device:?}");
    println!("threads   {}", args.core.threads());
    let architecture = weights.metadata.get("architecture").map_or("unnamed", String::as_str);
    println!("weights   {}: {architecture}, {numbers} numbers", weights.path.display());
    println!("parameters\n{:#?}", args.core.config());
    Ok(())
}

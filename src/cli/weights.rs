//! `attrax weights`: converting, inspecting and downloading files of network weights.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use attrax::weights::fetch::{FetchError, Fetched, MATCONVNET_VGG_M, fetch};
use attrax::weights::{EFFICIENTNET_LITE0, Inspection, WeightFile};
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

/// Flags of `attrax weights`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  attrax weights fetch vgg-m                                         download imagenet-vgg-m.mat (about 390 MB)
  attrax weights convert imagenet-vgg-m.mat vgg-m.safetensors        keep the three convolutions that DAT needs (7 MB)
  attrax weights convert mdnet_imagenet_vid.pth mdnet.safetensors    the same from py-MDNet's networks
  attrax weights inspect vgg-m.safetensors                           list layers, shapes and statistics
  attrax track frames/ --box 198,214,34,81 --weights vgg-m.safetensors")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Turn MatConvNet's, MDNet's or py-MDNet's weights into a safetensors file
    Convert {
        /// A .mat, .pth or .safetensors file; its content decides, not its name
        #[arg(value_name = "IN")]
        input: PathBuf,
        /// The safetensors file to write; one that is there is replaced
        #[arg(value_name = "OUT")]
        output: PathBuf,
    },
    /// List a file's layers, shapes and statistics
    Inspect {
        /// A .mat, .pth or .safetensors file
        file: PathBuf,
    },
    /// Download weights; a download that broke off goes on where it stopped
    Fetch {
        /// Which weights
        #[arg(value_enum)]
        name: Source,
        /// The file to write [default: the authors' name, in this folder]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Another place of the same file
        #[arg(long)]
        url: Option<String>,
        /// Accept another file than the ones whose checksums the authors published
        #[arg(long)]
        unverified: bool,
    },
}

/// Weights that can be downloaded.
#[derive(Clone, Copy, ValueEnum)]
enum Source {
    /// VGG-M as MatConvNet publishes it: the network of the paper
    VggM,
}

/// Does what the command says.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Convert { input, output } => convert(input, output),
        Command::Inspect { file } => {
            print!("{}", table(&WeightFile::inspect(file)?));
            println!("{}", verdict(file));
            Ok(())
        }
        Command::Fetch { name: Source::VggM, out, url, unverified } => {
            let target = out.clone().unwrap_or_else(|| PathBuf::from(MATCONVNET_VGG_M.file));
            let md5 = if *unverified { &[] } else { MATCONVNET_VGG_M.md5 };
            download(url.as_deref().unwrap_or(MATCONVNET_VGG_M.url), md5, &target)
        }
    }
}

/// Reads weights of any format and writes them as safetensors.
fn convert(input: &Path, output: &Path) -> anyhow::Result<()> {
    let same = matches!((fs::canonicalize(input), fs::canonicalize(output)), (Ok(a), Ok(b)) if a == b);
    ensure!(!same, "{}: is both the file to read and the file to write", input.display());
    let weights = WeightFile::read(input)?;
    check(&weights)?;
    weights.write(output)?;
    let numbers: usize = weights.tensors.values().map(|array| array.data.len()).sum();
    println!("{}: {} tensors, {numbers} numbers; use it with --weights", output.display(), weights.tensors.len());
    println!("{}", normalisation(&weights));
    Ok(())
}

/// Whether the tracker could use these weights.
fn check(weights: &WeightFile) -> anyhow::Result<()> {
    match weights.metadata.get("architecture") {
        Some(architecture) if architecture == EFFICIENTNET_LITE0 => Ok(()),
        _ => Ok(weights.expect_vgg_m()?),
    }
}

/// The response normalisation in one line.
fn normalisation(weights: &WeightFile) -> String {
    match weights.lrn() {
        Ok(lrn) => format!(
            "response normalisation: size {}, kappa {}, alpha {}, beta {}",
            lrn.size, lrn.kappa, lrn.alpha, lrn.beta
        ),
        Err(error) => error.to_string(),
    }
}

/// A file's metadata and tensors, as text of several lines.
fn table(inspection: &Inspection) -> String {
    let file = &inspection.file;
    let numbers: usize = file.tensors.values().map(|array| array.data.len()).sum();
    let mut lines = vec![format!(
        "{}: {}, {} tensors, {numbers} numbers",
        file.path.display(),
        inspection.format,
        file.tensors.len()
    )];
    // Metadata may hold anything; a table has one line for each.
    let printable = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    lines.extend(file.metadata.iter().map(|(key, value)| format!("  {} = {}", printable(key), printable(value))));
    let name_width = file.tensors.keys().map(|name| name.chars().count()).max().unwrap_or(0).max("tensor".len());
    let shape = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let shape_width = file.tensors.values().map(|array| shape(&array.shape).len()).max().unwrap_or(0).max(5);
    lines.push(format!(
        "{:name_width$}  {:shape_width$}  {:>11}  {:>11}  {:>11}  {:>11}",
        "tensor", "shape", "minimum", "maximum", "mean", "deviation"
    ));
    for (name, array) in &file.tensors {
        let s = array.statistics();
        let broken = if s.not_finite > 0 { format!("  {} not finite", s.not_finite) } else { String::new() };
        lines.push(format!(
            "{:name_width$}  {:shape_width$}  {:>11.4e}  {:>11.4e}  {:>11.4e}  {:>11.4e}{broken}",
            printable(name),
            shape(&array.shape),
            s.minimum,
            s.maximum,
            s.mean,
            s.deviation
        ));
    }
    lines.join("\n") + "\n"
}

/// Whether `--weights` would take the file, in one line.
fn verdict(file: &Path) -> String {
    let usable = WeightFile::read(file).map_err(anyhow::Error::from).and_then(|weights| {
        check(&weights)?;
        Ok(weights)
    });
    match usable {
        Ok(weights) if weights.metadata.get("architecture").is_some_and(|name| name == EFFICIENTNET_LITE0) => {
            format!("usable with --weights as {EFFICIENTNET_LITE0}")
        }
        Ok(weights) => format!("usable with --weights as vgg-m; {}", normalisation(&weights)),
        Err(error) => format!("not usable with --weights: {error}"),
    }
}

/// Downloads with a progress bar, and says what came.
fn download(url: &str, md5: &[&str], target: &Path) -> anyhow::Result<()> {
    if target.is_dir() {
        bail!("{}: is a folder; name a file with --out", target.display());
    }
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
    )?);
    let fetched = fetch(url, md5, target, &mut |done, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        // What had been there before does not count as speed.
        if bar.position() == 0 {
            bar.reset();
            bar.set_position(done);
            bar.reset_eta();
        }
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let Fetched { bytes, resumed, md5, sha256, verified } = fetched.map_err(|error| match error {
        FetchError::Network { .. } => {
            anyhow!("{error}; run this again to go on, or copy the file here from a machine that can reach it")
        }
        error => error.into(),
    })?;
    let how = match resumed {
        0 => String::new(),
        whole if whole == bytes => ", which were there already".to_owned(),
        part => format!(", {part} of them from an earlier download"),
    };
    println!("{}: {bytes} bytes{how}", target.display());
    println!("md5    {md5}{}", if verified { ", as published by its authors" } else { ", not verified" });
    println!("sha256 {sha256}");
    println!("next: attrax weights convert {} vgg-m.safetensors", target.display());
    Ok(())
}

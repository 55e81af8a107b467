//! The flags of every command that tracks, and the model that they ask for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use attrax_tracker::weights::{self, WeightFile};
use attrax_tracker::{Config, Model, NO_CUDA_LIBRARIES, Parameters, TrackerError};
use clap::ValueEnum;
use tch::{Device, Kind};

/// Flags of every command that tracks.
#[derive(clap::Args, Clone)]
pub struct Args {
    /// Set of parameters
    #[arg(long, value_enum, default_value_t)]
    pub preset: Preset,
    /// TOML file of parameters that differ from the preset's; `attrax info` prints them all in this
    /// form
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one parameter, by its name in that form; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
    pub settings: Vec<(String, String)>,
    /// Weight of the reciprocative regulariser; 0 switches it off [default: the preset's]
    #[arg(long, value_name = "NUMBER", value_parser = parse_lambda, allow_hyphen_values = true)]
    pub lambda: Option<f64>,
    /// Seed of every random draw: the same seed and device give the same boxes [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Network weights, a safetensors file [default: the embedded EfficientNet-Lite0]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// auto, cpu, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: String,
    #[allow(clippy::doc_markdown, reason = "this is printed")]
    /// Threads on the CPU, of which sixteen at most have work [default: $OMP_NUM_THREADS, or one
    /// for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Bytes of a file of parameters at most.
const LONGEST: u64 = 16 << 20;

/// The text of a file of parameters, which may be a pipe.
fn text_of(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= LONGEST, "a file of parameters is limited to {LONGEST} bytes");
    String::from_utf8(bytes).context("it is not a text in UTF-8")
}

/// Sets of parameters.
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Preset {
    /// attrax's own: the released code with the changes that were measured to track better, or
    /// faster
    #[default]
    Attrax,
    /// The same with less work: a coarse search, fewer samples and iterations, bfloat16 if the
    /// processor has it
    Fast,
    /// DAT as its authors' released code runs it, with a regulariser that trains
    Released,
    /// The regulariser as the paper writes it, around it the released code
    Paper,
    /// No regulariser: MDNet's online part
    Mdnet,
}

impl Args {
    /// The parameters that the flags resolve to: the preset's, then the file's, then those of
    /// single flags.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = match self.preset {
            Preset::Attrax => Config::attrax(),
            Preset::Released => Config::released(),
            Preset::Paper => Config::paper(),
            Preset::Mdnet => Config::mdnet(),
            Preset::Fast => Config::fast(),
        };
        if let Some(path) = &self.config {
            let text = text_of(path).with_context(|| format!("cannot read {}", path.display()))?;
            config = config.with_toml(&text).with_context(|| format!("parameters in {}", path.display()))?;
        }
        for (key, value) in &self.settings {
            config = config.with_value(key, value)?;
        }
        if let Some(seed) = self.seed {
            config.seed = seed;
        }
        if let Some(lambda) = self.lambda {
            config.attention.lambda = lambda;
        }
        config.validate()?;
        Ok(config)
    }

    /// The same flags with another preset, and with its own lambda.
    pub fn of_preset(&self, preset: Preset) -> Self {
        Self { preset, lambda: None, ..self.clone() }
    }

    /// The device that the flags resolve to, loaded and ready.
    pub fn device(&self) -> Result<Device, TrackerError> {
        attrax_tracker::device(&self.device).map_err(|error| match error {
            TrackerError::Device { device, reason } if reason == NO_CUDA_LIBRARIES => {
                TrackerError::Device { device, reason: format!("{reason}: {} brings them", cuda_libraries()) }
            }
            error => error,
        })
    }

    /// The weights that the flags name.
    pub fn weights(&self) -> anyhow::Result<WeightFile> {
        Ok(match &self.weights {
            Some(path) => WeightFile::read(path).with_context(|| {
                format!(
                    "--weights {}: name a safetensors file of a network, or leave the flag out for the embedded one",
                    path.display()
                )
            })?,
            None => weights::embedded()?,
        })
    }

    /// A tracking model with these parameters and the weights that the flags name, on their device.
    pub fn model(&self, config: Config) -> anyhow::Result<Arc<Model>> {
        let device = self.device()?;
        let parameters = Parameters::from_file(&self.weights()?, Kind::Float, device)?;
        let threads = self.threads();
        let model = Model::new(&parameters, config, usize::from(threads)).context("cannot start the tracker")?;
        log::info!("{} on {device:?} with {threads} threads", model.network());
        Ok(model)
    }

    /// Threads of libtorch: those of the flag, of `OMP_NUM_THREADS`, or one for each core.
    pub fn threads(&self) -> u16 {
        let asked = || std::env::var("OMP_NUM_THREADS").ok()?.trim().parse().ok().filter(|n| (1..=1024).contains(n));
        let threads = self.threads.or_else(asked);
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get().min(1024) as u16))
    }
}

/// Initialisations before this process, from `ATTRAX_INITIALIZATIONS`: an experiment that is
/// resumed after an interruption draws the same random numbers as one that was not.
pub fn earlier() -> anyhow::Result<u64> {
    let name = "ATTRAX_INITIALIZATIONS";
    match std::env::var_os(name) {
        Some(text) => {
            let text = text.to_string_lossy();
            text.trim().parse().with_context(|| format!("{name} = '{text}' is not a whole number"))
        }
        None => Ok(0),
    }
}

/// A finite number of at least 0.
pub fn parse_lambda(text: &str) -> Result<f64, String> {
    let lambda = text.parse().ok().filter(|lambda: &f64| lambda.is_finite() && *lambda >= 0.0);
    lambda.ok_or_else(|| "a number of at least 0 is needed, such as 5; 0 switches the regulariser off".into())
}

/// The two sides of `KEY=VALUE`.
fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is needed, such as attention.lambda=3")?;
    Ok((key.trim().into(), value.trim().into()))
}

/// What installs CUDA's libraries: for the Python wheel, which has this program in its `bin`, or
/// for a clone.
fn cuda_libraries() -> &'static str {
    let program = std::env::current_exe().unwrap_or_default();
    let package = program.parent().and_then(std::path::Path::parent);
    if package.is_some_and(|package| package.join("__init__.py").exists()) {
        concat!("`pip install --force-reinstall torch==", env!("LIBTORCH_VERSION"), "`")
    } else {
        "`make setup CUDA=1`"
    }
}

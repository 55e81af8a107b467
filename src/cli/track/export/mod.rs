//! What was tracked, in the formats of other programs.

mod coco;
mod cvat;
mod folder;
pub mod lines;
pub mod sequence;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use attrax_tracker::{BoundingBox, Estimate, Frame};
use clap::ValueEnum;

use self::folder::Folder;
use self::sequence::Sequence;
use super::frames::Source;
use crate::cli::output::{Output, part_of_file};

/// The class of a target without a name.
pub const LABEL: &str = "target";

/// The flags.
#[derive(clap::Args)]
pub struct Args {
    /// Write the boxes in another format too; may be given several times. groundtruth, mot, coco
    /// and cvat are files, yolo and sequence are new folders
    #[arg(long = "export", value_name = "FORMAT=PATH", value_parser = parse)]
    pub wanted: Vec<Wanted>,
    /// The name of the target's class in exports; may be given once for each target
    #[arg(long = "label", value_name = "NAME", default_value = LABEL, requires = "wanted", value_parser = parse_label)]
    labels: Vec<String>,
}

/// A format and where it goes.
#[derive(Clone)]
pub struct Wanted {
    format: Format,
    /// A file, or a folder.
    pub path: PathBuf,
}

/// The formats.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// A box for each frame, as VOT and GOT-10k write it; NaN where the target was not found
    Groundtruth,
    /// `MOTChallenge`: frame, number of the target, box from (1, 1), probability
    Mot,
    /// COCO's JSON of images, annotations and categories
    Coco,
    /// A folder of YOLO's labels: a text file for each frame, and `classes.txt`
    Yolo,
    /// CVAT for video 1.1, XML
    Cvat,
    /// A folder that the VOT toolkit reads: the frames and the boxes as ground truth
    Sequence,
}

/// A frame that was tracked in.
pub struct Tracked {
    /// Its number in the source, counted from 0.
    number: usize,
    /// Its file's name; frames of videos have the name that `sequence` gives them.
    name: String,
    /// Width and height, pixels.
    size: (u32, u32),
    /// For each target, the box where it was found.
    found: Vec<Option<(BoundingBox, f64)>>,
}

impl Tracked {
    /// A frame by its number in the source, counted from 0, and its file, if it has one; with what
    /// was found of each target.
    pub fn new(
        number: usize,
        path: Option<&Path>,
        size: (u32, u32),
        found: impl Iterator<Item = Option<Estimate>>,
    ) -> Self {
        let name = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        Self {
            number,
            name: name.unwrap_or_else(|| format!("{:08}.jpg", number + 1)),
            size,
            found: found.map(|e| e.filter(|e| e.success).map(|e| (e.bounding_box, e.probability))).collect(),
        }
    }
}

/// A run for an export.
pub struct Tracks {
    /// For each target, the name of its class; several may be of one class.
    pub labels: Vec<String>,
    /// The name of the source.
    pub source: String,
    /// The frames, in order.
    pub frames: Vec<Tracked>,
}

impl Tracks {
    /// The classes in the order of the targets, each once.
    fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<&str> = Vec::new();
        for label in &self.labels {
            if !classes.contains(&label.as_str()) {
                classes.push(label);
            }
        }
        classes
    }

    /// The place of a target's class among the classes.
    fn class_of(&self, target: usize) -> usize {
        let label = self.labels.get(target).map(String::as_str);
        self.classes().iter().position(|class| Some(*class) == label).unwrap_or_default()
    }

    /// The text of a format that is a file.
    pub fn text(&self, format: Format) -> anyhow::Result<String> {
        match format {
            Format::Mot => Ok(lines::mot(self)),
            Format::Coco => coco::json(self),
            Format::Cvat => Ok(cvat::xml(self)),
            Format::Groundtruth | Format::Yolo | Format::Sequence => Ok(lines::groundtruth(self, 0)),
        }
    }
}

/// The exports of a run.
pub struct Exports {
    files: Vec<(Format, PathBuf, Output)>,
    /// Folders of YOLO's labels.
    labels: Vec<Folder>,
    /// Folders in which frames are stored while the run goes on.
    sequences: Vec<Sequence>,
    tracks: Tracks,
    paths: Vec<PathBuf>,
}

impl Exports {
    /// Creates part files and folders, so that a place that cannot be written to is reported before
    /// the run.
    pub fn create(args: &Args, source: &Source, targets: usize) -> anyhow::Result<Self> {
        let named = source.paths().first().map(|path| path.display().to_string()).unwrap_or_default();
        let labels = match args.labels.as_slice() {
            [one] => vec![one.clone(); targets],
            labels => labels.to_vec(),
        };
        ensure!(
            labels.len() == targets,
            "--label: {} names for {targets} targets; give one for all, or one for each",
            labels.len()
        );
        let tracks = Tracks { labels, source: named, frames: Vec::new() };
        let paths = match source {
            Source::Files(files) => files.clone(),
            Source::Video(_) => Vec::new(),
        };
        let mut exports = Self { files: Vec::new(), labels: Vec::new(), sequences: Vec::new(), tracks, paths };
        for Wanted { format, path } in &args.wanted {
            ensure!(
                targets == 1 || !matches!(format, Format::Groundtruth | Format::Sequence),
                "{}: ground truth holds one target, and there are {targets} (--box, --box-at); mot, coco, yolo and cvat hold several",
                path.display()
            );
            match format {
                Format::Sequence => exports.sequences.push(Sequence::create(path, &exports.paths)?),
                Format::Yolo => {
                    let stems = source.stems();
                    ensure!(
                        exports.paths.is_empty() || !stems.is_empty() && !stems.iter().any(|stem| stem == "classes"),
                        "{}: two frames have the same name, or one is called 'classes'; YOLO's labels need a name for each",
                        path.display()
                    );
                    exports.labels.push(Folder::create(path)?);
                }
                _ => exports.files.push((*format, path.clone(), Output::create(path, part_of_file)?)),
            }
        }
        Ok(exports)
    }

    /// Adds a frame by its number in the source, counted from 0, with what was found of each
    /// target.
    pub fn add(
        &mut self,
        number: usize,
        frame: &Frame,
        found: impl Iterator<Item = Option<Estimate>>,
    ) -> anyhow::Result<()> {
        if self.files.is_empty() && self.labels.is_empty() && self.sequences.is_empty() {
            return Ok(());
        }
        let path = self.paths.get(number);
        for sequence in &mut self.sequences {
            sequence.add(frame, path.map(PathBuf::as_path))?;
        }
        self.tracks.frames.push(Tracked::new(number, path.map(PathBuf::as_path), frame.size(), found));
        Ok(())
    }

    /// Writes everything, and gives files and folders their names. `rate` is in frames a second.
    pub fn finish(self, rate: Option<f64>) -> anyhow::Result<()> {
        let tracks = &self.tracks;
        for (format, path, mut output) in self.files {
            let text = tracks.text(format)?;
            output.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
            output.finish()?;
        }
        for folder in self.labels {
            for (name, text) in lines::yolo(tracks)? {
                folder.write(&name, text.as_bytes())?;
            }
            folder.finish()?;
        }
        for sequence in self.sequences {
            sequence.finish(tracks, rate)?;
        }
        Ok(())
    }
}

/// The value of `--label`: formats of lines hold it too.
pub fn parse_label(text: &str) -> Result<String, String> {
    let is_usable = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_usable { Ok(text.into()) } else { Err("a name in one line is needed".into()) }
}

/// The value of `--export`.
fn parse(text: &str) -> Result<Wanted, String> {
    let known = || {
        let names = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|name| name.get_name().to_string()).collect::<Vec<_>>().join(", ")
    };
    let (format, path) =
        text.split_once('=').ok_or_else(|| format!("FORMAT=PATH is needed; the formats are {}", known()))?;
    let format = Format::from_str(format, true)
        .map_err(|_| format!("there is no format '{format}'; the formats are {}", known()))?;
    if path.is_empty() {
        return Err("FORMAT=PATH needs a path".into());
    }
    Ok(Wanted { format, path: path.into() })
}

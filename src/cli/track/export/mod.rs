//! What was tracked, in the formats of other programs.

mod coco;
mod cvat;
mod folder;
mod lines;
mod sequence;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use attrax_tracker::{BoundingBox, Estimate, Frame};
use clap::ValueEnum;

use self::folder::Folder;
use self::sequence::Sequence;
use super::frames::Source;
use crate::cli::output::{Output, part_of_file};

/// The flags.
#[derive(clap::Args)]
pub struct Args {
    /// Write the boxes in another format too; may be given several times. groundtruth, mot, coco and cvat are files, yolo and
    /// sequence are new folders
    #[arg(long = "export", value_name = "FORMAT=PATH", value_parser = parse)]
    pub wanted: Vec<Wanted>,
    /// The name of the target's class in exports
    #[arg(long, value_name = "NAME", default_value = "target", requires = "wanted", value_parser = parse_label)]
    label: String,
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
enum Format {
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

/// A run for an export.
pub struct Tracks {
    /// The name of the targets' class.
    label: String,
    /// The name of the source.
    source: String,
    frames: Vec<Tracked>,
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
    /// Creates part files and folders, so that a place that cannot be written to is reported before the run.
    pub fn create(args: &Args, source: &Source, targets: usize) -> anyhow::Result<Self> {
        let named = source.paths().first().map(|path| path.display().to_string()).unwrap_or_default();
        let tracks = Tracks { label: args.label.clone(), source: named, frames: Vec::new() };
        let paths = match source {
            Source::Files(files) => files.clone(),
            Source::Video(_) => Vec::new(),
        };
        let mut exports = Self { files: Vec::new(), labels: Vec::new(), sequences: Vec::new(), tracks, paths };
        for Wanted { format, path } in &args.wanted {
            ensure!(
                targets == 1 || !matches!(format, Format::Groundtruth | Format::Sequence),
                "{}: ground truth holds one target, and there are {targets} (--box); mot, coco, yolo and cvat hold several",
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

    /// Adds a frame by its number in the source, counted from 0, with what was found of each target.
    pub fn add(&mut self, number: usize, frame: &Frame, found: impl Iterator<Item = Estimate>) -> anyhow::Result<()> {
        if self.files.is_empty() && self.labels.is_empty() && self.sequences.is_empty() {
            return Ok(());
        }
        let path = self.paths.get(number);
        for sequence in &mut self.sequences {
            sequence.add(frame, path.map(PathBuf::as_path))?;
        }
        let name = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        self.tracks.frames.push(Tracked {
            number,
            name: name.unwrap_or_else(|| format!("{:08}.jpg", number + 1)),
            size: frame.size(),
            found: found.map(|e| e.success.then_some((e.bounding_box, e.probability))).collect(),
        });
        Ok(())
    }

    /// Writes everything, and gives files and folders their names. `rate` is in frames a second.
    pub fn finish(self, rate: Option<f64>) -> anyhow::Result<()> {
        let tracks = &self.tracks;
        for (format, path, mut output) in self.files {
            let text = match format {
                Format::Mot => lines::mot(tracks),
                Format::Coco => coco::json(tracks)?,
                Format::Cvat => cvat::xml(tracks),
                Format::Groundtruth | Format::Yolo | Format::Sequence => lines::groundtruth(tracks, 0),
            };
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
fn parse_label(text: &str) -> Result<String, String> {
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

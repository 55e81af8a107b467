//! `attrax track`: one target through the frames of a sequence, without a client. `attrax view`
//! uses its parts.

pub mod ahead;
mod apart;
pub mod boxes;
mod canvas;
pub mod export;
pub mod follower;
pub mod frames;
pub mod output;
pub mod panel;
pub mod picture;
mod progress;
mod run;
mod span;
mod truth;
pub mod video;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use attrax_tracker::BoundingBox;
use attrax_tracker::profile::{Profile, Profiler};
use clap::ValueEnum;

use self::boxes::{Truth, first_box, parse_box};
use self::export::Exports;
use self::follower::{Follower, columns};
use self::frames::Source;
use self::output::Table;
use self::progress::Progress;
use self::run::{Film, Run};
use self::span::Span;
use super::output::{Output, part_of_file};
use super::{core, interrupt, one_line, say};

/// Flags of `attrax track`.
#[derive(clap::Args)]
pub struct Args {
    /// A folder of frames, a sequence (VOT, OTB, GOT-10k), a video or animation (mp4, webm, mkv,
    /// avi, y4m, gif; decoded by ffmpeg), a camera such as camera:0 or /dev/video0, an address
    /// (rtsp, http), - for a video on standard input, a pattern such as 'frames/*.jpg', or the
    /// frames themselves
    #[arg(required = true, value_name = "FRAMES")]
    frames: Vec<PathBuf>,
    /// The target in the first frame: left, top, width and height in pixels; may be given several
    /// times, for several targets [default: what the ground truth stored with the frames says, in
    /// the files of VOT, OTB and GOT-10k]
    #[arg(long = "box", value_name = "X,Y,WIDTH,HEIGHT", value_parser = parse_box, allow_hyphen_values = true)]
    regions: Vec<BoundingBox>,
    #[command(flatten)]
    span: span::Args,
    /// The ground truth, where it is not stored with the frames: a region a line, one line for each
    /// frame; a file whose name begins with `groundtruth_rect` counts pixels from 1, as OTB's do
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Write the boxes to this file instead of standard output, which - is too; until it is whole
    /// it is called FILE.part, or FILE.2.part and so on where that exists
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    exports: export::Args,
    /// Write a copy of each frame with box, number and score drawn, as PNG, into this folder; it is
    /// named after the frame
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// Write what the tracker sees as PNG into this folder, a picture for each frame: the crop with
    /// the attention, a window around the box with the scores, and the frame; adds the column
    /// `attention_inside`
    #[arg(long, value_name = "DIR")]
    maps: Option<PathBuf>,
    /// The first frame whose maps are computed and written; the frames before it are tracked in
    /// without [default: 1]
    #[arg(long, value_name = "FRAME", requires = "maps", value_parser = span::parse_frame)]
    maps_from: Option<usize>,
    /// Follow the target with another preset too, side by side, in a second row of the maps; its
    /// columns begin with `also_`
    #[arg(long, value_name = "PRESET", value_enum, requires = "maps")]
    also_preset: Option<core::Preset>,
    /// Write the frames with box, number and score as a video, by ffmpeg
    #[arg(long, value_name = "FILE.mp4")]
    video: Option<PathBuf>,
    /// Write the pictures of the maps as a video, by ffmpeg
    #[arg(long, value_name = "FILE.mp4", requires = "maps")]
    maps_video: Option<PathBuf>,
    /// Print a table of the seconds by stage at the end, and write a trace for the trace viewers of
    /// browsers (Perfetto, or Chrome's about:tracing)
    #[arg(long, value_name = "FILE.json")]
    profile: Option<PathBuf>,
    #[command(flatten)]
    core: core::Args,
}

impl Args {
    /// Whether the run writes more than the table of boxes.
    fn has_other_outputs(&self) -> bool {
        let paths = [&self.overlay, &self.maps, &self.video, &self.maps_video, &self.profile];
        paths.iter().any(|path| path.is_some()) || !self.exports.wanted.is_empty()
    }
}

/// Tracks the target and writes one line a frame: `x,y,width,height,confidence,found,probability`.
pub fn run(args: &Args) -> anyhow::Result<()> {
    interrupt::watch().context("signals cannot be watched")?;
    let source = Source::find(&args.frames)?;
    apart::check(args, &source)?;
    let truth = match Truth::find(args.truth.as_deref(), &source) {
        // It is of no use for a measure, but the box is known.
        Err(error) if !args.regions.is_empty() && args.truth.is_none() => {
            log::warn!("the ground truth is left alone: {}", one_line(&error));
            None
        }
        truth => truth?,
    };
    let count = source.count();
    let span = Span::resolve(&args.span, count, args.regions.len().max(1))?;
    let regions = match args.regions.as_slice() {
        [] => vec![first_box(truth.as_ref(), span.first)?],
        regions => regions.to_vec(),
    };
    let targets = span.targets;
    ensure!(
        targets == 1 || args.also_preset.is_none(),
        "--also-preset follows one target; there are {targets} (--box, --box-at)"
    );
    let names = source.stems();
    let files = if count.is_some() { source.paths().to_vec() } else { Vec::new() };
    let is_live = args.frames.first().is_some_and(|path| video::is_live(path));
    let config = args.core.config()?;
    let exports = Exports::create(&args.exports, &source, targets)?;
    let profiler = args.profile.as_ref().map(|_| Profiler::new());
    // After the rows of the model's threads.
    let reader = profiler.clone().map(|profiler| (profiler, u32::from(args.core.threads())));
    let frames = source.read_ahead(reader)?;
    for folder in args.overlay.iter().chain(&args.maps) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let trace = args.profile.as_deref().map(|path| Output::create(path, part_of_file)).transpose()?;
    let (video, maps_video) = (Film::create(args.video.as_deref())?, Film::create(args.maps_video.as_deref())?);
    let with_maps = args.maps.is_some();
    let mut header = columns("", with_maps);
    if args.also_preset.is_some() {
        header = format!("{header},{}", columns("also_", with_maps));
    }
    for target in 2..=targets {
        header = format!("{header},{}", columns(&format!("target{target}_"), with_maps));
    }
    // A dash is the standard output, as it is the standard input among the frames.
    let file = args.out.as_deref().filter(|path| *path != Path::new("-"));
    let table = Table::create(file, &header)?;
    let (model, earlier) = (args.core.model(config)?, core::earlier()?);
    if let Some(profiler) = &profiler {
        profiler.wait_for(model.device());
    }
    let recording = profiler.as_ref().map(|profiler| profiler.record(0));
    let mut followers = Vec::new();
    if let Some(preset) = args.also_preset {
        let model = model.with_config(args.core.of_preset(preset).config()?)?;
        followers.push(Follower::new(name_of(preset), model).on_stream(earlier));
    }
    for target in (2..=targets).rev() {
        followers.insert(0, Follower::new(format!("target {target}"), Arc::clone(&model)).on_stream(earlier));
    }
    let name = if targets > 1 { "target 1".into() } else { name_of(args.core.preset) };
    followers.insert(0, Follower::new(name, model).on_stream(earlier));
    let progress = Progress::new(count.map(|count| span.expected(count)).or(args.span.most()));
    let mut run = Run {
        args,
        regions,
        span,
        truth,
        frames,
        followers,
        exports,
        names,
        files,
        table,
        video,
        maps_video,
        progress,
    };
    if is_live {
        interrupt::ask_first("the files are completed; another Ctrl-C ends at once");
    }
    let tracked = run.track();
    run.progress.clear();
    let summary = match tracked {
        Ok(summary) => summary,
        Err(error) if is_broken_pipe(&error) && args.has_other_outputs() => {
            let note = "the other outputs are not complete; write the boxes to a file with --out";
            return Err(with_note(error, Some(note.into())));
        }
        Err(error) => return Err(with_note(error, run.table.abandon())),
    };
    let boxes = run.table.finish()?;
    let rate = run.frames.rate();
    let others = run.exports.finish(rate).and_then(|()| run.video.finish()).and_then(|()| run.maps_video.finish());
    others.map_err(|error| with_note(error, boxes))?;
    drop(recording);
    if let (Some(file), Some(profiler)) = (trace, profiler) {
        report(&profiler.finish(), file)?;
    }
    say(&summary.to_string());
    Ok(())
}

/// An error, and what there is in spite of it. Without a note the error keeps its kind.
fn with_note(error: anyhow::Error, note: Option<String>) -> anyhow::Error {
    match note {
        Some(note) => anyhow!("{}; {note}", one_line(&error)),
        None => error,
    }
}

/// Whether the reader of the standard output has gone.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A preset's name on the command line.
pub fn name_of(preset: core::Preset) -> String {
    preset.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
}

/// Prints the table of a profile on standard error and writes its trace.
fn report(profile: &Profile, mut file: Output) -> anyhow::Result<()> {
    say(profile.to_string().trim_end());
    let mut trace = BufWriter::new(&mut file);
    profile.write_trace(&mut trace).and_then(|()| trace.flush()).context("cannot write the trace")?;
    drop(trace);
    file.finish()
}

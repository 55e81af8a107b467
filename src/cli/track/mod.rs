//! `attrax track`: one target through the frames of a sequence, without a client.

mod boxes;
mod frames;
mod output;
mod picture;
mod video;

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use attrax::tracker::profile::{self, Profile, Stage};
use attrax::tracker::{BoundingBox, Estimate, Frame, Model, Tracker};
use indicatif::{ProgressBar, ProgressStyle};

use self::boxes::{Truth, first_box, parse_box};
use self::frames::{Frames, Source};
use self::output::{Beside, Summary, Table};
use self::video::Encoder;
use super::serve::guarded;
use super::{core, told};

/// Flags of `attrax track`.
#[derive(clap::Args)]
pub struct Args {
    /// A folder of frames, a sequence (VOT, OTB, GOT-10k), a video (mp4, webm, mkv, avi, y4m; decoded by ffmpeg), a camera
    /// such as /dev/video0, a pattern such as 'frames/*.jpg', or the frames themselves
    #[arg(required = true, value_name = "FRAMES")]
    frames: Vec<PathBuf>,
    /// The target in the first frame: left, top, width and height in pixels [default: what the ground truth beside the
    /// frames says, in the files of VOT, OTB and GOT-10k]
    #[arg(long = "box", value_name = "X,Y,WIDTH,HEIGHT", value_parser = parse_box, allow_hyphen_values = true)]
    region: Option<BoundingBox>,
    /// Write the boxes to this file instead of standard output; until it is whole it is called FILE.part
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a copy of each frame with the box drawn, as PNG, into this folder
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// Write the same as a video, by ffmpeg
    #[arg(long, value_name = "FILE.mp4")]
    video: Option<PathBuf>,
    /// Print a table of the seconds by stage at the end, and write a trace for the trace viewers of browsers
    /// (Perfetto, or Chrome's about:tracing)
    #[arg(long, value_name = "FILE.json")]
    profile: Option<PathBuf>,
    #[command(flatten)]
    core: core::Args,
}

/// Tracks the target and writes one line a frame: `x,y,width,height,confidence,found,probability`.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::find(&args.frames)?;
    let truth = match Truth::beside(&source) {
        // It is of no use for a measure, but the box is known.
        Err(error) if args.region.is_some() => {
            log::warn!("the ground truth is left alone: {}", told(&error));
            None
        }
        truth => truth?,
    };
    let region = first_box(args.region, truth.as_ref())?;
    let count = source.count();
    let config = args.core.config()?;
    let frames = source.read_ahead(u32::from(args.core.threads()))?;
    if let Some(folder) = &args.overlay {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let trace = args.profile.as_deref().map(Beside::create).transpose()?;
    let table = Table::create(args.out.as_deref())?;
    let model = args.core.model(config)?;
    if trace.is_some() {
        profile::start_on(model.backbone().device());
    }
    let mut run = Run { args, region, truth, frames, model, tracker: None, table, video: None, bar: progress(count) };
    let tracked = run.track();
    run.bar.finish_and_clear();
    let summary = match tracked {
        Ok(summary) => summary,
        Err(error) => {
            // Whoever read the output has seen enough.
            return Err(match run.table.abandon() {
                Some(so_far) => anyhow!("{}; {so_far}", told(&error)),
                None => error,
            });
        }
    };
    run.table.finish()?;
    run.video.map_or(Ok(()), Encoder::finish)?;
    if let Some(file) = trace {
        report(&profile::stop(), file)?;
    }
    eprintln!("{summary}");
    Ok(())
}

/// A sequence that is being tracked.
struct Run<'a> {
    args: &'a Args,
    region: BoundingBox,
    truth: Option<Truth>,
    frames: Frames,
    model: Rc<Model>,
    tracker: Option<Tracker>,
    table: Table,
    video: Option<Encoder>,
    bar: ProgressBar,
}

impl Run<'_> {
    /// Follows the target to the last frame.
    fn track(&mut self) -> anyhow::Result<Summary> {
        let mut summary = Summary::default();
        let mut learnt = Instant::now();
        loop {
            let position = summary.frames;
            let whole = profile::span(if position == 0 { Stage::Initialization } else { Stage::Frame });
            let Some(frame) = self.frames.next() else { break };
            let frame = frame?;
            let estimate = self.estimate(&frame).with_context(|| format!("frame {}", position + 1))?;
            drop(whole);
            self.table.row(&estimate)?;
            self.draw(&frame, estimate, position)?;
            summary.frames += 1;
            if position == 0 {
                learnt = Instant::now();
                // Learning says nothing about how long the other frames will take.
                self.bar.inc(1);
                self.bar.reset_eta();
                if let (None, Some(declared)) = (self.bar.length(), self.frames.declared()) {
                    self.bar.set_length(declared);
                }
            } else {
                self.bar.inc(1);
                summary.lost += usize::from(!estimate.success);
                let overlap = |truth: &Truth| truth.overlap(position, estimate.bounding_box, frame.size());
                summary.overlaps.extend(self.truth.as_ref().and_then(overlap));
            }
            self.bar.set_message(if estimate.success { "" } else { "target not found" });
        }
        summary.tracking = learnt.elapsed();
        Ok(summary)
    }

    /// Learns the target in the first frame, finds it in the others.
    fn estimate(&mut self, frame: &Frame) -> anyhow::Result<Estimate> {
        if let Some(tracker) = &mut self.tracker {
            return Ok(guarded(|| tracker.track(frame))?);
        }
        self.bar.set_message("learning the first frame");
        self.tracker = Some(guarded(|| self.model.initialize(frame, self.region, 0))?);
        Ok(Estimate { bounding_box: self.region, confidence: 1.0, success: true, probability: 1.0 })
    }

    /// Writes the pictures that were asked for.
    fn draw(&mut self, frame: &Frame, estimate: Estimate, position: usize) -> anyhow::Result<()> {
        if self.args.overlay.is_none() && self.args.video.is_none() {
            return Ok(());
        }
        let picture = picture::overlay(frame, estimate)?;
        if let Some(folder) = &self.args.overlay {
            let path = folder.join(format!("{:08}.png", position + 1));
            picture.save(&path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if let Some(path) = &self.args.video {
            let video = match &mut self.video {
                Some(video) => video,
                none => none.insert(Encoder::start(path, picture.dimensions(), self.frames.rate())?),
            };
            video.write(picture.as_raw())?;
        }
        Ok(())
    }
}

/// Prints the table of a profile on standard error and writes its trace.
fn report(profile: &Profile, mut file: Beside) -> anyhow::Result<()> {
    eprint!("{profile}");
    profile.write_trace(std::io::BufWriter::new(&mut file)).context("cannot write the trace")?;
    file.finish()
}

/// A bar on standard error; it hides itself where that is not a terminal.
fn progress(frames: Option<usize>) -> ProgressBar {
    let (bar, template) = match frames {
        Some(frames) => {
            (ProgressBar::new(frames as u64), "{wide_bar} {pos}/{len} frames, {per_sec}, {eta} left  {msg}")
        }
        None => (ProgressBar::no_length(), "{wide_bar} {pos}/{len} frames, {per_sec}  {msg}"),
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

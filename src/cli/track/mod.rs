//! `attrax track`: one target through the frames of a sequence, without a client. `attrax view` uses its parts.

pub mod boxes;
mod canvas;
pub mod follower;
pub mod frames;
mod output;
pub mod panel;
pub mod picture;
pub mod video;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use attrax_tracker::profile::{self, Profile, Stage};
use attrax_tracker::{BoundingBox, Frame};
use clap::ValueEnum;
use image::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};

use self::boxes::{Truth, first_box, parse_box};
use self::follower::{Follower, Seen, columns};
use self::frames::{Frames, Source};
use self::output::{Beside, Summary, Table};
use self::panel::{Row, panel};
use self::video::Encoder;
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
    /// Write what the tracker sees as PNG into this folder, a picture for each frame: the crop with the attention, a window
    /// around the box with the scores, and the frame; adds the column `attention_inside`
    #[arg(long, value_name = "DIR")]
    maps: Option<PathBuf>,
    /// Follow the target with another preset too, side by side, in a second row of the maps; its columns begin with `also_`
    #[arg(long, value_name = "PRESET", value_enum, requires = "maps")]
    also_preset: Option<core::Preset>,
    /// Write the pictures as a video, by ffmpeg: the maps where they are asked for, else the frames with the box
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
    for folder in args.overlay.iter().chain(&args.maps) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let trace = args.profile.as_deref().map(Beside::create).transpose()?;
    let with_maps = args.maps.is_some();
    let mut header = columns("", with_maps);
    if args.also_preset.is_some() {
        header = format!("{header},{}", columns("also_", with_maps));
    }
    let table = Table::create(args.out.as_deref(), &header)?;
    let model = args.core.model(config)?;
    if trace.is_some() {
        profile::start_on(model.backbone().device());
    }
    let mut followers = Vec::new();
    if let Some(preset) = args.also_preset {
        let model = model.with_config(args.core.of_preset(preset).config()?)?;
        followers.push(Follower::new(name_of(preset), model));
    }
    followers.insert(0, Follower::new(name_of(args.core.preset), model));
    let mut run = Run { args, region, truth, frames, followers, table, video: None, bar: progress(count) };
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
    /// Of which the first is the one that is measured.
    followers: Vec<Follower>,
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
            if position == 0 {
                self.bar.set_message("learning the first frame");
            }
            let (region, with_maps) = (self.region, self.args.maps.is_some());
            let seen = self.followers.iter_mut().map(|follower| follower.follow(&frame, region, with_maps));
            let seen: Vec<Seen> = seen.collect::<Result<_, _>>().with_context(|| format!("frame {}", position + 1))?;
            drop(whole);
            let estimate = seen[0].estimate;
            self.table.row(&seen.iter().map(Seen::values).collect::<Vec<_>>().join(","))?;
            self.draw(&frame, &seen, position)?;
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

    /// Writes the pictures that were asked for.
    fn draw(&mut self, frame: &Frame, seen: &[Seen], position: usize) -> anyhow::Result<()> {
        let Args { overlay, maps, video, .. } = self.args;
        let name = format!("{:08}.png", position + 1);
        let save = |picture: &RgbImage, folder: &Path| {
            let path = folder.join(&name);
            picture.save(&path).with_context(|| format!("cannot write {}", path.display()))
        };
        let mut shown = None;
        if (overlay.is_some() || video.is_some())
            && let Some(first) = seen.first()
        {
            shown = Some(picture::overlay(frame, first.estimate)?);
        }
        if let (Some(folder), Some(picture)) = (overlay, &shown) {
            save(picture, folder)?;
        }
        if let Some(folder) = maps {
            let panel = self.panel(frame, seen, position);
            save(&panel, folder)?;
            shown = Some(panel);
        }
        if let (Some(path), Some(picture)) = (video, &shown) {
            let video = match &mut self.video {
                Some(video) => video,
                none => none.insert(Encoder::start(path, picture.dimensions(), self.frames.rate())?),
            };
            video.write(picture.as_raw())?;
        }
        Ok(())
    }

    /// The picture of what every tracker saw.
    fn panel(&self, frame: &Frame, seen: &[Seen], position: usize) -> RgbImage {
        let rows = self.followers.iter().zip(seen).filter_map(|(follower, seen)| {
            let overlap = |truth: &Truth| truth.overlap(position, seen.estimate.bounding_box, frame.size());
            let overlap = self.truth.as_ref().and_then(overlap);
            Some(Row { name: &follower.name, estimate: seen.estimate, overlap, maps: seen.maps.as_ref()? })
        });
        let rows: Vec<Row<'_>> = rows.collect();
        panel(frame, position + 1, self.truth.as_ref().and_then(|truth| truth.region(position)), &rows)
    }
}

/// A preset's name on the command line.
pub fn name_of(preset: core::Preset) -> String {
    preset.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
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

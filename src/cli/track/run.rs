//! One pass over the sequence: frame by frame, what was found goes into the table, pictures and the
//! video.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use attrax_tracker::profile::{self, Stage};
use attrax_tracker::{BoundingBox, Estimate, Frame, TrackerError};
use image::{ImageFormat, RgbImage};

use super::Args;
use super::ahead::Frames;
use super::boxes::Truth;
use super::export::Exports;
use super::follower::{Follower, Observation, values};
use super::output::{Summary, Table};
use super::panel::{Row, panel};
use super::picture;
use super::progress::Progress;
use super::span::Span;
use super::video::{Encoder, Pace, Target};
use crate::cli::interrupt;

/// A side below this, pixels, is reported: the features say little about such a target.
const SMALL: f64 = 8.0;

/// More than this share of a box outside the frame is reported.
const OUTSIDE: f64 = 0.25;

/// A sequence that is being tracked.
pub struct Run<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The targets in the first frame that is tracked in.
    pub regions: Vec<BoundingBox>,
    /// The frames to track in, and the boxes given in later ones.
    pub span: Span,
    /// The ground truth, where there is one.
    pub truth: Option<Truth>,
    /// The frames that are left.
    pub frames: Frames,
    /// The trackers, of which the first is measured: one for each target, or several for the one
    /// target.
    pub followers: Vec<Follower>,
    /// What other programs read.
    pub exports: Exports,
    /// The names of frames that are files.
    pub names: Vec<String>,
    /// The frames that are files.
    pub files: Vec<PathBuf>,
    /// The boxes.
    pub table: Table,
    /// The video of the frames.
    pub video: Film,
    /// The video of the maps.
    pub maps_video: Film,
    /// The bar.
    pub progress: Progress,
}

/// A video that may be asked for.
pub enum Film {
    /// None is written.
    None,
    /// It begins with the first picture, whose size it has.
    Ready(Target),
    /// It is being written.
    Running(Encoder),
}

impl Run<'_> {
    /// Follows the target to the last frame.
    pub fn track(&mut self) -> anyhow::Result<Summary> {
        let mut summary = Summary::default();
        let mut learnt = Instant::now();
        self.span.skip_to_first(&mut self.frames)?;
        while self.span.most.is_none_or(|most| summary.frames < most) {
            let position = self.span.first + summary.frames;
            let is_first = summary.frames == 0;
            let whole = profile::span(if is_first { Stage::Initialization } else { Stage::Frame });
            let Some(frame) = self.frames.next() else { break };
            let frame = frame?;
            if is_first {
                self.span.check(&frame, &self.regions)?;
            }
            let observed = self.follow(&frame, position).with_context(|| self.place(position))?;
            drop(whole);
            let with_maps = self.args.maps.is_some();
            let columns = observed.iter().map(|observed| values(observed.as_ref(), with_maps));
            self.table.row(&columns.collect::<Vec<_>>().join(","))?;
            self.draw(&frame, &observed, position)?;
            let targets = self.span.targets;
            let estimates = || observed.iter().take(targets).map(|observed| Some(observed.as_ref()?.estimate));
            self.exports.add(position, &frame, estimates())?;
            summary.frames += 1;
            summary.lost.resize(targets, 0);
            if is_first {
                self.warn_of_size();
                self.warn_of_place(&frame);
                learnt = Instant::now();
            } else {
                for (target, (lost, estimate)) in summary.lost.iter_mut().zip(estimates()).enumerate() {
                    summary.corrections += usize::from(self.span.is_corrected(position, target));
                    *lost += usize::from(estimate.is_some_and(|estimate| !estimate.success));
                }
            }
            if let Some(Observation { estimate, given: false, .. }) = &observed[0] {
                let overlap = |truth: &Truth| truth.overlap(position, estimate.bounding_box, frame.size());
                summary.overlaps.extend(self.truth.as_ref().and_then(overlap));
            }
            let declared = self.frames.declared().map(|count| self.span.expected(count as usize) as u64);
            self.progress.step(declared, estimates().flatten().all(|estimate| estimate.success));
        }
        summary.tracking = learnt.elapsed();
        summary.skipped = self.frames.skipped();
        self.span.warn_of_unused(self.span.first + summary.frames);
        ensure!(summary.frames > 0 || !interrupt::is_ending(), "interrupted before the first frame");
        ensure!(summary.frames > 0, "--start {}: there are {} frames", self.span.first + 1, self.span.first);
        Ok(summary)
    }

    /// What errors call a frame: its number, and its file after the first one.
    fn place(&self, position: usize) -> String {
        let file = self.files.get(position).filter(|_| position > self.span.first);
        let file = file.map_or(String::new(), |path| format!(" ({})", path.display()));
        format!("frame {}{file}", position + 1)
    }

    /// What every tracker says about a frame, in which the target's box may be given. None of a
    /// target that is not followed.
    fn follow(&mut self, frame: &Frame, position: usize) -> Result<Vec<Option<Observation>>, TrackerError> {
        let (with_maps, forget, targets) = (self.has_maps(position), self.span.forget, self.span.targets);
        let observed = self.followers.iter_mut().enumerate().map(|(place, follower)| {
            // Several trackers follow the one target.
            let target = if targets == 1 { 0 } else { place };
            if !self.span.is_followed(position, target) {
                return Ok(None);
            }
            match (self.span.corrections.get(&(position, target)), self.regions.get(target)) {
                (Some(given), _) => {
                    if forget {
                        follower.forget();
                    }
                    follower.learn(frame, *given, with_maps).map(Some)
                }
                (None, Some(region)) if position == self.span.first => {
                    follower.learn(frame, *region, with_maps).map(Some)
                }
                (None, _) => follower.track(frame, with_maps),
            }
        });
        observed.collect()
    }

    /// Whether the maps of a frame are asked for.
    fn has_maps(&self, position: usize) -> bool {
        self.args.maps.is_some() && self.args.maps_from.is_none_or(|first| position + 1 >= first)
    }

    fn warn_of_size(&self) {
        for BoundingBox { width, height, .. } in &self.regions {
            if width.min(*height) < SMALL {
                log::warn!("the target has {width} x {height} pixels; with a side below {SMALL} its boxes are inexact");
            }
        }
    }

    /// Warns of boxes that leave the frame: the numbers may be corners, or of another frame size.
    fn warn_of_place(&self, frame: &Frame) {
        let (width, height) = frame.size();
        for region in &self.regions {
            let inside = region.clipped(f64::from(width), f64::from(height));
            // Annotators round, and draw targets that leave the frame.
            if inside.is_none_or(|inside| inside.area() < (1.0 - OUTSIDE) * region.area()) {
                log::warn!(
                    "the box {region} reaches out of the frame of {width} x {height}; the part inside is learnt \
                     (boxes are left, top, width and height)"
                );
            }
        }
    }

    /// Writes the pictures that were asked for.
    fn draw(&mut self, frame: &Frame, observed: &[Option<Observation>], position: usize) -> anyhow::Result<()> {
        let Args { overlay, maps, maps_video, video, .. } = self.args;
        let name = self.names.get(position).cloned().unwrap_or_else(|| format!("{:08}", position + 1));
        let pace = self.frames.pace();
        if overlay.is_some() || video.is_some() {
            let targets = observed.iter().take(self.span.targets);
            let estimates: Vec<Option<Estimate>> = targets.map(|observed| Some(observed.as_ref()?.estimate)).collect();
            let picture = picture::overlay(frame, position + 1, &estimates)?;
            if let Some(folder) = overlay {
                save(&picture, &folder.join(format!("{name}.png")))?;
            }
            self.video.write(&picture, pace)?;
        }
        if let Some(folder) = maps.as_ref().filter(|_| self.has_maps(position)) {
            let panel = self.panel(frame, observed, position);
            save(&panel, &folder.join(format!("{name}.png")))?;
            if maps_video.is_some() {
                self.maps_video.write(&panel, pace)?;
            }
        }
        Ok(())
    }

    /// The picture of what every tracker saw.
    fn panel(&self, frame: &Frame, observed: &[Option<Observation>], position: usize) -> RgbImage {
        let rows = self.followers.iter().zip(observed).enumerate().filter_map(|(place, (follower, observed))| {
            let observed = observed.as_ref()?;
            let overlap = |truth: &Truth| truth.overlap(position, observed.estimate.bounding_box, frame.size());
            // Of several targets the first one has ground truth.
            let overlap = self.truth.as_ref().filter(|_| place == 0 || self.span.targets == 1).and_then(overlap);
            Some(Row { name: &follower.name, estimate: observed.estimate, overlap, maps: observed.maps.as_ref()? })
        });
        let rows: Vec<Row<'_>> = rows.collect();
        let truth = self.truth.as_ref().and_then(|truth| truth.region(position));
        panel(frame, position + 1, truth.as_ref(), &rows)
    }
}

impl Film {
    /// A video that may be asked for.
    pub fn create(path: Option<&Path>) -> anyhow::Result<Self> {
        Ok(path.map(Target::create).transpose()?.map_or(Self::None, Self::Ready))
    }

    /// Adds a picture, of which the first one gives the size.
    fn write(&mut self, picture: &RgbImage, pace: Pace) -> anyhow::Result<()> {
        *self = match std::mem::replace(self, Self::None) {
            Self::Ready(target) => Self::Running(Encoder::on(target, picture.dimensions(), pace)?),
            film => film,
        };
        match self {
            Self::Running(video) => video.write(picture.as_raw()),
            Self::None | Self::Ready(_) => Ok(()),
        }
    }

    /// Completes the video.
    pub fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::None | Self::Ready(_) => Ok(()),
            Self::Running(video) => video.finish(),
        }
    }
}

/// Writes a picture as PNG; one that cannot be written whole is removed.
fn save(picture: &RgbImage, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).with_context(cannot)?;
    std::fs::write(path, bytes.into_inner()).with_context(|| {
        let removed = std::fs::remove_file(path);
        log::debug!("{}: {removed:?}", path.display());
        cannot()
    })
}

//! One pass over the sequence: frame by frame, what was found goes into the table, pictures and the video.

use std::io::Cursor;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use attrax_tracker::profile::{self, Stage};
use attrax_tracker::{BoundingBox, Frame};
use image::{ImageFormat, RgbImage};

use super::Args;
use super::boxes::Truth;
use super::follower::{Follower, Seen};
use super::frames::Frames;
use super::output::{Summary, Table};
use super::panel::{Row, panel};
use super::picture;
use super::progress::Progress;
use super::video::{Encoder, Target};

/// A side below this, pixels, is reported: the features say little about such a target.
const SMALL: f64 = 8.0;

/// A sequence that is being tracked.
pub struct Run<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The target in the first frame.
    pub region: BoundingBox,
    /// The ground truth, where there is one.
    pub truth: Option<Truth>,
    /// The frames that are left.
    pub frames: Frames,
    /// The trackers, of which the first is measured.
    pub followers: Vec<Follower>,
    /// The boxes.
    pub table: Table,
    /// The video.
    pub video: Film,
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
        loop {
            let position = summary.frames;
            let whole = profile::span(if position == 0 { Stage::Initialization } else { Stage::Frame });
            let Some(frame) = self.frames.next() else { break };
            let frame = frame?;
            let (region, with_maps) = (self.region, self.args.maps.is_some());
            let seen = self.followers.iter_mut().map(|follower| follower.follow(&frame, region, with_maps));
            let seen: Vec<Seen> = seen.collect::<Result<_, _>>().with_context(|| format!("frame {}", position + 1))?;
            drop(whole);
            let estimate = seen[0].estimate;
            self.table.row(&seen.iter().map(Seen::values).collect::<Vec<_>>().join(","))?;
            self.draw(&frame, &seen, position)?;
            summary.frames += 1;
            if position == 0 {
                if region.width.min(region.height) < SMALL {
                    let (width, height) = (region.width, region.height);
                    log::warn!(
                        "the target has {width} x {height} pixels; with a side below {SMALL} its boxes are inexact"
                    );
                }
                learnt = Instant::now();
            } else {
                summary.lost += usize::from(!estimate.success);
                let overlap = |truth: &Truth| truth.overlap(position, estimate.bounding_box, frame.size());
                summary.overlaps.extend(self.truth.as_ref().and_then(overlap));
            }
            self.progress.step(self.frames.declared(), estimate.success);
        }
        summary.tracking = learnt.elapsed();
        Ok(summary)
    }

    /// Writes the pictures that were asked for.
    fn draw(&mut self, frame: &Frame, seen: &[Seen], position: usize) -> anyhow::Result<()> {
        let Args { overlay, maps, video, .. } = self.args;
        let name = format!("{:08}.png", position + 1);
        let mut shown = None;
        if (overlay.is_some() || video.is_some())
            && let Some(first) = seen.first()
        {
            shown = Some(picture::overlay(frame, first.estimate)?);
        }
        if let (Some(folder), Some(picture)) = (overlay, &shown) {
            save(picture, &folder.join(&name))?;
        }
        if let Some(folder) = maps {
            let panel = self.panel(frame, seen, position);
            save(&panel, &folder.join(&name))?;
            shown = Some(panel);
        }
        let Some(picture) = shown else { return Ok(()) };
        self.video = match std::mem::replace(&mut self.video, Film::None) {
            Film::Ready(target) => Film::Running(Encoder::on(target, picture.dimensions(), self.frames.rate())?),
            video => video,
        };
        if let Film::Running(video) = &mut self.video {
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

impl Film {
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

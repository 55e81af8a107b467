//! Files that the page saves: the table of boxes as `attrax track` writes it, and a video of the maps.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::{Context, ensure};
use image::RgbImage;

use super::run::{Clip, Run, Shot};
use super::session::Session;
use super::worker::decode;
use crate::cli::interrupt::Pending;
use crate::cli::track::follower::columns;
use crate::cli::track::panel::{Row, panel};
use crate::cli::track::picture::overlay;
use crate::cli::track::video::Encoder;

/// The table of `attrax track`; the second tracker's columns begin with `also_`.
pub fn boxes(run: &Run) -> String {
    let prefixes = ["", "also_"].iter().take(run.names.len());
    let header: Vec<String> = prefixes.map(|prefix| columns(prefix, run.maps)).collect();
    let values = |shot: &Shot| shot.observed.iter().map(|seen| seen.values(run.maps)).collect::<Vec<_>>().join(",");
    let rows = run.shots.iter().map(|shot| values(shot));
    let lines: Vec<String> = std::iter::once(header.join(",")).chain(rows).collect();
    lines.join("\n") + "\n"
}

/// The video of `attrax track --maps-video` where `of_maps` says so and there are some, else that of `--video`. An abandoned one
/// is given up.
pub fn video(session: &Session, run: &Run, of_maps: bool, abandoned: &AtomicBool) -> anyhow::Result<Vec<u8>> {
    let folder = Folder::create()?;
    let path = folder.path.join("seen.mp4");
    let mut encoder: Option<Encoder> = None;
    for (position, shot) in run.shots.iter().enumerate() {
        ensure!(session.watched() && !abandoned.load(Ordering::Relaxed), "the page was closed");
        let picture = picture(&session.clip, run, of_maps, shot, run.from + position)?;
        let encoder = match &mut encoder {
            Some(encoder) => encoder,
            none => none.insert(Encoder::start(&path, picture.dimensions(), session.clip.rate.into())?),
        };
        encoder.write(picture.as_raw())?;
    }
    encoder.context("nothing was tracked")?.finish()?;
    Ok(fs::read(&path)?)
}

/// The maps of every tracker in a frame, or the frame with the first one's box.
fn picture(clip: &Clip, run: &Run, of_maps: bool, shot: &Shot, position: usize) -> anyhow::Result<RgbImage> {
    let frame = decode(&shot.jpeg)?;
    if let (false, Some(first)) = (run.maps && of_maps, shot.observed.first()) {
        return overlay(&frame, position + 1, &[first.estimate]);
    }
    let rows = run.names.iter().zip(&shot.observed).filter_map(|(name, observed)| {
        let truth = clip.truth.as_ref();
        let overlap = truth.and_then(|truth| truth.overlap(position, observed.estimate.bounding_box, frame.size()));
        Some(Row { name, estimate: observed.estimate, overlap, maps: observed.maps.as_ref()? })
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let truth = clip.truth.as_ref().and_then(|truth| truth.region(position));
    Ok(panel(&frame, position + 1, truth.as_ref(), &rows))
}

/// A folder that is there as long as this value, and that no other user can write to.
struct Folder {
    path: PathBuf,
    /// Removes it at an interruption too.
    _pending: Pending,
}

impl Folder {
    fn create() -> anyhow::Result<Self> {
        let time = UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let path = std::env::temp_dir().join(format!("attrax-view-{}-{time}", std::process::id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("cannot make the folder {}", path.display()))?;
        let removed = path.clone();
        let pending = Pending::new(move || {
            // What stays is in the folder of temporary files.
            let _ = fs::remove_dir_all(removed);
            None
        });
        Ok(Self { path, _pending: pending })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is in the folder of temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}

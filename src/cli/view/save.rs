//! Files that the page saves: the table of boxes as `attrax track` writes it, and a video of the
//! maps.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::{Context, ensure};
use image::RgbImage;

use super::run::{Clip, Shot, ViewRun};
use super::session::Session;
use super::worker::decode;
use crate::cli::interrupt::Pending;
use crate::cli::track::follower::{columns, values};
use crate::cli::track::panel::{Row, panel};
use crate::cli::track::picture::overlay;
use crate::cli::track::video::Encoder;

/// Frames a second of the video of a live source.
const RATE: f64 = 25.0;
/// Seconds that a frame of such a video stands at most: learning takes longer, and so does a pause.
const LONGEST: f64 = 2.0;

/// The table of `attrax track`: the columns of the second tracker begin with `also_`, those of the
/// second target with `target2_`.
pub fn boxes(run: &ViewRun) -> String {
    let lines = run.targets.len() * run.trackers.len();
    let prefix = |line: usize| match (line, run.targets.len()) {
        (0, _) => String::new(),
        (_, 1) => "also_".into(),
        _ => format!("target{}_", line + 1),
    };
    let header: Vec<String> = (0..lines).map(|line| columns(&prefix(line), run.maps)).collect();
    let rows = run.shots.iter().map(|shot| {
        let cells = (0..lines).map(|line| values(shot.of(line), run.maps));
        cells.collect::<Vec<_>>().join(",")
    });
    let lines: Vec<String> = std::iter::once(header.join(",")).chain(rows).collect();
    lines.join("\n") + "\n"
}

/// The video of `attrax track --maps-video` where `of_maps` says so and there are some, else that
/// of `--video`. That of a live source plays as fast as its frames came. An abandoned one is given
/// up.
pub fn video(session: &Session, run: &ViewRun, of_maps: bool, abandoned: &AtomicBool) -> anyhow::Result<Vec<u8>> {
    let folder = Folder::create()?;
    let path = folder.path.join("seen.mp4");
    let is_live = session.clip.live().is_some();
    let rate = if is_live { Some(RATE) } else { session.clip.rate };
    let mut encoder: Option<Encoder> = None;
    // What is owed to a live source's clock, seconds.
    let mut owed = 0.0;
    for (position, shot) in run.shots.iter().enumerate() {
        ensure!(session.watched() && !abandoned.load(Ordering::Relaxed), "the page was closed");
        let picture = picture(&session.clip, run, of_maps, shot, run.from + position)?;
        let encoder = match &mut encoder {
            Some(encoder) => encoder,
            none => none.insert(Encoder::start(&path, picture.dimensions(), rate.into())?),
        };
        let next = run.shots.get(position + 1).and_then(|next| next.picture.time);
        let mut times = 1;
        if let (Some(time), Some(next)) = (shot.picture.time, next) {
            owed += (next - time).clamp(0.0, LONGEST);
            times = (owed * RATE).round() as usize;
            owed -= times as f64 / RATE;
        }
        for _ in 0..times {
            encoder.write(picture.as_raw())?;
        }
    }
    encoder.context("nothing was tracked")?.finish()?;
    Ok(fs::read(&path)?)
}

/// The maps of every line in a frame, or the frame with the box of each target.
fn picture(clip: &Clip, run: &ViewRun, of_maps: bool, shot: &Shot, position: usize) -> anyhow::Result<RgbImage> {
    let frame = decode(&shot.picture.jpeg)?;
    let of_each = run.trackers.len();
    if !(run.maps && of_maps) {
        let boxes = (0..run.targets.len()).map(|target| Some(shot.of(target * of_each)?.estimate));
        return overlay(&frame, position + 1, &boxes.collect::<Vec<_>>());
    }
    let names = run.names();
    let rows = names.iter().enumerate().filter_map(|(line, name)| {
        let observed = shot.of(line)?;
        let truth = clip.truth.as_ref().filter(|_| line == 0 || run.targets.len() == 1);
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

//! The formats that are lines of numbers.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;

use super::Tracks;

/// A line of ground truth without a target.
const NO_TARGET: &str = "nan,nan,nan,nan\n";

/// A line for each frame of the source from number `first` on: left, top, width, height of the
/// first target; NaN in frames without the target and in frames before the run.
pub fn groundtruth(tracks: &Tracks, first: usize) -> String {
    let before = tracks.frames.first().map_or(0, |frame| frame.number.saturating_sub(first));
    let lines = tracks.frames.iter().map(|frame| match frame.found.first() {
        Some(Some((b, _))) => format!("{:.3},{:.3},{:.3},{:.3}\n", b.x, b.y, b.width, b.height),
        _ => NO_TARGET.into(),
    });
    NO_TARGET.repeat(before) + &lines.collect::<String>()
}

/// Frames, targets and pixels are counted from 1; the last three columns are for places in space.
pub fn mot(tracks: &Tracks) -> String {
    let rows = tracks.frames.iter().flat_map(|frame| {
        let number = frame.number + 1;
        (1..).zip(&frame.found).filter_map(move |(target, found): (usize, _)| {
            let (b, probability) = (*found)?;
            let (left, top) = (b.x + 1.0, b.y + 1.0);
            let place = format!("{left:.3},{top:.3},{:.3},{:.3}", b.width, b.height);
            Some(format!("{number},{target},{place},{probability:.4},-1,-1,-1\n"))
        })
    });
    rows.collect()
}

/// Labels by file name: the target's class, and the box's middle and size as shares of the frame; a
/// frame without a target has an empty file.
pub fn yolo(tracks: &Tracks) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::from([("classes.txt".to_string(), tracks.classes().join("\n") + "\n")]);
    for frame in &tracks.frames {
        let (width, height) = (f64::from(frame.size.0), f64::from(frame.size.1));
        let lines = frame.found.iter().enumerate().filter_map(|(target, found)| {
            let b = found.as_ref()?.0.clipped(width, height)?;
            let ((x, y), class) = (b.centre(), tracks.class_of(target));
            let (wide, high) = (b.width / width, b.height / height);
            Some(format!("{class} {:.6} {:.6} {wide:.6} {high:.6}\n", x / width, y / height))
        });
        let stem = Path::new(&frame.name).file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{stem}.txt");
        ensure!(
            files.insert(name, lines.collect()).is_none(),
            "{stem}: two frames have this name; YOLO's labels need one each"
        );
    }
    Ok(files)
}

//! The box that the target starts in, and the ground truth.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use attrax_session::{PolygonBox, rectangle, target_box};
use attrax_tracker::BoundingBox;
use trax::{Rectangle, Region};

use super::frames::{Source, folder_of_sequence, images_like};
use super::truth::{Place, read};

/// Files of ground truth: of VOT and GOT-10k, and of OTB.
const NAMES: [&str; 2] = ["groundtruth.txt", "groundtruth_rect.txt"];

/// The largest coordinate of a box, pixels: far beyond the largest frame.
const FAR: f64 = 1e9;
/// The shortest side of a box, pixels.
const THIN: f64 = 0.01;

/// The value of `--box`: four numbers up to [`FAR`], the last two at least [`THIN`].
pub fn parse_box(text: &str) -> Result<BoundingBox, String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    let Some(&[x, y, width, height]) = numbers.as_deref() else {
        return Err("four numbers with commas between them are needed, such as 198,214,34,81".into());
    };
    let region = BoundingBox::new(x, y, width, height);
    if !region.is_valid() {
        return Err("width and height must be above 0, and everything finite".into());
    }
    if width.min(height) < THIN || [x, y, width, height].iter().any(|number| number.abs() > FAR) {
        return Err(format!("pixels are needed: sides of at least {THIN}, and no number above {FAR:e}"));
    }
    Ok(region)
}

/// Where the target is in some frames, by hand.
pub struct Truth {
    path: PathBuf,
    /// One for each frame that is tracked in; none where there is no target, or no line for the
    /// frame.
    places: Vec<Option<Place>>,
}

impl Truth {
    /// The ground truth of a file, or that which is stored with the frames, if any.
    pub fn find(file: Option<&Path>, source: &Source) -> anyhow::Result<Option<Self>> {
        match file {
            Some(path) => Self::of_file(path, source).map(Some),
            None => Self::with_frames(source),
        }
    }

    /// A file with a line for each frame of the source.
    fn of_file(path: &Path, source: &Source) -> anyhow::Result<Self> {
        let places = read(path)?;
        if let (Some(count), lines) = (source.count(), places.len()) {
            ensure!(
                lines == count || lines == 1,
                "{}: {lines} lines for {count} frames; one line for each frame is needed, or one for the first alone",
                path.display()
            );
        }
        Ok(Self { path: path.to_path_buf(), places })
    }

    /// Where ground truth that is stored with the frames would be.
    pub fn paths_with(source: &Source) -> impl Iterator<Item = PathBuf> {
        let first = if let Source::Files(frames) = source { frames.first() } else { None };
        let folder = first.map(|first| folder_of_sequence(first));
        folder.into_iter().flat_map(|folder| NAMES.map(|name| folder.join(name)))
    }

    /// The ground truth that is stored with the frames, where there is one.
    pub fn with_frames(source: &Source) -> anyhow::Result<Option<Self>> {
        let Source::Files(frames) = source else { return Ok(None) };
        let Some(first) = frames.first() else { return Ok(None) };
        let Some(path) = Self::paths_with(source).find(|path| path.is_file()) else { return Ok(None) };
        let lines = read(&path)?;
        // Not every frame may be tracked in, nor in order: a line belongs to a place in the folder.
        let folder = first.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let images = images_like(folder, first)?;
        ensure!(
            lines.len() == images.len() || lines.len() == 1,
            "{}: {} lines for {} images, so that the line of the first frame is unknown; give its box with --box",
            path.display(),
            lines.len(),
            images.len()
        );
        let names = images.iter().filter_map(|image| image.file_name());
        let lines: HashMap<&OsStr, Option<Place>> = names.zip(lines).collect();
        let line = |frame: &PathBuf| lines.get(frame.file_name()?)?.clone();
        let same_folder = |frame: &PathBuf| frame.parent() == first.parent();
        let places = frames.iter().map(|frame| line(frame).filter(|_| same_folder(frame))).collect();
        Ok(Some(Self { path, places }))
    }

    /// The box that a tracker starts from in a frame, counted from 0: of a polygon, the one that
    /// `attrax serve` makes of it.
    pub fn box_in(&self, frame: usize) -> anyhow::Result<BoundingBox> {
        let (path, number) = (self.path.display(), frame + 1);
        let Some(region) = self.region(frame) else {
            bail!("{path}: it has no region for frame {number}; give one with --box");
        };
        target_box(&region, PolygonBox::default())
            .map_err(|reason| anyhow!("{path}: frame {number}: {reason}; give a box with --box"))
    }

    /// The region in a frame, counted from 0.
    pub fn region(&self, frame: usize) -> Option<Region> {
        self.places.get(frame)?.as_ref()?.region()
    }

    /// Overlap of a box with the region in a frame of some size, counted inside the frame as the
    /// VOT toolkit does.
    pub fn overlap(&self, frame: usize, found: BoundingBox, (width, height): (u32, u32)) -> Option<f64> {
        let found = rectangle(found);
        let within = Rectangle { x: 0.0, y: 0.0, width: width as f32, height: height as f32 };
        self.region(frame)?.overlap(&found, Some(within))
    }
}

/// The box of the ground truth in the first frame that is tracked in, counted from 0.
pub fn first_box(truth: Option<&Truth>, first: usize) -> anyhow::Result<BoundingBox> {
    match truth {
        Some(truth) => truth.box_in(first),
        None => bail!(
            "where is the target in the first frame? Say it with --box X,Y,WIDTH,HEIGHT, name its ground truth with --truth \
             FILE, or store the ground truth with the frames: {} (VOT, GOT-10k) or {} (OTB)",
            NAMES[0],
            NAMES[1]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_four_numbers() {
        assert_eq!(parse_box("1, 2,3.5,4"), Ok(BoundingBox::new(1.0, 2.0, 3.5, 4.0)));
        for wrong in ["1 2 3 4", "1,2,3", "1,2,3,4,5", "1,2,x,4", "1,2,0,4", "1,2,nan,4", ""] {
            assert!(parse_box(wrong).is_err(), "{wrong}");
        }
    }
}

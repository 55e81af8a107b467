//! The box that the target starts in, and the ground truth.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use attrax_session::{PolygonBox, TargetBox, target_box};
use attrax_tracker::BoundingBox;
use trax::{Rectangle, Region};

use super::frames::{Source, folder_of_sequence, images_like};

/// Files of ground truth: of VOT and GOT-10k, and of OTB.
const NAMES: [&str; 2] = ["groundtruth.txt", "groundtruth_rect.txt"];

/// The beginning of the names of OTB's files, which count pixels from 1.
const FROM_ONE: &str = "groundtruth_rect";

/// The value of `--box`: four finite numbers, the last two positive.
pub fn parse_box(text: &str) -> Result<BoundingBox, String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    let Some(&[x, y, width, height]) = numbers.as_deref() else {
        return Err("four numbers with commas between them are needed, such as 198,214,34,81".into());
    };
    let region = BoundingBox::new(x, y, width, height);
    if region.is_valid() { Ok(region) } else { Err("width and height must be above 0, and everything finite".into()) }
}

/// Where the target is in some frames, by hand.
pub struct Truth {
    path: PathBuf,
    /// One for each frame that is tracked in; none in frames without target or annotation.
    regions: Vec<Option<Region>>,
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
        let regions = read(path)?;
        if let (Some(count), lines) = (source.count(), regions.len()) {
            ensure!(
                lines == count || lines == 1,
                "{}: {lines} lines for {count} frames; one line for each frame is needed, or one for the first alone",
                path.display()
            );
        }
        Ok(Self { path: path.to_path_buf(), regions })
    }

    /// The ground truth that is stored with the frames, where there is one.
    pub fn with_frames(source: &Source) -> anyhow::Result<Option<Self>> {
        let Source::Files(frames) = source else { return Ok(None) };
        let Some(first) = frames.first() else { return Ok(None) };
        let folder = folder_of_sequence(first);
        let Some(path) = NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file()) else {
            return Ok(None);
        };
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
        let lines: HashMap<&OsStr, Option<Region>> = names.zip(lines).collect();
        let line = |frame: &PathBuf| lines.get(frame.file_name()?)?.clone();
        let same_folder = |frame: &PathBuf| frame.parent() == first.parent();
        let regions = frames.iter().map(|frame| line(frame).filter(|_| same_folder(frame))).collect();
        Ok(Some(Self { path, regions }))
    }

    /// The box that a tracker starts from in a frame, counted from 0: of a polygon, the one that `attrax serve` makes of it.
    pub fn box_in(&self, frame: usize) -> anyhow::Result<BoundingBox> {
        let (path, number) = (self.path.display(), frame + 1);
        let Some(region) = self.region(frame) else {
            bail!("{path}: it has no region for frame {number}; give one with --box");
        };
        let target = target_box(region, PolygonBox::default())
            .map_err(|reason| anyhow!("{path}: frame {number}: {reason}; give a box with --box"))?;
        Ok(target.into())
    }

    /// The region in a frame, counted from 0.
    pub fn region(&self, frame: usize) -> Option<&Region> {
        self.regions.get(frame)?.as_ref()
    }

    /// Overlap of a box with the region in a frame of some size, counted inside the frame as the VOT toolkit does.
    pub fn overlap(&self, frame: usize, found: BoundingBox, (width, height): (u32, u32)) -> Option<f64> {
        let found = Region::from(TargetBox::from(found));
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

/// The regions of a file, line by line, with pixels counted from 0.
fn read(path: &Path) -> anyhow::Result<Vec<Option<Region>>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    // Editors on Windows put a mark before the first line.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = String::from_utf8_lossy(bytes);
    let from_one = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FROM_ONE));
    let lines = text.trim_end().lines().enumerate();
    let regions: Vec<Option<Region>> = lines
        .map(|(place, line)| {
            let region = parse_line(line, from_one);
            region.map_err(|reason| anyhow!("{}, line {}: {line:?}: {reason}", path.display(), place + 1))
        })
        .collect::<anyhow::Result<_>>()?;
    ensure!(!regions.is_empty(), "{}: it is empty; give a box with --box", path.display());
    Ok(regions)
}

/// A region, or none where the line says that there is no target. Commas, tabs and spaces all separate numbers.
fn parse_line(line: &str, from_one: bool) -> Result<Option<Region>, String> {
    let parts: Vec<&str> = line.split([',', '\t', ' ', ';']).filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| part.to_ascii_lowercase().contains("nan")) {
        return Ok(None);
    }
    let joined = parts.join(",");
    // The toolkit's files write a mask as m and its numbers: left, top, width, height and runs.
    let text = if let Some(numbers) = joined.strip_prefix('m') {
        let size: Vec<&str> = numbers.split(',').skip(2).take(2).collect();
        if size.len() == 2 && size.contains(&"0") {
            return Ok(None);
        }
        format!("mask:{numbers}")
    } else {
        joined
    };
    if text.is_empty() {
        return Err("an empty line; a frame without a target is nan,nan,nan,nan".into());
    }
    let region: Region = text.parse().map_err(|error: trax::Error| error.to_string())?;
    // A special code, or a box of no size, stands for no target.
    let there = target_box(&region, PolygonBox::Bounding).is_ok();
    Ok(there.then(|| if from_one { one_less(region) } else { region }))
}

/// A region whose pixels are counted from 1, counted from 0.
fn one_less(region: Region) -> Region {
    match region {
        Region::Rectangle(Rectangle { x, y, width, height }) => Region::rectangle(x - 1.0, y - 1.0, width, height),
        Region::Polygon(polygon) => {
            let points: Vec<(f32, f32)> = polygon.points().iter().map(|point| (point.x - 1.0, point.y - 1.0)).collect();
            Region::polygon(points).unwrap_or(Region::Polygon(polygon))
        }
        other => other,
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

    #[test]
    fn ground_truth_has_many_forms() {
        let rectangle = Some(Region::rectangle(1.0, 2.0, 3.0, 4.0));
        for line in ["1,2,3,4", "1\t2\t3\t4", "1 2  3 4", "1.0, 2.0, 3.0, 4.0"] {
            assert_eq!(parse_line(line, false), Ok(rectangle.clone()), "{line}");
        }
        assert_eq!(parse_line("2,3,3,4", true), Ok(rectangle));
        let polygon = Region::polygon([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)]).unwrap();
        assert_eq!(parse_line("0,0,4,0,4,3,0,3", false), Ok(Some(polygon)));
        assert!(matches!(parse_line("m1,2,3,1,1,1,1", false), Ok(Some(Region::Mask(_)))));
        for nothing in
            ["nan,nan,nan,nan", "NaN NaN NaN NaN", "-nan(ind),1,2,3", "0,0,0,0", "0", "m0,0,0,0,0", "m0,0,0,0"]
        {
            assert_eq!(parse_line(nothing, false), Ok(None), "{nothing}");
        }
        for wrong in ["1,2,3", "1,2,3,x", ""] {
            assert!(parse_line(wrong, false).is_err(), "{wrong}");
        }
    }
}

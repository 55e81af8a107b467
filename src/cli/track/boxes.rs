//! The box that the target starts in, and the ground truth beside the frames.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use attrax_session::{PolygonBox, TargetBox, target_box};
use attrax_tracker::BoundingBox;
use trax::{Rectangle, Region};

use super::frames::{Source, folder_of_sequence, images_of};

/// Files of ground truth: of VOT and GOT-10k, and of OTB.
const NAMES: [&str; 2] = ["groundtruth.txt", "groundtruth_rect.txt"];

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
    /// One for each frame that is tracked in; none where there is no target or nobody has said where.
    regions: Vec<Option<Region>>,
}

impl Truth {
    /// The ground truth beside the frames, where there is one.
    pub fn beside(source: &Source) -> anyhow::Result<Option<Self>> {
        let Source::Files(frames) = source else { return Ok(None) };
        let Some(first) = frames.first() else { return Ok(None) };
        let folder = folder_of_sequence(first);
        let Some(path) = NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file()) else {
            return Ok(None);
        };
        let lines = read(&path)?;
        // Not every frame may be tracked in, nor in order: a line belongs to a place in the folder.
        let folder = first.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let images = images_of(folder)?;
        ensure!(
            lines.len() == images.len() || lines.len() == 1,
            "{}: {} lines for {} images, so that nobody can tell which line is of the first frame; give it with --box",
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

    /// The box that a tracker starts from in the first frame: of a polygon, the one that `attrax serve` makes of it.
    pub fn first_box(&self) -> anyhow::Result<BoundingBox> {
        let Some(Some(region)) = self.regions.first() else {
            bail!("{}: it has no region for the first frame; give one with --box", self.path.display());
        };
        let TargetBox { x, y, width, height } = target_box(region, PolygonBox::SameArea)
            .map_err(|reason| anyhow!("{}: first frame: {reason}; give a box with --box", self.path.display()))?;
        Ok(BoundingBox::new(x, y, width, height))
    }

    /// The region in a frame, counted from 0.
    pub fn region(&self, frame: usize) -> Option<&Region> {
        self.regions.get(frame)?.as_ref()
    }

    /// Overlap of a box with the region in a frame of some size, counted inside the frame as the VOT toolkit does.
    pub fn overlap(&self, frame: usize, found: BoundingBox, (width, height): (u32, u32)) -> Option<f64> {
        let found = Region::rectangle(found.x as f32, found.y as f32, found.width as f32, found.height as f32);
        let within = Rectangle { x: 0.0, y: 0.0, width: width as f32, height: height as f32 };
        self.region(frame)?.overlap(&found, Some(within))
    }
}

/// The box of the flag, else that of the ground truth.
pub fn first_box(flag: Option<BoundingBox>, truth: Option<&Truth>) -> anyhow::Result<BoundingBox> {
    match (flag, truth) {
        (Some(region), _) => Ok(region),
        (None, Some(truth)) => truth.first_box(),
        (None, None) => bail!(
            "where is the target in the first frame? Say it with --box X,Y,WIDTH,HEIGHT, or put the ground truth beside the \
             frames: {} (VOT, GOT-10k) or {} (OTB)",
            NAMES[0],
            NAMES[1]
        ),
    }
}

/// The regions of a file, line by line.
fn read(path: &Path) -> anyhow::Result<Vec<Option<Region>>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.trim_end().lines().enumerate();
    let regions = lines.map(|(place, line)| {
        parse_line(line).map_err(|reason| anyhow!("{}, line {}: {line:?}: {reason}", path.display(), place + 1))
    });
    regions.collect()
}

/// A region, or none where the line says that there is no target. Commas, tabs and spaces all separate numbers.
fn parse_line(line: &str) -> Result<Option<Region>, String> {
    let parts: Vec<&str> = line.split([',', '\t', ' ', ';']).filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| part.eq_ignore_ascii_case("nan")) {
        return Ok(None);
    }
    let joined = parts.join(",");
    // The toolkit's files write a mask as m and its numbers.
    let text = joined.strip_prefix('m').map_or_else(|| joined.clone(), |numbers| format!("mask:{numbers}"));
    let region: Region = text.parse().map_err(|error: trax::Error| error.to_string())?;
    // A special code, or a box of no size, stands for no target.
    Ok(target_box(&region, PolygonBox::Bounding).is_ok().then_some(region))
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
            assert_eq!(parse_line(line), Ok(rectangle.clone()), "{line}");
        }
        let polygon = Region::polygon([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)]).unwrap();
        assert_eq!(parse_line("0,0,4,0,4,3,0,3"), Ok(Some(polygon)));
        assert!(matches!(parse_line("m1,2,3,1,1,1,1"), Ok(Some(Region::Mask(_)))));
        for nothing in ["nan,nan,nan,nan", "NaN NaN NaN NaN", "0,0,0,0", "0"] {
            assert_eq!(parse_line(nothing), Ok(None), "{nothing}");
        }
        for wrong in ["1,2,3", "1,2,3,x", ""] {
            assert!(parse_line(wrong).is_err(), "{wrong}");
        }
    }
}

//! Where the frames come from: image files in natural order, or a video.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use attrax_session::decode::{DecodeLimits, Depth, decode_file};
use attrax_tracker::Frame;
use attrax_tracker::profile::{self, Profiler, Stage};

use super::ahead::Frames;
use super::video::{self, Video, WebP};

/// Names of the images that are read.
const IMAGES: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "tif", "tiff"];

/// Folders of a sequence that hold its frames: VOT's, OTB's and TNL2K's.
const FOLDERS: [&str; 3] = ["color", "img", "imgs"];

/// The frames of a sequence.
#[derive(Clone)]
pub enum Source {
    /// Image files, in order.
    Files(Vec<PathBuf>),
    /// A video, or a camera.
    Video(PathBuf),
}

impl Source {
    /// What the arguments of the command name.
    pub fn find(arguments: &[PathBuf]) -> anyhow::Result<Self> {
        if let [video] = arguments
            && video::is_video(video)
        {
            return Ok(Self::Video(video.clone()));
        }
        let mut files = Vec::new();
        for argument in arguments {
            ensure!(
                !video::is_video(argument),
                "{}: a video is tracked by itself, as the one argument",
                argument.display()
            );
            if argument.is_dir() {
                files.extend(images_of(&folder_of_frames(argument))?);
            } else if argument.exists() {
                ensure!(
                    arguments.len() > 1 || !fs::metadata(argument).is_ok_and(|m| m.file_type().is_fifo()),
                    "{}: a pipe; give - and send the video into standard input",
                    argument.display()
                );
                files.push(argument.clone());
            } else {
                files.extend(matching(argument)?);
            }
        }
        // A shell sorts what its pattern matches by the alphabet: 1, 10, 2.
        if arguments.len() > 1 && files.is_sorted() {
            files.sort_by(|a, b| natural(a, b));
        }
        if files.is_empty() {
            bail!("there are no frames to track in");
        }
        Ok(Self::Files(files))
    }

    /// The files that are read.
    pub fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Files(files) => files,
            Self::Video(video) => std::slice::from_ref(video),
        }
    }

    /// The names of the frames that are files, without their extensions; none for a video, or where
    /// two would be equal.
    pub fn stems(&self) -> Vec<String> {
        let Self::Files(files) = self else { return Vec::new() };
        let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stems: Vec<String> = files.iter().map(stem).collect();
        let different: BTreeSet<&String> = stems.iter().collect();
        if different.len() == stems.len() { stems } else { Vec::new() }
    }

    /// How many frames there are, where that is known from the start.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Files(files) => Some(files.len()),
            Self::Video(_) => None,
        }
    }

    /// The frames in order, or why there is none. While one is tracked a thread reads the next one,
    /// recorded by a profiler on a row of its trace. Of a camera or stream the newest one comes
    /// next.
    pub fn read_ahead(self, profiler: Option<(Profiler, u32)>) -> anyhow::Result<Frames> {
        Ok(match self {
            Self::Files(files) => {
                let mut depth = Depth::default();
                let frames = files.into_iter().map(move |path| read(&path, &mut depth));
                Frames::read(Box::new(frames), None, profiler, false)
            }
            Self::Video(path) if video::is_webp(&path) => {
                Frames::read(Box::new(WebP::open(&path)?), None, profiler, false)
            }
            Self::Video(path) => {
                let video = Video::open(&path)?;
                let about = video.about();
                Frames::read(Box::new(video), Some(about), profiler, video::goes_on(&path))
            }
        })
    }
}

/// A frame from its file.
fn read(path: &Path, depth: &mut Depth) -> anyhow::Result<Frame> {
    let _span = profile::span(Stage::Decode);
    let image = decode_file(path, &DecodeLimits::default(), depth)?;
    Ok(Frame::from_rgb8(image.width, image.height, image.pixels)?)
}

/// The folder where a sequence has its frames; `color/color` is one too.
fn folder_of_frames(folder: &Path) -> PathBuf {
    let inner = FOLDERS.iter().map(|name| folder.join(name)).find(|inner| inner.is_dir());
    inner.map_or_else(|| folder.to_path_buf(), |inner| folder_of_frames(&inner))
}

/// The folder of the sequence that a file is a frame of.
pub fn folder_of_sequence(frame: &Path) -> PathBuf {
    // Absolute, so that the folder above is known too.
    let frame = std::path::absolute(frame).unwrap_or_else(|_| frame.to_path_buf());
    let mut folder = frame.parent().unwrap_or(Path::new("/"));
    while let (true, Some(above)) =
        (folder.file_name().is_some_and(|name| FOLDERS.iter().any(|inner| name == *inner)), folder.parent())
    {
        folder = above;
    }
    folder.to_path_buf()
}

/// The images of a folder in natural order. They are of one kind: others may be no frames.
fn images_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let images = all_images(folder)?;
    ensure!(
        !images.is_empty(),
        "{}: no JPEG, PNG, BMP or TIFF files; give a folder of frames, a sequence with its frames in color/, img/ or imgs/, or a video",
        folder.display()
    );
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for image in &images {
        *kinds.entry(kind_of(image).unwrap_or_default()).or_default() += 1;
    }
    let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} .{kind}")).collect();
    let example = images[0].extension().unwrap_or_default().to_string_lossy();
    ensure!(
        kinds.len() == 1,
        "{}: images of several kinds ({}); say which are the frames by a pattern such as '{}/*.{example}'",
        folder.display(),
        counts.join(", "),
        folder.display(),
    );
    warn_of_gaps(&images);
    Ok(images)
}

/// The images of a folder that are of the same kind as a frame, in natural order.
pub fn images_like(folder: &Path, frame: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut images = all_images(folder)?;
    images.retain(|image| kind_of(image) == kind_of(frame));
    Ok(images)
}

/// All images of a folder in natural order.
fn all_images(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let entries: Vec<_> = fs::read_dir(folder).with_context(cannot)?.collect::<Result<_, _>>().with_context(cannot)?;
    let mut images: Vec<PathBuf> =
        entries.into_iter().map(|entry| entry.path()).filter(|path| is_image(path)).collect();
    images.sort_by(|a, b| natural(a, b));
    Ok(images)
}

/// Reports the first number that is missing in names that are numbered, one by one or in equal
/// steps.
fn warn_of_gaps(images: &[PathBuf]) {
    let number = |path: &PathBuf| -> Option<u64> {
        let stem = path.file_stem()?.to_str()?;
        stem.get(stem.trim_end_matches(|c: char| c.is_ascii_digit()).len()..)?.parse().ok()
    };
    let Some(numbers) = images.iter().map(number).collect::<Option<Vec<u64>>>() else { return };
    let steps: Vec<u64> = numbers.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let Some(&step) = steps.iter().min() else { return };
    if let Some(gap) = steps.iter().position(|other| *other != step) {
        let (from, to) = (images[gap].display(), images[gap + 1].display());
        log::warn!("frames may be missing between {from} and {to}; they are tracked in as one sequence");
    }
}

/// A file's kind by its name; a JPEG may be `.jpeg` or `.JPG`.
fn kind_of(path: &Path) -> Option<String> {
    let kind = path.extension()?.to_str()?.to_lowercase();
    Some(match kind.as_str() {
        "jpeg" => "jpg".into(),
        "tiff" => "tif".into(),
        _ => kind,
    })
}

/// The images that a pattern matches, in natural order.
fn matching(pattern: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let pattern = pattern.to_string_lossy();
    let found = glob::glob(&pattern).with_context(|| format!("bad pattern {pattern}"))?;
    let found: Vec<PathBuf> = found.collect::<Result<_, _>>().with_context(|| format!("cannot read {pattern}"))?;
    let mut images: Vec<PathBuf> = found.into_iter().filter(|path| is_image(path)).collect();
    ensure!(!images.is_empty(), "{pattern}: no such file or folder, and as a pattern it matches no image");
    images.sort_by(|a, b| natural(a, b));
    Ok(images)
}

/// Whether a file's name is that of an image; hidden files such as `._1.jpg` hold other data,
/// `.25.jpg` is a number.
fn is_image(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let hidden = name.starts_with(b".") && !name.get(1).is_some_and(u8::is_ascii_digit);
    let known = |extension: &str| IMAGES.contains(&extension.to_lowercase().as_str());
    !hidden && path.extension().is_some_and(|extension| known(&extension.to_string_lossy()))
}

/// Compares paths with the numbers in them as numbers: 1, 2, 10, and 0.25, 0.2599, 0.26.
/// `attrax-vot` has the same order.
fn natural(a: &Path, b: &Path) -> Ordering {
    let stem = |path: &Path| path.with_extension("").to_string_lossy().into_owned();
    pieces(&stem(a)).cmp(&pieces(&stem(b))).then_with(|| a.cmp(b))
}

/// A part of a name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// The whole part without leading zeros, after its length; the decimals without trailing ones.
    Number(usize, &'a str, &'a str),
    Text(&'a str),
}

/// The parts of a text that are numbers, and those that are not. A point is decimal after a digit,
/// and where no letter is before it: `frame.9` and `frame.10` count frames.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let bytes = text.as_bytes();
    let digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_digit);
    let after = |place: usize| (place..=bytes.len()).find(|&place| !digit(place)).unwrap_or(place);
    let mut found = Vec::new();
    let mut place = 0;
    while place < bytes.len() {
        let start = place;
        let letter_before = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
        place = after(start);
        let whole = &text[start..place];
        let point = bytes.get(place) == Some(&b'.') && digit(place + 1);
        if point && (!whole.is_empty() || !letter_before) {
            let decimals = place + 1;
            place = after(decimals);
            found.push(number(whole, &text[decimals..place]));
        } else if !whole.is_empty() {
            found.push(number(whole, ""));
        } else if bytes[start] == b'.' {
            place = start + 1;
            found.push(Piece::Text("."));
        } else {
            let end = (start..bytes.len()).find(|&end| digit(end) || bytes[end] == b'.');
            place = end.unwrap_or(bytes.len());
            found.push(Piece::Text(&text[start..place]));
        }
    }
    found
}

fn number<'a>(whole: &'a str, decimals: &'a str) -> Piece<'a> {
    let whole = whole.trim_start_matches('0');
    Piece::Number(whole.len(), whole, decimals.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names =
            ["img10.jpg", "img9.jpg", "b2.jpg", "img1.jpg", "img010.jpg", "img.jpg", "b1/9.jpg", "b1/10.jpg"];
        names.sort_by(|a, b| natural(Path::new(a), Path::new(b)));
        let expected =
            ["b1/9.jpg", "b1/10.jpg", "b2.jpg", "img.jpg", "img1.jpg", "img9.jpg", "img010.jpg", "img10.jpg"];
        assert_eq!(names, expected);
        for ordered in [
            &[".25.jpg", ".2599.jpg", ".26.jpg"][..],
            &["t_1.5.png", "t_1.75.png", "t_10.0.png"],
            &["frame.9.png", "frame.10.png"],
            &["a-.5.png", "a-0.75.png", "a-1.png", "a-1.2.3.png"],
        ] {
            assert!(ordered.is_sorted_by(|a, b| natural(Path::new(a), Path::new(b)).is_lt()), "{ordered:?}");
        }
    }

    #[test]
    fn frames_belong_to_the_sequence_around_their_folder() {
        for (frame, sequence) in [
            ("/data/bag/color/00000001.jpg", "/data/bag"),
            ("/data/Crossing/img/0001.jpg", "/data/Crossing"),
            ("/data/bag/color/color/00000001.jpg", "/data/bag"),
            ("/data/GOT-10k_1/00000001.jpg", "/data/GOT-10k_1"),
        ] {
            assert_eq!(folder_of_sequence(Path::new(frame)), Path::new(sequence));
        }
    }

    #[test]
    fn only_images_are_frames() {
        for (name, image) in [
            ("1.JPG", true),
            ("1.tiff", true),
            ("._1.jpg", false),
            (".25.jpg", true),
            ("truth.txt", false),
            ("jpg", false),
        ] {
            assert_eq!(is_image(Path::new(name)), image, "{name}");
        }
    }
}

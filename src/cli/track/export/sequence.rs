//! A sequence of the VOT toolkit: the frames in `color`, `groundtruth.txt` and `sequence`.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Context;
use attrax_tracker::Frame;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::folder::Folder;
use super::{Tracks, lines};

/// Quality of frames of videos, 1 to 100.
const QUALITY: u8 = 95;
/// Frames a second where the source does not say.
const RATE: f64 = 30.0;

/// A sequence that is being written.
pub struct Sequence {
    folder: Folder,
    kind: Kind,
    count: usize,
}

/// How frames are stored.
#[derive(Clone, Copy)]
enum Kind {
    /// The files are copied; they have this extension.
    Copied(&'static str),
    /// Images of other formats, without loss.
    Png,
    /// Frames of videos.
    Jpeg,
}

impl Kind {
    fn of(paths: &[PathBuf]) -> Self {
        let all = |names: &[&str]| {
            let is = |path: &PathBuf| {
                path.extension().is_some_and(|kind| names.iter().any(|name| kind.eq_ignore_ascii_case(name)))
            };
            paths.iter().all(is)
        };
        match () {
            () if paths.is_empty() => Self::Jpeg,
            () if all(&["jpg", "jpeg"]) => Self::Copied("jpg"),
            () if all(&["png"]) => Self::Copied("png"),
            () => Self::Png,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Copied(extension) => extension,
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

impl Sequence {
    /// Begins a sequence of frames of these files, of a video where there are none.
    pub fn create(target: &Path, paths: &[PathBuf]) -> anyhow::Result<Self> {
        Ok(Self { folder: Folder::create(target)?, kind: Kind::of(paths), count: 0 })
    }

    /// Adds a frame.
    pub fn add(&mut self, frame: &Frame, path: Option<&Path>) -> anyhow::Result<()> {
        self.count += 1;
        let (width, height) = frame.size();
        let mut bytes = Cursor::new(Vec::new());
        let encoded = match (self.kind, path) {
            (Kind::Copied(_), Some(path)) => {
                let copied = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                bytes = Cursor::new(copied);
                Ok(())
            }
            (Kind::Jpeg, _) => {
                let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
                encoder.write_image(frame.pixels(), width, height, ExtendedColorType::Rgb8)
            }
            _ => PngEncoder::new(&mut bytes).write_image(frame.pixels(), width, height, ExtendedColorType::Rgb8),
        };
        encoded.context("a frame cannot be stored")?;
        self.folder.write(&format!("color/{:08}.{}", self.count, self.kind.extension()), &bytes.into_inner())
    }

    /// Writes what describes the frames, and gives the folder its name.
    pub fn finish(self, tracks: &Tracks, rate: Option<f64>) -> anyhow::Result<()> {
        for (name, text) in descriptions(tracks, rate, self.kind.extension()) {
            self.folder.write(name, text.as_bytes())?;
        }
        self.folder.finish()
    }
}

/// The extension of files that a sequence stores as they are; none where it stores other files.
pub fn copied(paths: &[PathBuf]) -> Option<&'static str> {
    match Kind::of(paths) {
        Kind::Copied(extension) => Some(extension),
        Kind::Png | Kind::Jpeg => None,
    }
}

/// The files of a sequence that describe its frames, by name.
pub fn descriptions(tracks: &Tracks, rate: Option<f64>, extension: &str) -> [(&'static str, String); 2] {
    let first = tracks.frames.first().map_or(0, |frame| frame.number);
    let (width, height) = tracks.frames.first().map_or((0, 0), |frame| frame.size);
    // The toolkit reads whole numbers alone.
    let rate = rate.unwrap_or(RATE).round().max(1.0);
    let about =
        format!("fps={rate}\nformat=default\nchannels.color=color/%08d.{extension}\nwidth={width}\nheight={height}\n");
    [("groundtruth.txt", lines::groundtruth(tracks, first)), ("sequence", about)]
}

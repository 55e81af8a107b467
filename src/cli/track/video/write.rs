//! Frames as a video.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};

use super::{About, failure, ffmpeg, file, is_camera, is_video, listen};

/// Frames a second of a video that is made of images, which do not say.
const RATE: f64 = 25.0;

/// A video that is being written, beside the file that it replaces at the end.
pub struct Encoder {
    path: PathBuf,
    part: PathBuf,
    child: Child,
    frames: Option<ChildStdin>,
    messages: Option<JoinHandle<Vec<String>>>,
}

impl Encoder {
    /// Starts a video of frames of some size.
    pub fn start(path: &Path, (width, height): (u32, u32), rate: Option<f64>) -> anyhow::Result<Self> {
        let part = part_of(path)?;
        let mut child = ffmpeg(path, |command| {
            command.args(["-loglevel", "level+error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]);
            command.args(["-s", &format!("{width}x{height}"), "-r", &rate.unwrap_or(RATE).to_string(), "-i", "pipe:0"]);
            // Players expect halved colours, and those need even sides.
            command.args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"]).arg(file(&part));
            command.stdin(Stdio::piped());
        })?;
        let frames = child.stdin.take();
        let messages = child.stderr.take().map(|errors| thread::spawn(move || listen(errors, &About::default())));
        Ok(Self { path: path.to_path_buf(), part, child, frames, messages })
    }

    /// Adds a frame: interleaved RGB, rows from the top.
    pub fn write(&mut self, pixels: &[u8]) -> anyhow::Result<()> {
        let written = self.frames.as_mut().map_or(Ok(()), |frames| frames.write_all(pixels));
        written.map_err(|error| self.end().unwrap_or_else(|| anyhow!("{}: {error}", self.path.display())))
    }

    /// Gives the video its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if let Some(error) = self.end() {
            return Err(error);
        }
        std::fs::rename(&self.part, &self.path).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Ends the stream and waits; why there is no video, where there is none.
    fn end(&mut self) -> Option<anyhow::Error> {
        drop(self.frames.take());
        let errors = self.messages.take().and_then(|messages| messages.join().ok()).unwrap_or_default();
        let failure = match self.child.wait() {
            Ok(status) => failure(status)?,
            Err(error) => error.to_string(),
        };
        let reason = errors.first().map_or(String::new(), |error| format!(" ({error})"));
        Some(anyhow!("{}: no video was written: {failure}{reason}", self.path.display()))
    }
}

/// Where a video is while it is not whole: its extension, which says what it is to be, stays.
fn part_of(path: &Path) -> anyhow::Result<PathBuf> {
    let extension = path.extension().filter(|_| is_video(path) && !is_camera(path));
    let extension = extension.with_context(|| {
        format!("{}: a video is told by its name, which should end in .mp4, .webm, .mkv or .avi", path.display())
    })?;
    let mut part = OsString::from("part.");
    part.push(extension);
    Ok(path.with_extension(part))
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // Frames that were written before something else failed make a video too.
        drop(self.frames.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_that_is_not_whole_keeps_its_kind() {
        assert_eq!(part_of(Path::new("out/a.b.mp4")).unwrap(), Path::new("out/a.b.part.mp4"));
        assert!(part_of(Path::new("a.png")).is_err());
    }
}

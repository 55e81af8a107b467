//! A video as frames.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow, bail, ensure};
use attrax_session::decode::DecodeLimits;
use attrax_tracker::Frame;
use attrax_tracker::profile::{self, Stage};

use super::{About, failure, ffmpeg, file, is_camera, listen};

/// A video that is being decoded. As an iterator it gives the frames, turned as the video says, and at the end an error where
/// `ffmpeg` failed or found something wrong.
pub struct Video {
    path: PathBuf,
    child: Child,
    frames: BufReader<ChildStdout>,
    about: About,
    messages: Option<JoinHandle<Vec<String>>>,
    read: u64,
}

impl Video {
    /// Starts to decode a video.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        // Told here, because what ffmpeg says about it is longer.
        std::fs::metadata(path).with_context(|| path.display().to_string())?;
        let mut child = ffmpeg(path, |command| {
            if is_camera(path) {
                command.args(["-f", "v4l2"]).arg("-i").arg(path);
            } else {
                // A playlist that calls itself a video must not make it fetch anything.
                command.args(["-protocol_whitelist", "file", "-i"]).arg(file(path));
            }
            // Each frame once, as a picture that tells its own size.
            command.args(["-loglevel", "level+info", "-map", "0:V:0", "-fps_mode", "passthrough"]);
            command.args(["-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]).stdout(Stdio::piped());
        })?;
        let (Some(out), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            bail!("{}: ffmpeg has no output", path.display());
        };
        let about = About::default();
        let told = about.clone();
        let messages = Some(thread::spawn(move || listen(errors, &told)));
        Ok(Self { path: path.to_path_buf(), child, frames: BufReader::new(out), about, messages, read: 0 })
    }

    /// What the video says about itself; known from the first frame on.
    pub fn about(&self) -> About {
        self.about.clone()
    }

    /// Why there are no more frames: none where all went well.
    fn end(&mut self) -> Option<anyhow::Error> {
        let errors = self.messages.take()?.join().unwrap_or_default();
        let failure = match self.child.wait() {
            Ok(status) => failure(status),
            Err(error) => Some(error.to_string()),
        };
        let reason = match (failure, errors.first()) {
            // What a process that was killed had to say was not about its end.
            (Some(killed), _) if killed.contains("signal") => killed,
            (_, Some(error)) if self.read > 0 => format!("it is damaged or cut short ({error})"),
            (_, Some(error)) => format!("ffmpeg cannot read it ({error})"),
            (Some(failure), None) => failure,
            (None, None) if self.read > 0 => return None,
            (None, None) => "there are no frames in it".into(),
        };
        Some(anyhow!("{}: after {} frames: {reason}", self.path.display(), self.read))
    }
}

impl Iterator for Video {
    type Item = anyhow::Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let _span = profile::span(Stage::Decode);
        match picture(&mut self.frames) {
            Ok(Some((width, height, pixels))) => {
                self.read += 1;
                Some(Frame::from_rgb8(width, height, pixels).map_err(Into::into))
            }
            Ok(None) => self.end().map(Err),
            Err(error) => Some(Err(self.end().unwrap_or(error))),
        }
    }
}

impl Drop for Video {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next picture of a stream of binary PPM pictures: width, height and pixels; none at its end.
fn picture(stream: &mut impl BufRead) -> anyhow::Result<Option<(u32, u32, Vec<u8>)>> {
    if stream.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut line = || {
        let mut bytes = Vec::new();
        // No line of such a header is long.
        stream.by_ref().take(32).read_until(b'\n', &mut bytes)?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).trim().to_string())
    };
    let (kind, size, depth) = (line()?, line()?, line()?);
    let size = size.split_once(' ').filter(|_| kind == "P6" && depth == "255");
    let size = size.and_then(|(width, height)| Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?)));
    let (width, height) = size.context("the last frame has no header")?;
    let limit = DecodeLimits::default().pixels;
    let count = u64::from(width) * u64::from(height);
    ensure!(count <= limit, "a frame of {width} x {height} pixels: the size of an image is limited to {limit} pixels");
    let mut pixels = vec![0; 3 * count as usize];
    stream.read_exact(&mut pixels).context("the last frame is not whole")?;
    Ok(Some((width, height, pixels)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_follow_each_other_in_a_stream() {
        let two = [&b"P6\n2 1\n255\nabcdef"[..], b"P6\n1 1\n255\nxyz"].concat();
        let mut stream = &two[..];
        assert_eq!(picture(&mut stream).unwrap(), Some((2, 1, b"abcdef".to_vec())));
        assert_eq!(picture(&mut stream).unwrap(), Some((1, 1, b"xyz".to_vec())));
        assert_eq!(picture(&mut stream).unwrap(), None);
        for broken in ["P6\n2 1\n255\nabc", "P6\n2 1\n", "no picture", "P6\n70000 70000\n255\n"] {
            assert!(picture(&mut broken.as_bytes()).is_err(), "{broken}");
        }
    }
}

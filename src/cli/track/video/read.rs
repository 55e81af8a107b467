//! A video as frames.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{anyhow, bail};
use attrax_session::decode::DecodeLimits;
use attrax_tracker::Frame;
use attrax_tracker::profile::{self, Stage};

use super::origin::{add_input, check};
use super::process::{Failure, Process, patience};
use super::{About, listen};

/// A video that is being decoded. As an iterator it gives the frames, turned as the video says, and
/// at the end an error where `ffmpeg` failed, found something wrong, or did nothing for too long.
pub struct Video {
    path: PathBuf,
    process: Process,
    /// Closed at the end of the stream, before the process is waited for.
    pictures: Receiver<Result<Picture, Fault>>,
    about: About,
    messages: Option<JoinHandle<Vec<String>>>,
    patience: Duration,
    read: u64,
}

/// Width, height and pixels.
type Picture = (u32, u32, Vec<u8>);

/// Why there is no picture.
#[derive(Debug, PartialEq)]
enum Fault {
    /// The stream ended within a picture.
    Cut,
    /// The bytes are not an accepted picture.
    Refused(String),
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Cut
    }
}

impl Video {
    /// Starts to decode a video.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        check(path)?;
        let patience = patience()?;
        let mut process = Process::start(path, |command| {
            add_input(command, path);
            // Each frame once, as a picture that has its own size in front.
            command.args(["-loglevel", "level+info", "-map", "0:V:0", "-fps_mode", "passthrough"]);
            command.args(["-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]).stdout(Stdio::piped());
        })?;
        let (Some(out), Some(errors)) = (process.stdout(), process.stderr()) else {
            bail!("{}: ffmpeg has no output", path.display());
        };
        let about = About::default();
        let noted = about.clone();
        let messages = Some(thread::spawn(move || listen(errors, &noted)));
        // A thread, so that a process that does nothing can be left.
        let (sender, pictures) = mpsc::sync_channel(0);
        thread::spawn(move || {
            let mut stream = BufReader::new(out);
            while let Some(picture) = picture(&mut stream).transpose() {
                let last = picture.is_err();
                if sender.send(picture).is_err() || last {
                    break;
                }
            }
        });
        Ok(Self { path: path.to_path_buf(), process, pictures, about, messages, patience, read: 0 })
    }

    /// What the video says about itself; known from the first frame on.
    pub fn about(&self) -> About {
        self.about.clone()
    }

    /// Why there are no more frames: none where all went well.
    fn end(&mut self, fault: Option<&Fault>) -> Option<anyhow::Error> {
        let refused = match fault {
            Some(Fault::Refused(reason)) => Some(reason.clone()),
            Some(Fault::Cut) | None => None,
        };
        let failure = if refused.is_some() {
            self.process.kill();
            None
        } else {
            self.process.wait(self.patience, || 0)
        };
        let errors = self.messages.take()?.join().unwrap_or_default();
        let reason = match (refused, failure, errors.first()) {
            (Some(reason), ..) => reason,
            // What a process that was killed had to say was not about its end.
            (_, Some(killed @ (Failure::Killed(_) | Failure::Hung(_))), _) => killed.to_string(),
            (.., Some(error)) if self.read > 0 => format!("it is damaged or cut short ({error})"),
            (.., Some(error)) => format!("ffmpeg cannot read it ({error})"),
            (_, Some(failure), None) => failure.to_string(),
            (None, None, None) if fault.is_some() => "the last frame is not whole".into(),
            (None, None, None) if self.read > 0 => return None,
            (None, None, None) => "there are no frames in it".into(),
        };
        Some(anyhow!("{}: after {} frames: {reason}", self.path.display(), self.read))
    }
}

impl Iterator for Video {
    type Item = anyhow::Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let _span = profile::span(Stage::Decode);
        self.messages.as_ref()?;
        match self.pictures.recv_timeout(self.patience) {
            Ok(Ok((width, height, pixels))) => {
                self.read += 1;
                Some(Frame::from_rgb8(width, height, pixels).map_err(Into::into))
            }
            Ok(Err(fault)) => self.end(Some(&fault)).map(Err),
            Err(RecvTimeoutError::Disconnected) => self.end(None).map(Err),
            Err(RecvTimeoutError::Timeout) => {
                let hung = Failure::Hung(self.patience).to_string();
                self.end(Some(&Fault::Refused(hung))).map(Err)
            }
        }
    }
}

/// The next picture of a stream of binary PPM pictures; none at its end.
fn picture(stream: &mut impl BufRead) -> Result<Option<Picture>, Fault> {
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
    let Some((width, height)) = size else {
        return Err(Fault::Refused("ffmpeg gave something that is no picture".into()));
    };
    let limit = DecodeLimits::default().pixels;
    let count = u64::from(width) * u64::from(height);
    if count == 0 {
        return Err(Fault::Refused("ffmpeg gave a picture without pixels".into()));
    }
    if count > limit {
        return Err(Fault::Refused(format!(
            "a frame of {width} x {height} pixels: the size of an image is limited to {limit} pixels"
        )));
    }
    let mut pixels = vec![0; 3 * count as usize];
    stream.read_exact(&mut pixels)?;
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
        assert_eq!(picture(&mut &b"P6\n2 1\n255\nabc"[..]), Err(Fault::Cut));
        for refused in ["P6\n2 1\n", "no picture", "P6\n70000 70000\n255\n"] {
            assert!(matches!(picture(&mut refused.as_bytes()), Err(Fault::Refused(_))), "{refused}");
        }
    }
}

//! Frames as a video.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{anyhow, ensure};

use super::origin::is_named_as_video;
use super::process::{Failure, Process, file, patience};
use super::{About, listen};
use crate::cli::output::{Output, part_of_media};

/// Frames a second of a video that is made of images, which do not say.
const RATE: f64 = 25.0;
/// Frames on their way to ffmpeg.
const AHEAD: usize = 2;

/// How fast a video plays.
#[derive(Clone, Copy)]
pub enum Pace {
    /// At this many frames a second.
    Rate(f64),
    /// As fast as the frames came.
    Clock,
}

impl From<Option<f64>> for Pace {
    /// The pace of a video that declares its rate, or of images, which do not.
    fn from(rate: Option<f64>) -> Self {
        Self::Rate(rate.unwrap_or(RATE))
    }
}

/// Where a video is written to: a part file, which replaces the file of that name when the video is
/// whole.
pub struct Target {
    path: PathBuf,
    output: Output,
}

impl Target {
    /// Creates the part file, and makes sure that there is an ffmpeg.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        ensure!(
            is_named_as_video(path),
            "{}: the name of a video should end in .mp4, .webm, .mkv or .avi, which says its format",
            path.display()
        );
        let limit = patience()?;
        let mut asked = Process::start(path, |command| {
            command.arg("-version").stdout(Stdio::null()).stderr(Stdio::null());
        })?;
        if let Some(failure) = asked.wait(limit, || 0) {
            return Err(anyhow!("{}: no video can be written: {failure}", path.display()));
        }
        Ok(Self { path: path.to_path_buf(), output: Output::create(path, part_of_media)? })
    }
}

/// A video that is being written.
pub struct Encoder {
    // Before the target: the process ends before its file is removed.
    process: Process,
    target: Target,
    /// Bytes of a frame.
    size: usize,
    /// To the thread that feeds the process; closed at the end.
    frames: Option<Sender<Vec<u8>>>,
    /// A word for each frame that the process has taken.
    taken: Receiver<()>,
    /// Frames on their way.
    waiting: usize,
    messages: Option<JoinHandle<Vec<String>>>,
    patience: Duration,
}

impl Encoder {
    /// Starts a video of frames of some size.
    pub fn start(path: &Path, size: (u32, u32), pace: Pace) -> anyhow::Result<Self> {
        Self::on(Target::create(path)?, size, pace)
    }

    /// The same, on a target that was made before.
    pub fn on(target: Target, (width, height): (u32, u32), pace: Pace) -> anyhow::Result<Self> {
        let path = target.output.path(&target.path);
        let mut process = Process::start(&target.path, |command| {
            command.args(["-loglevel", "level+error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]);
            command.args(["-s", &format!("{width}x{height}")]);
            match pace {
                Pace::Rate(rate) => command.args(["-r", &rate.to_string(), "-i", "pipe:0"]),
                Pace::Clock => command.args(["-use_wallclock_as_timestamps", "1", "-i", "pipe:0", "-fps_mode", "vfr"]),
            };
            // Players expect halved colours, and those need even sides.
            command.args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"]).arg(file(path));
            command.stdin(Stdio::piped());
        })?;
        let stdin = process.stdin();
        let messages = process.stderr().map(|errors| thread::spawn(move || listen(errors, &About::default())));
        let (frames, queue) = mpsc::channel::<Vec<u8>>();
        let (done, taken) = mpsc::channel();
        // A thread, so that a process that takes nothing can be left.
        thread::spawn(move || {
            let Some(mut stdin) = stdin else { return };
            for frame in queue {
                // Why a process takes no more is in its messages.
                if stdin.write_all(&frame).is_err() || done.send(()).is_err() {
                    break;
                }
            }
        });
        let size = 3 * width as usize * height as usize;
        let patience = patience()?;
        Ok(Self { process, target, size, frames: Some(frames), taken, waiting: 0, messages, patience })
    }

    /// Adds a frame: interleaved RGB, rows from the top.
    pub fn write(&mut self, pixels: &[u8]) -> anyhow::Result<()> {
        ensure!(
            pixels.len() == self.size,
            "{}: no video was written: the frames are of different sizes",
            self.target.path.display()
        );
        if self.frames.as_ref().is_some_and(|frames| frames.send(pixels.to_vec()).is_err()) {
            return Err(self.failed());
        }
        self.waiting += 1;
        self.wait_for(AHEAD)
    }

    /// Gives the video its name, once ffmpeg has ended well and can read what it wrote.
    pub fn finish(mut self) -> anyhow::Result<()> {
        drop(self.frames.take());
        self.wait_for(0)?;
        if let Some(error) = self.end() {
            return Err(error);
        }
        if self.target.output.is_regular() {
            self.verify()?;
        }
        self.target.output.finish()
    }

    /// Waits until no more than some frames are on their way.
    fn wait_for(&mut self, most: usize) -> anyhow::Result<()> {
        while self.waiting > most {
            match self.taken.recv_timeout(self.patience) {
                Ok(()) => self.waiting -= 1,
                Err(RecvTimeoutError::Disconnected) => return Err(self.failed()),
                Err(RecvTimeoutError::Timeout) => {
                    self.process.kill();
                    return Err(self.error(&Failure::Hung(self.patience).to_string()));
                }
            }
        }
        Ok(())
    }

    /// Why ffmpeg took no more frames.
    fn failed(&mut self) -> anyhow::Error {
        drop(self.frames.take());
        self.end().unwrap_or_else(|| self.error("ffmpeg ended before the last frame"))
    }

    /// Waits for the process; why there is no video, where there is none: an error line is enough.
    fn end(&mut self) -> Option<anyhow::Error> {
        let part = self.target.output.path(&self.target.path).to_path_buf();
        // Encoders write their last frames one by one.
        let failure = self.process.wait(self.patience, || size_of(&part));
        let errors = self.messages.take().and_then(|messages| messages.join().ok()).unwrap_or_default();
        match (failure, errors.first()) {
            (None, None) => None,
            (None, Some(error)) => Some(self.error(&format!("ffmpeg: {error}"))),
            (Some(failure), None) => Some(self.error(&failure.to_string())),
            (Some(failure), Some(error)) => Some(self.error(&format!("{failure} ({error})"))),
        }
    }

    /// Lets ffmpeg read the packets of the video.
    fn verify(&self) -> anyhow::Result<()> {
        let part = self.target.output.path(&self.target.path);
        let mut process = Process::start(&self.target.path, |command| {
            command.args(["-loglevel", "level+error", "-protocol_whitelist", "file", "-i"]).arg(file(part));
            command.args(["-map", "0:v:0", "-c", "copy", "-f", "null", "-"]).stdout(Stdio::null());
        })?;
        let errors = process.stderr().map(|errors| thread::spawn(move || listen(errors, &About::default())));
        let failure = process.wait(self.patience, || 0);
        let errors = errors.and_then(|errors| errors.join().ok()).unwrap_or_default();
        match (errors.first(), failure) {
            (None, None) => Ok(()),
            (Some(error), _) => Err(self.error(&format!("ffmpeg cannot read what it wrote ({error})"))),
            (None, Some(failure)) => Err(self.error(&format!("ffmpeg cannot read what it wrote ({failure})"))),
        }
    }

    fn error(&self, reason: &str) -> anyhow::Error {
        anyhow!("{}: no video was written: {reason}", self.target.path.display())
    }
}

fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

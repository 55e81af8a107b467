//! Videos in and out, by `ffmpeg` processes at the other end of a pipe.

mod read;
mod write;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;

pub use self::read::Video;
pub use self::write::Encoder;

/// Names of videos.
const VIDEOS: [&str; 12] = ["mp4", "m4v", "mov", "webm", "mkv", "avi", "y4m", "mpg", "mpeg", "ts", "wmv", "ogv"];

/// Whether a path is that of a video or of a camera.
pub fn is_video(path: &Path) -> bool {
    let known = |extension: &str| VIDEOS.contains(&extension.to_lowercase().as_str());
    is_camera(path) || path.extension().is_some_and(|extension| known(&extension.to_string_lossy())) && !path.is_dir()
}

/// Whether a path is that of a camera.
pub fn is_camera(path: &Path) -> bool {
    path.to_string_lossy().starts_with("/dev/video")
}

/// `ffmpeg`: the program that `ATTRAX_FFMPEG` names, or the one on PATH.
fn ffmpeg(for_what: &Path, arguments: impl FnOnce(&mut Command)) -> anyhow::Result<Child> {
    let program = std::env::var_os("ATTRAX_FFMPEG").unwrap_or_else(|| "ffmpeg".into());
    let mut command = Command::new(&program);
    command.args(["-hide_banner", "-nostdin", "-nostats"]).stdin(Stdio::null()).stderr(Stdio::piped());
    arguments(&mut command);
    command.spawn().map_err(|error| {
        anyhow!(
            "{}: videos need the program ffmpeg, and {} cannot be started ({error}); install it (Debian: apt install ffmpeg) \
             or set ATTRAX_FFMPEG to its path",
            for_what.display(),
            program.to_string_lossy()
        )
    })
}

/// A local file as `ffmpeg` takes it; without the prefix a colon in its name would make it an address.
fn file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

/// How a process failed.
fn failure(status: ExitStatus) -> Option<String> {
    match (status.signal(), status.code()) {
        (Some(signal), _) => Some(format!("ffmpeg was ended by signal {signal}")),
        (None, Some(0)) => None,
        (None, code) => Some(format!("ffmpeg ended with exit code {}", code.unwrap_or(-1))),
    }
}

/// What a video says about itself.
#[derive(Clone, Default)]
pub struct About(Arc<Mutex<Declared>>);

#[derive(Default)]
struct Declared {
    seconds: Option<f64>,
    rate: Option<f64>,
    /// The lines that follow are about what is written.
    whole: bool,
}

impl About {
    /// Frames a second.
    pub fn rate(&self) -> Option<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rate
    }

    /// How many frames there should be.
    pub fn frames(&self) -> Option<u64> {
        let Declared { seconds, rate, .. } = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some((seconds.as_ref()? * rate.as_ref()?).round() as u64)
    }

    /// Takes what a line of ffmpeg's log says.
    fn note(&self, line: &str) {
        let mut declared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if declared.whole {
            return;
        }
        if let Some((_, text)) = line.split_once("Duration: ") {
            declared.seconds = text.split(',').next().and_then(seconds);
        } else if line.contains("Video: ") && !line.contains("(attached pic)") && declared.rate.is_none() {
            let rate = line.split(", ").find_map(|part| part.strip_suffix(" fps"));
            declared.rate = rate.and_then(|rate| rate.parse().ok()).filter(|rate| *rate > 0.0);
        }
        declared.whole = line.contains("Output #0");
    }
}

/// `HH:MM:SS.ss` in seconds.
fn seconds(text: &str) -> Option<f64> {
    text.trim().split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

/// Reads what ffmpeg says to the end: what is about the video, and what it calls errors, without the names of its parts.
fn listen(lines: ChildStderr, about: &About) -> Vec<String> {
    let mut errors = Vec::new();
    for line in BufReader::new(lines).lines().map_while(Result::ok) {
        about.note(&line);
        let told = ["[error] ", "[fatal] ", "[panic] "].iter().find_map(|level| line.split_once(level));
        if let Some((_, text)) = told
            && errors.len() < 10
        {
            errors.push(text.trim().to_string());
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_says_about_a_video_is_understood() {
        let about = About::default();
        for line in [
            "[info]   Duration: 00:01:02.40, start: 0.000000, bitrate: 129 kb/s",
            "[info]   Stream #0:0(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 320x240, 53 kb/s, 12.50 fps, 25 tbr",
            "[info] Output #0, image2pipe, to 'pipe:1':",
            "[info]   Stream #0:0(und): Video: ppm, rgb24, 320x240, 99 fps",
        ] {
            about.note(line);
        }
        assert_eq!((about.rate(), about.frames()), (Some(12.5), Some(780)));
        let camera = About::default();
        camera.note("[info]   Duration: N/A, start: 3.2, bitrate: N/A");
        assert_eq!((camera.rate(), camera.frames()), (None, None));
    }

    #[test]
    fn videos_are_told_by_their_names() {
        for (name, video) in [("a.mp4", true), ("a.MKV", true), ("/dev/video0", true), ("a.jpg", false), ("mp4", false)]
        {
            assert_eq!(is_video(Path::new(name)), video, "{name}");
        }
    }
}

//! Videos in and out, by `ffmpeg` processes at the other end of a pipe.

mod origin;
mod process;
mod read;
mod webp;
mod write;

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, PoisonError};

pub use self::origin::{goes_on, is_live, is_video};
pub use self::read::Video;
pub use self::webp::{WebP, is_webp};
pub use self::write::{Encoder, Pace, Target};

/// Errors of one process that are kept.
const ERRORS: usize = 10;

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
            if ["gray16", "rgb48", "bgr48", "rgba64", "bgra64"].iter().any(|deep| line.contains(deep)) {
                log::warn!(
                    "the video has 16 bits a channel, of which the upper 8 are used; image files are scaled by their range"
                );
            }
        }
        declared.whole = line.contains("Output #0");
    }
}

/// `HH:MM:SS.ss` in seconds.
fn seconds(text: &str) -> Option<f64> {
    text.trim().split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

/// Reads ffmpeg's log to the end: what is about the video, and the errors, without the names of
/// ffmpeg's parts.
fn listen(lines: ChildStderr, about: &About) -> Vec<String> {
    let mut errors = Vec::new();
    for line in BufReader::new(lines).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        about.note(&line);
        let error = ["[error] ", "[fatal] ", "[panic] "].iter().find_map(|level| line.split_once(level));
        if let Some((_, text)) = error
            && errors.len() < ERRORS
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
}

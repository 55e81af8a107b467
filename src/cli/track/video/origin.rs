//! What ffmpeg can read, told by the name: a file, a camera, an address, or standard input.

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use super::process::file;

/// Names of videos, animations included.
const VIDEOS: [&str; 20] = [
    "mp4", "m4v", "mov", "webm", "mkv", "avi", "y4m", "mpg", "mpeg", "ts", "wmv", "ogv", "gif", "webp", "flv", "3gp",
    "mts", "m2ts", "apng", "mxf",
];

/// Addresses that are read, with what ffmpeg may use to do so. Local files are not among them: what
/// an address gives must not name one.
const ADDRESSES: [(&str, &str); 8] = [
    ("rtsp", "rtsp,rtp,srtp,udp,tcp,tls,http"),
    ("rtsps", "rtsp,rtsps,rtp,srtp,udp,tcp,tls,https"),
    ("rtmp", "rtmp,tcp,tls"),
    ("http", "http,https,tcp,tls,crypto,data"),
    ("https", "https,tcp,tls,crypto,data"),
    ("udp", "udp,rtp"),
    ("rtp", "rtp,udp"),
    ("srt", "srt,udp"),
];

/// Whether ffmpeg reads it, rather than attrax itself.
pub fn is_video(path: &Path) -> bool {
    let is_pattern = path.to_string_lossy().contains(['*', '?', '[']) && !path.exists();
    is_live(path) || scheme(path).is_some() || is_named_as_video(path) && !path.is_dir() && !is_pattern
}

/// Whether it cannot be read a second time from the start: a camera, a stream, or standard input.
pub fn is_live(path: &Path) -> bool {
    goes_on(path) || path == Path::new("-")
}

/// Whether it goes on while a frame is tracked: a camera or a stream.
pub fn goes_on(path: &Path) -> bool {
    is_camera(path) || scheme(path).is_some_and(|scheme| !scheme.starts_with("http"))
}

/// Whether a file's name is that of a video.
pub fn is_named_as_video(path: &Path) -> bool {
    let known = |extension: &str| VIDEOS.contains(&extension.to_lowercase().as_str());
    !is_camera(path) && path.extension().is_some_and(|extension| known(&extension.to_string_lossy()))
}

fn is_camera(path: &Path) -> bool {
    device(path).is_some()
}

/// The device of a camera: `camera:0` is `/dev/video0`.
fn device(path: &Path) -> Option<String> {
    let name = path.to_str()?;
    if let Some(number) = name.strip_prefix("camera:") {
        return number.parse::<u16>().ok().map(|number| format!("/dev/video{number}"));
    }
    name.starts_with("/dev/video").then(|| name.into())
}

/// The part of an address before `://`.
fn scheme(path: &Path) -> Option<&str> {
    let (scheme, _) = path.to_str()?.split_once("://")?;
    let named = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (named && !scheme.is_empty()).then_some(scheme)
}

/// Adds the input to a command of ffmpeg.
pub fn add_input(command: &mut Command, path: &Path) {
    if path == Path::new("-") {
        command.args(["-protocol_whitelist", "pipe,fd", "-i", "pipe:0"]).stdin(Stdio::inherit());
    } else if let Some(device) = device(path) {
        command.args(["-f", "v4l2", "-i"]).arg(device);
    } else if let Some(allowed) = scheme(path).and_then(protocols) {
        command.args(["-protocol_whitelist", allowed, "-i"]).arg(path);
    } else {
        // A playlist that calls itself a video must not make it fetch anything.
        command.args(["-protocol_whitelist", "file", "-i"]).arg(file(path));
    }
}

fn protocols(scheme: &str) -> Option<&'static str> {
    ADDRESSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, allowed)| *allowed)
}

/// Reports what ffmpeg would report in more words.
pub fn check(path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") {
        ensure!(
            !std::io::stdin().is_terminal(),
            "-: standard input is a terminal; send a video into it through a pipe"
        );
        return Ok(());
    }
    if let Some(scheme) = scheme(path) {
        if protocols(scheme).is_none() {
            let known = ADDRESSES.map(|(name, _)| name).join(", ");
            bail!(
                "{}: addresses of {scheme} are not read; those of {known} are, and files by their path",
                path.display()
            );
        }
        return Ok(());
    }
    if is_camera(path) {
        return Ok(());
    }
    std::fs::metadata(path).map(|_| ()).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_recognised_by_name() {
        for (name, video, live) in [
            ("a.mp4", true, false),
            ("a.MKV", true, false),
            ("a.gif", true, false),
            ("/dev/video0", true, true),
            ("camera:0", true, true),
            ("camera:x", false, false),
            ("-", true, true),
            ("rtsp://camera/1", true, true),
            ("https://host/clip", true, false),
            ("a.jpg", false, false),
            ("mp4", false, false),
            ("a b://c", false, false),
        ] {
            assert_eq!((is_video(Path::new(name)), is_live(Path::new(name))), (video, live), "{name}");
        }
    }
}

//! The command line that repeats a run of the page.

use std::path::Path;

use attrax_tracker::BoundingBox;

use super::run::{Given, Target, ViewRun};
use crate::cli::core;

/// `attrax track` with the flags of a run, or why there is none.
pub fn repeat(clip: &Path, flags: &core::Args, run: &ViewRun, is_live: bool) -> Result<String, &'static str> {
    let [first, others @ ..] = run.trackers.as_slice() else { return Err("there is no run") };
    if is_live {
        return Err("the frames of a camera do not come again; export the sequence and track that");
    }
    let mut words = vec!["attrax".to_string(), "track".into(), quoted(&clip.to_string_lossy())];
    if run.from > 0 {
        words.extend(["--start".into(), (run.from + 1).to_string()]);
    }
    words.extend(boxes(run)?);
    let corrections = || run.targets.iter().flat_map(|target| target.given.values().skip(1));
    if corrections().any(|given| !given.keep) {
        if corrections().any(|given| given.keep) {
            return Err("attrax track keeps what was learnt at all corrections or at none");
        }
        words.push("--forget".into());
    }
    words.extend(["--preset".into(), first.preset.clone()]);
    words.extend(first.lambda.iter().flat_map(|lambda| ["--lambda".into(), lambda.to_string()]));
    for other in others {
        if other.lambda.is_some() || !run.maps {
            return Err("attrax track gives a second tracker no lambda of its own, and always maps");
        }
        words.extend(["--also-preset".into(), other.preset.clone()]);
    }
    if run.maps {
        words.extend(["--maps".into(), "maps".into()]);
    }
    let path = |name: &str, path: &Option<std::path::PathBuf>| {
        path.iter().flat_map(|path| [name.to_string(), quoted(&path.to_string_lossy())]).collect::<Vec<_>>()
    };
    words.extend(path("--config", &flags.config));
    for (key, value) in &flags.settings {
        words.extend(["--set".into(), quoted(&format!("{key}={value}"))]);
    }
    words.extend(flags.seed.iter().flat_map(|seed| ["--seed".into(), seed.to_string()]));
    words.extend(path("--weights", &flags.weights));
    if flags.device != "auto" {
        words.extend(["--device".into(), quoted(&flags.device)]);
    }
    words.extend(flags.threads.iter().flat_map(|threads| ["--threads".into(), threads.to_string()]));
    Ok(words.join(" "))
}

/// The flags of the boxes and ends of all targets.
fn boxes(run: &ViewRun) -> Result<Vec<String>, &'static str> {
    if !run.targets.is_sorted_by_key(Target::begin) {
        return Err("attrax track numbers targets by their first frames");
    }
    let numbers = |b: &BoundingBox| format!("{},{},{},{}", b.x, b.y, b.width, b.height);
    let mut words = Vec::new();
    for (target, number) in run.targets.iter().zip(1..) {
        let at = |frame: usize| if number == 1 { (frame + 1).to_string() } else { format!("{}:{number}", frame + 1) };
        for (frame, Given { region, .. }) in &target.given {
            words.push(if *frame == run.from {
                format!("--box={}", numbers(region))
            } else {
                format!("--box-at={}={}", at(*frame), numbers(region))
            });
        }
        words.extend(target.end.map(|end| format!("--end-at={}", at(end))));
    }
    Ok(words)
}

/// A word as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    // A leading dash would be a flag.
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_string() };
    if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        for (word, written) in [
            ("a/b.mp4", "a/b.mp4"),
            ("my clip.mp4", "'my clip.mp4'"),
            ("-x", "./-x"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), written);
        }
    }
}

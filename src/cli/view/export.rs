//! What was tracked, in the formats of `attrax track --export`: files, and folders as tar archives.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use tar::{Builder, Header};

use super::reel::Reel;
use super::run::{ViewRun, named};
use super::session::Session;
use crate::cli::track::export::sequence::{copied, descriptions};
use crate::cli::track::export::{Format, LABEL, Tracked, Tracks, lines};

/// A format by its name.
pub fn format(name: &str) -> Result<Format, String> {
    Format::from_str(name, false).map_err(|_| format!("there is no format '{name}'"))
}

/// The bytes of an export. Formats of ground truth hold the one target that is named, by its place.
pub fn export(session: &Session, run: &ViewRun, format: Format, target: usize) -> anyhow::Result<Vec<u8>> {
    let alone = matches!(format, Format::Groundtruth | Format::Sequence);
    let targets = if alone { target..target + 1 } else { 0..run.targets.len() };
    let files = session.clip.reel().map_or(&[][..], Reel::files);
    let frames = run.shots.iter().enumerate().map(|(place, shot)| {
        let number = run.from + place;
        let found = targets.clone().map(|target| Some(shot.of(target * run.trackers.len())?.estimate));
        Tracked::new(number, files.get(number).map(PathBuf::as_path), session.clip.size, found)
    });
    let tracks = Tracks {
        labels: targets.clone().map(|target| label(run, target)).collect(),
        source: session.clip.name.clone(),
        frames: frames.collect(),
    };
    match format {
        Format::Yolo => {
            let labels = lines::yolo(&tracks)?;
            archive(labels.into_iter().map(|(name, text)| anyhow::Ok((format!("labels/{name}"), text.into_bytes()))))
        }
        Format::Sequence => {
            let kind = copied(files).filter(|_| !files.is_empty());
            let extension = kind.unwrap_or("jpg");
            let name = named(&run.targets[target].name, target + 1).replace('/', "_");
            let frames = run.shots.iter().enumerate().map(|(place, shot)| {
                let path = files.get(run.from + place).filter(|_| kind.is_some());
                let bytes = path.map_or_else(|| Ok(shot.picture.jpeg.clone()), fs::read);
                let bytes = bytes.with_context(|| format!("cannot read frame {}", run.from + place + 1))?;
                anyhow::Ok((format!("{name}/color/{:08}.{extension}", place + 1), bytes))
            });
            let rate = session.clip.rate.filter(|_| session.clip.live().is_none()).or(run.rate());
            let about = descriptions(&tracks, rate, extension);
            let about = about.map(|(file, text)| anyhow::Ok((format!("{name}/{file}"), text.into_bytes())));
            archive(frames.chain(about))
        }
        _ => Ok(tracks.text(format)?.into_bytes()),
    }
}

/// The class of a target: its name, or else the default of `attrax track --label`.
fn label(run: &ViewRun, target: usize) -> String {
    let name = &run.targets[target].name;
    if name.is_empty() { LABEL.into() } else { name.clone() }
}

/// Files by their names, as a tar archive.
fn archive(files: impl Iterator<Item = anyhow::Result<(String, Vec<u8>)>>) -> anyhow::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for file in files {
        let (name, bytes) = file?;
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice())?;
    }
    Ok(archive.into_inner()?)
}

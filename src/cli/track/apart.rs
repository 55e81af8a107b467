//! Outputs that would replace what is read, or each other.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::ensure;

use super::Args;
use super::boxes::Truth;
use super::frames::Source;

/// A file or folder on its device, where there is one.
type Identity = Option<(u64, u64)>;

/// Refuses outputs that are a frame, the video, the ground truth, parameters, weights or another
/// output, and folders of pictures that hold the frames.
pub fn check(args: &Args, source: &Source) -> anyhow::Result<()> {
    let tracked: Vec<Identity> = source.paths().iter().map(|path| identity(path)).collect();
    let core = &args.core;
    let others = args.truth.iter().chain(&core.config).chain(&core.weights).cloned();
    let read: Vec<Identity> = others.chain(Truth::paths_with(source)).map(|path| identity(&path)).collect();
    let mut written: Vec<(PathBuf, Identity)> = Vec::new();
    let files = [
        (&args.out, "--out"),
        (&args.video, "--video"),
        (&args.maps_video, "--maps-video"),
        (&args.profile, "--profile"),
    ];
    let files = files.into_iter().filter_map(|(path, flag)| Some((path.as_ref()?, flag)));
    for (path, flag) in files.chain(args.exports.wanted.iter().map(|wanted| (&wanted.path, "--export"))) {
        if path.exists() && !path.is_file() {
            continue;
        }
        let identity = identity(path);
        ensure!(
            identity.is_none() || !tracked.contains(&identity),
            "{}: {flag} would replace what is tracked in; give it another name",
            path.display()
        );
        ensure!(
            identity.is_none() || !read.contains(&identity),
            "{}: {flag} would replace a file that is read; give it another name",
            path.display()
        );
        add(&mut written, path, identity, flag)?;
    }
    let mut folders: Vec<&Path> = Vec::new();
    if let Source::Files(frames) = source {
        folders.extend(frames.iter().filter_map(|frame| frame.parent()));
        folders.dedup();
    }
    let frames: Vec<Identity> = folders.into_iter().map(identity).collect();
    for (folder, flag) in [(&args.overlay, "--overlay"), (&args.maps, "--maps")] {
        let Some(folder) = folder else { continue };
        let identity = identity(folder);
        ensure!(
            identity.is_none() || !frames.contains(&identity),
            "{}: {flag} would put its pictures among the frames; give it a folder of its own",
            folder.display()
        );
        add(&mut written, folder, identity, flag)?;
    }
    Ok(())
}

/// Adds an output that no other flag names.
fn add(written: &mut Vec<(PathBuf, Identity)>, path: &Path, identity: Identity, flag: &str) -> anyhow::Result<()> {
    let whole = std::path::absolute(path)?;
    let taken = written.iter().any(|(other, its)| *other == whole || its.is_some() && *its == identity);
    ensure!(!taken, "{}: {flag} has the name of another output; give it one of its own", path.display());
    written.push((whole, identity));
    Ok(())
}

fn identity(path: &Path) -> Identity {
    // A frame's folder is empty where the frame is in the current one.
    let path = if path == Path::new("") { Path::new(".") } else { path };
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

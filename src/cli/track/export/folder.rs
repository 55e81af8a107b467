//! A folder that appears under its name when it is whole.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::cli::interrupt::Pending;
use crate::cli::output::{PARTS, part_of_file};

/// A folder that is being written. Unless it is finished it is removed.
pub struct Folder {
    target: PathBuf,
    part: PathBuf,
    pending: Option<Pending>,
}

impl Folder {
    /// Creates the part folder.
    ///
    /// # Errors
    /// The target exists and is no empty folder, or cannot be written to.
    pub fn create(target: &Path) -> anyhow::Result<Self> {
        let target = std::path::absolute(target)?;
        let is_free = match fs::read_dir(&target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => fs::symlink_metadata(&target).is_err(),
        };
        ensure!(is_free, "{}: exists already; name a new folder", target.display());
        let name = target.file_name().with_context(|| format!("{}: is no name of a folder", target.display()))?;
        let part = Self::create_part(&target, Path::new(name))?;
        let left = part.clone();
        let pending = Pending::new(move || {
            remove(&left);
            None
        });
        Ok(Self { target, part, pending: Some(pending) })
    }

    /// A part folder of its own: one of that name may be left of a run that was killed.
    fn create_part(target: &Path, name: &Path) -> anyhow::Result<PathBuf> {
        let mut number = 1;
        loop {
            let part = target.with_file_name(part_of_file(name, number));
            match fs::create_dir(&part) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < PARTS => number += 1,
                made => {
                    return made
                        .map(|()| part.clone())
                        .with_context(|| format!("cannot make the folder {}", part.display()));
                }
            }
        }
    }

    /// Writes a file of the folder, whose name may have a folder in front.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.part.join(name);
        let cannot = || format!("cannot write {}", path.display());
        if let Some(folder) = path.parent().filter(|folder| *folder != self.part) {
            // Not the part folder: without it the files before would be missing.
            match fs::create_dir(folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error).with_context(cannot),
                _ => {}
            }
        }
        fs::write(&path, bytes).with_context(cannot)
    }

    /// Gives the folder its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}; the data is in {}", self.target.display(), self.part.display());
        match self.pending.take() {
            Some(pending) => pending.complete(|| fs::rename(&self.part, &self.target)).with_context(cannot),
            None => Ok(()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.pending.take().is_some() {
            remove(&self.part);
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        log::warn!("{} could not be removed: {error}", folder.display());
    }
}

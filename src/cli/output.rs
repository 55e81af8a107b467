//! Files that are written. A regular file appears under its name only when it is whole: until then
//! it is a part file next to it, created new, so that two runs never share one. Devices, pipes and
//! sockets are written to as they are.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail, ensure};

use super::interrupt::Pending;

/// Part files of one name at the same time, of runs that go on or failed.
pub const PARTS: usize = 1000;
/// Symbolic links from one to the next.
const LINKS: usize = 40;

/// A file that is being written. Unless it is finished or kept, its part file is removed.
pub struct Output {
    file: File,
    /// None where the target is written to directly.
    part: Option<Part>,
}

struct Part {
    path: PathBuf,
    /// The file that it replaces, which is no symbolic link.
    target: PathBuf,
    /// Rows that are worth keeping.
    rows: Arc<AtomicUsize>,
    pending: Pending,
}

/// Where part `number` (from 1) of a file is: `boxes.csv.part`, `boxes.csv.2.part`.
pub fn part_of_file(name: &Path, number: usize) -> OsString {
    let mut part = name.as_os_str().to_owned();
    part.push(if number == 1 { ".part".into() } else { format!(".{number}.part") });
    part
}

/// The same for files whose extension says what they are: `seen.part.mp4`, `seen.2.part.mp4`.
pub fn part_of_media(name: &Path, number: usize) -> OsString {
    let mut part = name.file_stem().unwrap_or_default().to_owned();
    part.push(if number == 1 { ".part".into() } else { format!(".{number}.part") });
    if let Some(extension) = name.extension() {
        part.push(".");
        part.push(extension);
    }
    part
}

impl Output {
    /// Opens what is no regular file; else creates a part file, which `name_part` names after the
    /// target's name.
    ///
    /// # Errors
    /// The target is a folder, or cannot be written to.
    pub fn create(target: &Path, name_part: fn(&Path, usize) -> OsString) -> anyhow::Result<Self> {
        let cannot = || format!("cannot write {}", target.display());
        let is_folder = target.is_dir() || target.as_os_str().as_encoded_bytes().ends_with(b"/");
        ensure!(!is_folder, "{}: is a folder; name a file", target.display());
        let existing = match fs::metadata(target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(cannot),
        };
        // /dev/stdout may be a regular file, which belongs to the caller.
        let direct = existing.as_ref().is_some_and(|existing| !existing.is_file())
            || ["/dev", "/proc"].iter().any(|folder| target.starts_with(folder));
        if direct {
            let file = OpenOptions::new().append(true).open(target).with_context(cannot)?;
            return Ok(Self { file, part: None });
        }
        let target = follow(target).with_context(cannot)?;
        if existing.is_some() {
            // A file that is protected is not replaced.
            OpenOptions::new().append(true).open(&target).with_context(cannot)?;
        }
        let name = target.file_name().with_context(|| format!("{}: is no name of a file", target.display()))?;
        let name = Path::new(name);
        for number in 1..=PARTS {
            let path = target.with_file_name(name_part(name, number));
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened.with_context(|| format!("cannot write {}", path.display()))?,
            };
            let rows = Arc::new(AtomicUsize::new(0));
            let (left, count) = (path.clone(), Arc::clone(&rows));
            let pending = Pending::new(move || leave(&left, count.load(Ordering::Relaxed)));
            let output = Self { file, part: Some(Part { path, target, rows, pending }) };
            if let Some(existing) = existing {
                // The new file is for the same readers.
                output.file.set_permissions(existing.permissions()).with_context(cannot)?;
            }
            return Ok(output);
        }
        bail!("{}: there are {PARTS} part files of it; remove them", target.display())
    }

    /// Where the data goes for now: the part file, or what is no regular file itself.
    pub fn path<'a>(&'a self, target: &'a Path) -> &'a Path {
        self.part.as_ref().map_or(target, |part| &part.path)
    }

    /// Whether there is a part file, which can be looked at before it replaces the target.
    pub fn is_regular(&self) -> bool {
        self.part.is_some()
    }

    /// Counts a row of boxes: with one, a part file is kept at an interruption.
    pub fn count_row(&mut self) {
        if let Some(part) = &self.part {
            part.rows.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives the file its name, after it has reached the disk.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let Some(Part { path, target, pending, .. }) = self.part.take() else { return Ok(()) };
        let kept = || {
            let (target, part) = (target.display(), path.display());
            if path.exists() {
                format!("cannot write {target}; the data is in {part}")
            } else {
                format!("cannot write {target}: {part}, which had the data, was removed")
            }
        };
        self.file.sync_all().with_context(kept)?;
        pending.complete(|| fs::rename(&path, &target)).with_context(kept)
    }

    /// Leaves the target alone. A part file with rows is kept and reported.
    pub fn abandon(mut self) -> Option<String> {
        let Part { path, rows, pending, .. } = self.part.take()?;
        pending.complete(|| leave(&path, rows.load(Ordering::Relaxed)))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| match error.kind() {
            // The end of the program's own output alone ends it without a word.
            ErrorKind::BrokenPipe => io::Error::other("its reader has gone"),
            _ => error,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(Part { path, pending, .. }) = self.part.take() {
            pending.complete(|| leave(&path, 0));
        }
    }
}

/// Removes a part file without rows, reports one with some.
fn leave(path: &Path, rows: usize) -> Option<String> {
    if rows > 0 {
        return Some(format!("the boxes of the {rows} frames before are in {}", path.display()));
    }
    if let Err(error) = fs::remove_file(path) {
        log::warn!("{} could not be removed: {error}", path.display());
    }
    None
}

/// The file that a symbolic link points to in the end, whether it exists or not.
fn follow(target: &Path) -> io::Result<PathBuf> {
    let mut path = target.to_path_buf();
    for _ in 0..LINKS {
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Ok(path);
        }
        let link = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_names_of_their_own() {
        assert_eq!(part_of_file(Path::new("boxes.csv"), 1), "boxes.csv.part");
        assert_eq!(part_of_file(Path::new("boxes"), 2), "boxes.2.part");
        assert_eq!(part_of_media(Path::new("a.b.mp4"), 1), "a.b.part.mp4");
        assert_eq!(part_of_media(Path::new("a.mp4"), 3), "a.3.part.mp4");
    }
}

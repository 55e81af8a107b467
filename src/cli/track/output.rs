//! What is written: the table of boxes line by line, files beside those that they replace, and the line at the end.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

/// A file that is written beside the one that it is to replace.
pub struct Beside {
    file: File,
    part: PathBuf,
    target: PathBuf,
}

impl Beside {
    /// Starts `TARGET.part`.
    pub fn create(target: &Path) -> anyhow::Result<Self> {
        let part = part_of(target)?;
        let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
        Ok(Self { file, part, target: target.to_path_buf() })
    }

    /// Gives the file its name.
    pub fn finish(self) -> anyhow::Result<()> {
        fs::rename(&self.part, &self.target).with_context(|| format!("cannot write {}", self.target.display()))
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where a file is while it is not whole.
fn part_of(target: &Path) -> anyhow::Result<PathBuf> {
    ensure!(!target.is_dir(), "{}: is a folder; name a file", target.display());
    let mut name =
        target.file_name().with_context(|| format!("{}: is no name of a file", target.display()))?.to_owned();
    name.push(".part");
    Ok(target.with_file_name(name))
}

/// The table of boxes.
pub struct Table {
    out: Out,
    rows: usize,
}

enum Out {
    Standard(io::Stdout),
    File(Beside),
}

impl Table {
    /// A table on standard output, or in a file.
    pub fn create(path: Option<&Path>, columns: &str) -> anyhow::Result<Self> {
        let out = match path {
            Some(path) => Out::File(Beside::create(path)?),
            None => Out::Standard(io::stdout()),
        };
        let mut table = Self { out, rows: 0 };
        table.line(columns)?;
        Ok(table)
    }

    /// One frame. It is there for others to read at once.
    pub fn row(&mut self, values: &str) -> io::Result<()> {
        self.line(values)?;
        self.rows += 1;
        Ok(())
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let out: &mut dyn Write = match &mut self.out {
            Out::Standard(out) => out,
            Out::File(file) => file,
        };
        out.write_all(format!("{line}\n").as_bytes())?;
        out.flush()
    }

    /// Replaces the file of an earlier run.
    pub fn finish(self) -> anyhow::Result<()> {
        match self.out {
            Out::Standard(_) => Ok(()),
            Out::File(file) => file.finish(),
        }
    }

    /// Leaves the file of an earlier run alone. Says where the boxes so far are, where there are some.
    pub fn abandon(self) -> Option<String> {
        let Out::File(file) = self.out else { return None };
        if self.rows > 0 {
            return Some(format!("the boxes of the {} frames before are in {}", self.rows, file.part.display()));
        }
        // Nothing is in it; if it stays, it disturbs nobody.
        let _ = fs::remove_file(&file.part);
        None
    }
}

/// What the line at the end says.
#[derive(Default)]
pub struct Summary {
    /// Frames tracked in, the first one included.
    pub frames: usize,
    /// Those in which the target was not found.
    pub lost: usize,
    /// Overlaps with the ground truth in the frames after the first.
    pub overlaps: Vec<f64>,
    /// Time for the frames after the first.
    pub tracking: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames", self.frames)?;
        if self.frames > 1 {
            let rate = (self.frames - 1) as f64 / self.tracking.as_secs_f64().max(1e-9);
            write!(f, ", {rate:.1} a second after the first, target lost in {}", self.lost)?;
        }
        if !self.overlaps.is_empty() {
            let count = self.overlaps.len() as f64;
            let mean = self.overlaps.iter().sum::<f64>() / count;
            let success = self.overlaps.iter().filter(|overlap| **overlap > 0.5).count() as f64 / count;
            write!(f, "; mean overlap {mean:.3}, success at 0.5 {success:.3} in the {count} frames with ground truth")?;
        }
        Ok(())
    }
}

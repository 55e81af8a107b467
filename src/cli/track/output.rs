//! The table of boxes, line by line, and the line at the end.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::cli::output::{Output, part_of_file};

/// The table of boxes.
pub struct Table {
    out: Out,
}

enum Out {
    Standard(io::Stdout),
    File(PathBuf, Output),
}

impl Table {
    /// A table on standard output, or in a file.
    pub fn create(path: Option<&Path>, columns: &str) -> anyhow::Result<Self> {
        let out = match path {
            Some(path) => Out::File(path.to_path_buf(), Output::create(path, part_of_file)?),
            None => Out::Standard(io::stdout()),
        };
        let mut table = Self { out };
        table.line(columns)?;
        Ok(table)
    }

    /// One frame. Other programs can read it at once.
    pub fn row(&mut self, values: &str) -> anyhow::Result<()> {
        self.line(values)?;
        if let Out::File(_, file) = &mut self.out {
            file.count_row();
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let text = format!("{line}\n");
        match &mut self.out {
            Out::Standard(out) => {
                out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output")
            }
            Out::File(path, file) => {
                let written = file.write_all(text.as_bytes());
                written.with_context(|| format!("cannot write {}", file.path(path).display()))
            }
        }
    }

    /// Replaces the file of an earlier run; says where the boxes are.
    pub fn finish(self) -> anyhow::Result<Option<String>> {
        match self.out {
            Out::Standard(_) => Ok(None),
            Out::File(path, file) => {
                file.finish()?;
                Ok(Some(format!("the boxes are in {}", path.display())))
            }
        }
    }

    /// Leaves the file of an earlier run alone. Reports the file of the boxes up to now, if there
    /// are any.
    pub fn abandon(self) -> Option<String> {
        match self.out {
            Out::Standard(_) => None,
            Out::File(_, file) => file.abandon(),
        }
    }
}

/// What the line at the end says.
#[derive(Default)]
pub struct Summary {
    /// Frames tracked in, the first one included.
    pub frames: usize,
    /// For each target, those in which it was not found.
    pub lost: Vec<usize>,
    /// Those whose box was given, but for the first one.
    pub corrections: usize,
    /// Frames of a camera or stream that were replaced by newer ones.
    pub skipped: usize,
    /// Overlaps with the ground truth in the frames whose box was not given.
    pub overlaps: Vec<f64>,
    /// Time for the frames after the first.
    pub tracking: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames", self.frames)?;
        if self.frames > 1 {
            let rate = (self.frames - 1) as f64 / self.tracking.as_secs_f64().max(1e-9);
            let lost: Vec<String> = self.lost.iter().map(usize::to_string).collect();
            let which = if lost.len() > 1 { "targets" } else { "target" };
            write!(f, ", {rate:.1} a second after the first, {which} lost in {}", lost.join(", "))?;
        }
        if self.corrections > 0 {
            write!(f, "; {} corrected", self.corrections)?;
        }
        if self.skipped > 0 {
            write!(f, "; {} frames were not tracked in because newer ones had come", self.skipped)?;
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

//! What can be wrong with a file of weights.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

/// Why weights cannot be read, converted or used. Every message is one line that names the file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be opened, read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The content is of no format that is known here.
    #[error("{}: not a file of weights: {reason}", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What it looks like instead, or what to do about it.
        reason: String,
    },
    /// The format is known, but the content breaks its rules: a truncated or damaged file.
    #[error("{}: damaged {format} file: {}", path.display(), OneLine(reason))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The format that its first bytes announce.
        format: &'static str,
        /// The first rule that is broken.
        reason: String,
    },
    /// A tensor that the network needs is not in the file.
    #[error("{}: tensor '{}' is missing; {}", path.display(), OneLine(name), Available(available))]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor that was looked for.
        name: String,
        /// The names of the tensors that are there, sorted.
        available: Vec<String>,
    },
    /// A tensor does not have the shape that the network needs.
    #[error("{}: tensor '{}' has shape {found:?}, expected {expected:?}", path.display(), OneLine(name))]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that the network needs.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor holds infinities or values that are not numbers.
    #[error("{}: tensor '{}' holds {count} values that are not finite numbers", path.display(), OneLine(name))]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// How many of its values are infinite or not a number.
        count: usize,
    },
    /// The metadata contradicts what the network needs.
    #[error("{}: metadata '{key}' is '{}', expected {expected}", path.display(), OneLine(found))]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The metadata's key.
        key: String,
        /// Its value in the file.
        found: String,
        /// What it must be, in words.
        expected: String,
    },
}

/// Text from a file inside a message, which must stay one line of bounded length.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 200;
        for c in self.0.chars().take(LONGEST) {
            f.write_char(if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })?;
        }
        if self.0.chars().nth(LONGEST).is_some() { f.write_str("...") } else { Ok(()) }
    }
}

/// Names of tensors in a message: a few of them, so that the line stays readable.
struct Available<'a>(&'a [String]);

impl fmt::Display for Available<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        if self.0.is_empty() {
            return f.write_str("the file holds no tensors");
        }
        for (position, name) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{}", if position == 0 { "the file holds " } else { ", " }, OneLine(name))?;
        }
        if self.0.len() > SHOWN {
            write!(f, " and {} more", self.0.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// What a parser found, before the file's name is known to it.
#[derive(Debug)]
pub(super) enum Fault {
    /// Reading failed; an early end of the file is reported as [`Fault::Malformed`].
    Io(io::Error),
    /// The content breaks the format's rules.
    Malformed(String),
}

impl Fault {
    /// A broken rule, in words.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }

    /// The public error, with the file's name and format.
    pub(super) fn at(self, path: &Path, format: &'static str) -> WeightsError {
        match self {
            Self::Io(cause) => WeightsError::Io { path: path.into(), cause },
            Self::Malformed(reason) => WeightsError::Malformed { path: path.into(), format, reason },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::new("it ends early"),
            // What decompressors and archive readers report about their input.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::new(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

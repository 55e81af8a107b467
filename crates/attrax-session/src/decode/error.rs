//! Why there are no pixels: for callers, and within the decoding.

use std::io;
use std::path::PathBuf;

use image::ImageError;

/// Why there are no pixels. Every text names the file, or says that it is the payload of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file cannot be opened or read.
    #[error("{origin}: {error}")]
    Read {
        /// The file.
        origin: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// A folder, a device, a pipe or something else that is no regular file.
    #[error("{}: not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// The contents are no image, or a broken one.
    #[error("{origin}: {reason}")]
    Format {
        /// The file or payload.
        origin: String,
        /// What is wrong with its contents.
        reason: String,
    },
    /// Larger than the [`DecodeLimits`](super::DecodeLimits) allow.
    #[error("{origin}: {what} is limited to {limit}")]
    TooLarge {
        /// The file or payload.
        origin: String,
        /// What was measured, with its unit.
        what: &'static str,
        /// The largest value that is accepted.
        limit: u64,
    },
    /// An address, which is never fetched.
    #[error("{0}: addresses are not fetched")]
    Url(String),
}

/// Why an image is not decoded.
pub(super) enum Refusal {
    /// It declares more pixels than are accepted.
    Pixels,
    /// What it inflates to takes more memory than its pixels may.
    Memory,
    /// Its contents are wrong or incomplete.
    Format(String),
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::Memory,
            ImageError::Unsupported(error) => {
                Self::Format(format!("{error}; save it as a JPEG, or a PNG of 8 or 16 bits"))
            }
            ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Format("it is cut short".into())
            }
            error => Self::Format(error.to_string()),
        }
    }
}

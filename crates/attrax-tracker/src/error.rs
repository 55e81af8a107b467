//! What can go wrong in the tracking core.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::BoundingBox;

/// An error of the tracking core.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// The region a tracker was to be initialised with cannot be tracked.
    #[error("cannot track region {region} in a frame of {} x {}: {reason}", frame.0, frame.1)]
    Region {
        /// The region as it was given, pixels.
        region: BoundingBox,
        /// Width and height of the frame, pixels.
        frame: (u32, u32),
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A frame's size differs from that of the frame the tracker was initialised with.
    #[error(
        "the frame is {} x {} but the tracker was initialised on {} x {}: a sequence has frames of one size",
        found.0, found.1, expected.0, expected.1
    )]
    FrameSize {
        /// Width and height of the first frame, pixels.
        expected: (u32, u32),
        /// Width and height of this frame, pixels.
        found: (u32, u32),
    },
    /// The pixels given for a frame do not fill its declared size.
    #[error("a frame of {width} x {height} RGB pixels needs {} bytes, not {bytes}", 3 * u64::from(*width) * u64::from(*height))]
    FramePixels {
        /// Declared width, pixels.
        width: u32,
        /// Declared height, pixels.
        height: u32,
        /// Bytes that were given.
        bytes: usize,
    },
    /// The weights do not fit the network.
    #[error("weights {origin}: {problem}")]
    Weights {
        /// File name, or "embedded".
        origin: String,
        /// What is missing, misshapen or unreadable.
        problem: String,
    },
    /// There is no such parameter, or its value is of the wrong type or outside its range.
    #[error("parameter {name} = {value}: {allowed}")]
    Parameter {
        /// Name of the parameter.
        name: String,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A text that should give parameters does not.
    #[error("{0}")]
    ParameterText(String),
    /// The device that was asked for is not there.
    #[error("device {device} is not available: {reason}")]
    Device {
        /// The device as it was asked for.
        device: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// libtorch failed, for example for want of memory.
    #[error("libtorch: {0}")]
    Libtorch(String),
}

/// Turns libtorch's failures, which `tch` reports as panics (a GPU out of memory, say), into errors.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, TrackerError>) -> Result<T, TrackerError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("an unknown failure");
        Err(TrackerError::Libtorch(text.lines().next().unwrap_or_default().to_string()))
    })
}

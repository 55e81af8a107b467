//! Errors of the tracking core.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::BoundingBox;

/// An error of the tracking core.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// The region a tracker was to be initialised with cannot be tracked.
    #[error("cannot track region {region} in a frame of {} x {}: {reason}", frame.0, frame.1)]
    Region {
        /// The given region, pixels.
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
    /// A text of parameters cannot be parsed.
    #[error("{0}")]
    ParameterText(String),
    /// The requested device does not exist.
    #[error("device {device} is not available: {reason}")]
    Device {
        /// The requested device.
        device: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The environment asks for vectors that the processor lacks.
    #[error(transparent)]
    Vectors(#[from] attrax_kernels::VectorsError),
    /// A score is not a finite number.
    #[error(
        "the score is not a finite number: the training diverged, or the weights do not fit; \
         lower the learning rates or attention.lambda"
    )]
    NotFinite {
        /// The frame, counted from 1 (the initialisation).
        frame: usize,
    },
    /// There is not enough memory on the CPU or on the GPU.
    #[error(
        "out of memory{}; fewer samples, smaller mini-batches, smaller frames or fewer threads need less",
        bytes.map_or_else(String::new, |bytes| format!(": {bytes} bytes cannot be allocated"))
    )]
    OutOfMemory {
        /// The requested bytes, if known.
        bytes: Option<u64>,
    },
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Libtorch(String),
    /// A mistake in attrax itself.
    #[error("internal error, please report it: {0}")]
    Internal(String),
}

/// Runs `work`, and turns a panic in it into an error: `tch` reports libtorch's failures so, a GPU
/// out of memory for example.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, TrackerError>) -> Result<T, TrackerError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
        Err(of_panic(text))
    })
}

/// How `tch` begins the text of libtorch's failures, which is `TchError` as Rust debugs it.
const TORCH: &str = "Torch(\"";

/// Whether a panic's text is a failure of libtorch, which the methods of this crate return as an
/// error. A program's panic hook can leave it out.
#[must_use]
pub fn is_libtorch_failure(panic: &str) -> bool {
    panic.contains(TORCH)
}

/// The error of a panic.
fn of_panic(text: &str) -> TrackerError {
    match text.split_once(TORCH) {
        // The line breaks of libtorch's text are escaped there.
        Some((_, failure)) => of_libtorch(failure.split("\\n").next().unwrap_or_default().trim_end_matches("\")")),
        None => TrackerError::Internal(text.lines().next().unwrap_or_default().into()),
    }
}

/// The error of a failure of libtorch. Its text goes on with a backtrace in C++.
pub(crate) fn of_libtorch(text: &str) -> TrackerError {
    let line = text.lines().next().unwrap_or_default();
    if !["out of memory", "bad_alloc", "allocate memory"].iter().any(|words| line.contains(words)) {
        return TrackerError::Libtorch(line.into());
    }
    let bytes = line.split_once("tried to allocate ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    TrackerError::OutOfMemory { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_libtorch_are_one_sentence() {
        let failure = |text: &str| format!("called `Result::unwrap()` on an `Err` value: Torch({text:?})");
        for (text, sentence) in [
            (
                failure(
                    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to \
                         allocate 2560000 bytes. Error code 12 (Cannot allocate memory)\nframe #0: c10::ThrowEnforceNotMet",
                ),
                "out of memory: 2560000 bytes cannot be allocated; fewer samples",
            ),
            (failure("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has\nx"), "out of memory; fewer samples"),
            (failure("std::bad_alloc"), "out of memory; fewer samples"),
            (
                failure("mat1 and mat2 shapes cannot be multiplied\nException raised"),
                "libtorch: mat1 and mat2 shapes cannot be multiplied",
            ),
            ("index out of bounds".into(), "internal error, please report it: index out of bounds"),
        ] {
            assert_eq!(is_libtorch_failure(&text), !text.starts_with("index"));
            let error = guarded::<()>(|| std::panic::panic_any(text.clone())).unwrap_err().to_string();
            assert!(error.starts_with(sentence) && !error.contains('\n') && !error.ends_with('"'), "{error}");
        }
    }

    #[test]
    fn more_memory_than_there_is_is_an_error() {
        let huge = || Ok(tch::Tensor::zeros([1 << 45], (tch::Kind::Float, tch::Device::Cpu)));
        let error = guarded(huge).unwrap_err();
        assert!(matches!(error, TrackerError::OutOfMemory { bytes: Some(bytes) } if bytes == 1 << 47), "{error}");
    }
}

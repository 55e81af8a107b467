//! One frame of a sequence.

use std::sync::{Arc, Mutex, PoisonError};

use tch::{Device, Tensor};

use super::TrackerError;

/// An RGB frame, 8 bits a channel, rows from the top, `height x width x 3` bytes.
///
/// Cloning is cheap: the pixels are shared.
#[derive(Clone)]
pub struct Frame {
    width: u32,
    height: u32,
    pixels: Arc<Pixels>,
}

/// The pixels, and their copy on a GPU once one was asked for.
struct Pixels {
    bytes: Vec<u8>,
    resident: Mutex<Option<Tensor>>,
}

impl Frame {
    /// A frame from interleaved RGB bytes.
    ///
    /// # Errors
    /// [`TrackerError::FramePixels`] if the number of bytes is not `3 * width * height`, or if the frame is empty.
    ///
    /// ```
    /// use attrax::tracker::Frame;
    /// assert!(Frame::from_rgb8(2, 2, vec![0; 12]).is_ok());
    /// assert!(Frame::from_rgb8(2, 2, vec![0; 11]).is_err());
    /// ```
    pub fn from_rgb8(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, TrackerError> {
        if pixels.is_empty() || pixels.len() as u64 != 3 * u64::from(width) * u64::from(height) {
            return Err(TrackerError::FramePixels { width, height, bytes: pixels.len() });
        }
        Ok(Self { width, height, pixels: Arc::new(Pixels { bytes: pixels, resident: Mutex::new(None) }) })
    }

    /// Width, pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height, pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width and height, pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The pixels: interleaved RGB, rows from the top.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels.bytes
    }

    /// The pixels as a tensor `(height, width, 3)` of bytes on a device, where they stay as long as the frame: they are
    /// brought there once.
    pub(super) fn on(&self, device: Device) -> Tensor {
        let mut resident = self.pixels.resident.lock().unwrap_or_else(PoisonError::into_inner);
        let tensor = resident.take().filter(|tensor| tensor.device() == device).unwrap_or_else(|| {
            let shape = [i64::from(self.height), i64::from(self.width), 3];
            Tensor::from_slice(&self.pixels.bytes).view(shape).to_device(device)
        });
        resident.insert(tensor).shallow_clone()
    }

    /// Whether this is the same frame, not just an equal one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pixels, &other.pixels)
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} x {})", self.width, self.height)
    }
}

//! One frame of a sequence.

use std::sync::Arc;

use super::TrackerError;

/// An RGB frame, 8 bits a channel, rows from the top, `height x width x 3` bytes.
///
/// Cloning is cheap: the pixels are shared.
#[derive(Clone)]
pub struct Frame {
    width: u32,
    height: u32,
    pixels: Arc<[u8]>,
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
        Ok(Self { width, height, pixels: pixels.into() })
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
        &self.pixels
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} x {})", self.width, self.height)
    }
}

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

/// The pixels, and their copy on a GPU after the first request.
struct Pixels {
    bytes: Vec<u8>,
    resident: Mutex<Option<Tensor>>,
}

impl Frame {
    /// A frame from interleaved RGB bytes.
    ///
    /// # Errors
    /// [`TrackerError::FramePixels`] if the number of bytes is not `3 * width * height`, or if the
    /// frame is empty.
    ///
    /// ```
    /// use attrax_tracker::Frame;
    /// assert!(Frame::from_rgb8(2, 2, vec![0; 12]).is_ok());
    /// assert!(Frame::from_rgb8(2, 2, vec![0; 11]).is_err());
    /// ```
    pub fn from_rgb8(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, TrackerError> {
        if pixels.is_empty() || pixels.len() as u64 != 3 * u64::from(width) * u64::from(height) {
            return Err(TrackerError::FramePixels { width, height, bytes: pixels.len() });
        }
        Ok(Self::of(width, height, pixels))
    }

    /// A frame from as many bytes as it has.
    fn of(width: u32, height: u32, bytes: Vec<u8>) -> Self {
        Self { width, height, pixels: Arc::new(Pixels { bytes, resident: Mutex::new(None) }) }
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

    /// The pixels as a tensor `(height, width, 3)` of bytes on a device, copied there once and kept
    /// as long as the frame.
    pub(super) fn on(&self, device: Device) -> Tensor {
        let mut resident = self.pixels.resident.lock().unwrap_or_else(PoisonError::into_inner);
        let tensor = resident.take().filter(|tensor| tensor.device() == device).unwrap_or_else(|| {
            let shape = [i64::from(self.height), i64::from(self.width), 3];
            Tensor::from_slice(&self.pixels.bytes).view(shape).to_device(device)
        });
        resident.insert(tensor).shallow_clone()
    }

    /// The same frame as a target that moves leaves it: each pixel is the mean of those up to
    /// `reach` pixels away from it, along the rows or along the columns.
    pub(super) fn blurred(&self, radius: u32, along_rows: bool) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let (lines, length, line_step, step) =
            if along_rows { (height, width, 3 * width, 3) } else { (width, height, 3, 3 * width) };
        let (radius, from) = (radius as usize, &self.pixels.bytes);
        let mut bytes = vec![0; from.len()];
        for start in (0..lines).flat_map(|line| (0..3).map(move |channel| line * line_step + channel)) {
            let at = |place: usize| u32::from(from[start + place * step]);
            let (mut sum, mut count) = ((0..radius.min(length)).map(at).sum::<u32>(), radius.min(length) as u32);
            for place in 0..length {
                if place + radius < length {
                    sum += at(place + radius);
                    count += 1;
                }
                if place > radius {
                    sum -= at(place - radius - 1);
                    count -= 1;
                }
                bytes[start + place * step] = ((sum + count / 2) / count) as u8;
            }
        }
        Self::of(self.width, self.height, bytes)
    }

    /// The same frame turned around a point by an angle, radians, clockwise on the screen. Where
    /// nothing is known the nearest pixel of the edge is repeated.
    pub(super) fn rotated(&self, angle: f64, (cx, cy): (f64, f64)) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let ((sin, cos), from) = (angle.sin_cos(), &self.pixels.bytes);
        let mut bytes = Vec::with_capacity(from.len());
        for row in 0..height {
            for column in 0..width {
                let (dx, dy) = (column as f64 + 0.5 - cx, row as f64 + 0.5 - cy);
                let x = (cx + cos * dx + sin * dy - 0.5).clamp(0.0, (width - 1) as f64);
                let y = (cy - sin * dx + cos * dy - 0.5).clamp(0.0, (height - 1) as f64);
                let (left, top) = (x as usize, y as usize);
                let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
                let (u, v) = (x - left as f64, y - top as f64);
                for channel in 0..3 {
                    let at = |x: usize, y: usize| f64::from(from[3 * (y * width + x) + channel]);
                    let upper = at(left, top) * (1.0 - u) + at(right, top) * u;
                    let lower = at(left, bottom) * (1.0 - u) + at(right, bottom) * u;
                    bytes.push((upper * (1.0 - v) + lower * v).round() as u8);
                }
            }
        }
        Self::of(self.width, self.height, bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_turned_to_either_side_is_as_before_around_the_middle() {
        let smooth = |x: u32, y: u32, channel: u32| (120 + x * 2 - y + 5 * channel) as u8;
        let pixels = (0..40u32 * 30 * 3).map(|i| smooth(i / 3 % 40, i / 120, i % 3)).collect();
        let frame = Frame::from_rgb8(40, 30, pixels).unwrap();
        let quarter = std::f64::consts::FRAC_PI_2;
        let turned = frame.rotated(quarter, (20.0, 15.0));
        // Clockwise on the screen: what was right of the middle is below it.
        let at = |frame: &Frame, x: usize, y: usize| frame.pixels()[3 * (y * 40 + x)];
        assert_eq!(at(&turned, 19, 22), at(&frame, 27, 15));
        assert_eq!(at(&turned, 12, 14), at(&frame, 19, 22));
        let back = frame.rotated(0.3, (20.0, 15.0)).rotated(-0.3, (20.0, 15.0));
        for (x, y) in [(20, 15), (15, 18), (26, 12)] {
            assert!(at(&back, x, y).abs_diff(at(&frame, x, y)) <= 1, "{x}, {y}");
        }
        assert_eq!(frame.rotated(0.0, (3.0, 4.0)).pixels(), frame.pixels());
    }

    #[test]
    fn a_blurred_frame_is_the_mean_of_neighbours() {
        let pixels: Vec<u8> = (0..5 * 3 * 3).map(|i| (i * i % 251) as u8).collect();
        let frame = Frame::from_rgb8(5, 3, pixels.clone()).unwrap();
        let at = |x: usize, y: usize, channel: usize| f64::from(pixels[(y * 5 + x) * 3 + channel]);
        for (radius, along_rows) in [(0, true), (1, true), (1, false), (9, true), (2, false)] {
            let blurred = frame.blurred(radius as u32, along_rows);
            for (place, value) in blurred.pixels().iter().enumerate() {
                let (x, y, channel) = (place / 3 % 5, place / 15, place % 3);
                let (middle, length) = if along_rows { (x, 5) } else { (y, 3) };
                let near: Vec<f64> = (middle.saturating_sub(radius)..=(middle + radius).min(length - 1))
                    .map(|i| if along_rows { at(i, y, channel) } else { at(x, i, channel) })
                    .collect();
                let mean = near.iter().sum::<f64>() / near.len() as f64;
                assert!((f64::from(*value) - mean).abs() <= 0.5, "{radius} {along_rows} {place}");
            }
        }
    }
}

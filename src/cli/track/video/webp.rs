//! Animated WebP, which most builds of ffmpeg cannot read.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use attrax_session::decode::DecodeLimits;
use attrax_tracker::Frame;
use image_webp::{DecodingError, WebPDecoder};

/// Whether a file's name is that of a WebP.
pub fn is_webp(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("webp"))
}

/// The pictures of a file, of which there is one where it is no animation. Transparent pixels keep
/// their colours.
pub struct WebP {
    path: PathBuf,
    decoder: WebPDecoder<BufReader<File>>,
    read: u32,
    /// All were read, or one could not be.
    ended: bool,
}

impl WebP {
    /// Reads the file's header.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let file = File::open(path).with_context(named)?;
        let decoder = WebPDecoder::new(BufReader::new(file)).with_context(named)?;
        let (width, height) = decoder.dimensions();
        let limit = DecodeLimits::default().pixels;
        ensure!(
            u64::from(width) * u64::from(height) <= limit,
            "{}: a frame of {width} x {height} pixels: the size of an image is limited to {limit} pixels",
            path.display()
        );
        Ok(Self { path: path.to_path_buf(), decoder, read: 0, ended: false })
    }

    fn picture(&mut self) -> Result<Vec<u8>, DecodingError> {
        let mut pixels = vec![0; self.decoder.output_buffer_size().unwrap_or_default()];
        if self.decoder.is_animated() {
            self.decoder.read_frame(&mut pixels)?;
        } else if self.read == 0 {
            self.decoder.read_image(&mut pixels)?;
        } else {
            return Err(DecodingError::NoMoreFrames);
        }
        if self.decoder.has_alpha() {
            pixels = pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        }
        Ok(pixels)
    }
}

impl Iterator for WebP {
    type Item = anyhow::Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let (width, height) = self.decoder.dimensions();
        match self.picture() {
            Ok(pixels) => {
                self.read += 1;
                Some(Frame::from_rgb8(width, height, pixels).map_err(Into::into))
            }
            Err(DecodingError::NoMoreFrames) => None,
            Err(error) => {
                self.ended = true;
                let place = format!("{}: after {} frames: it is damaged or cut short", self.path.display(), self.read);
                Some(Err(anyhow::Error::new(error).context(place)))
            }
        }
    }
}

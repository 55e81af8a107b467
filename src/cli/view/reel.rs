//! The clip's frames for looking through them, whether they are tracked or not.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use attrax_session::decode::{DecodeLimits, Depth, decode_file};
use attrax_tracker::Frame;

use super::worker::encode;
use crate::cli::track::ahead::Frames;
use crate::cli::track::frames::Source;

/// Bytes of a video's frames that are kept at most.
const KEPT: usize = 512 << 20;

/// The frames by number, as JPEGs. A video is decoded from its start up to the wanted frame.
pub struct Reel {
    source: Source,
    decoder: Mutex<Decoder>,
}

#[derive(Default)]
struct Decoder {
    frames: Option<Frames>,
    /// The number of the frame that comes next.
    next: usize,
    kept: HashMap<usize, Vec<u8>>,
    bytes: usize,
    /// How 16-bit frames of a folder become 8 bits, once that is known.
    depth: Option<Depth>,
}

impl Reel {
    /// The frames of a source.
    pub fn new(source: Source) -> Self {
        Self { source, decoder: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Decoder> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame, counted from 0; `None` after the last one.
    ///
    /// # Errors
    /// Where the frame cannot be read, or the client that wants it is gone.
    pub fn frame(&self, number: usize, abandoned: &AtomicBool) -> anyhow::Result<Option<Vec<u8>>> {
        if let Source::Files(files) = &self.source {
            let Some(path) = files.get(number) else { return Ok(None) };
            let known = self.lock().depth;
            let mut depth = known.unwrap_or_default();
            if let (None, Some(first)) = (known, files.first()) {
                // The first frame gives the range of 16-bit values.
                decode_file(first, &DecodeLimits::default(), &mut depth)?;
                self.lock().depth = Some(depth);
            }
            let image = decode_file(path, &DecodeLimits::default(), &mut depth)?;
            return Ok(Some(encode(&Frame::from_rgb8(image.width, image.height, image.pixels)?)?));
        }
        let mut decoder = self.lock();
        if let Some(jpeg) = decoder.kept.get(&number) {
            return Ok(Some(jpeg.clone()));
        }
        if decoder.frames.is_none() || number < decoder.next {
            decoder.frames = None;
            decoder.next = 0;
            decoder.frames = Some(self.source.clone().read_ahead(None)?);
        }
        loop {
            ensure!(!abandoned.load(Ordering::Relaxed), "the page wants another frame");
            let Some(frame) = decoder.frames.as_mut().and_then(Iterator::next) else {
                decoder.frames = None;
                return Ok(None);
            };
            let (frame, at) = (frame?, decoder.next);
            decoder.next += 1;
            let wanted = at == number;
            if wanted || decoder.bytes < KEPT && !decoder.kept.contains_key(&at) {
                let jpeg = encode(&frame)?;
                if decoder.bytes < KEPT {
                    decoder.bytes += jpeg.len();
                    decoder.kept.insert(at, jpeg.clone());
                }
                if wanted {
                    return Ok(Some(jpeg));
                }
            }
        }
    }

    /// The files of the frames; none of a video.
    pub fn files(&self) -> &[PathBuf] {
        if let Source::Files(files) = &self.source { files } else { &[] }
    }

    /// Ends the decoder of a video, if no frame is being read.
    pub fn close(&self) {
        if let Ok(mut decoder) = self.decoder.try_lock() {
            decoder.frames = None;
        }
    }

    /// The frames from one on, for tracking.
    ///
    /// # Errors
    /// Where they cannot be read, or the clip ends before.
    pub fn frames_from(&self, first: usize) -> anyhow::Result<Frames> {
        if let Source::Files(files) = &self.source {
            ensure!(first < files.len(), "the clip has {} frames", files.len());
            return Source::Files(files[first..].to_vec()).read_ahead(None);
        }
        let mut frames = self.source.clone().read_ahead(None)?;
        for number in 0..first {
            let Some(frame) = frames.next() else { anyhow::bail!("the clip has {number} frames") };
            frame?;
        }
        Ok(frames)
    }
}

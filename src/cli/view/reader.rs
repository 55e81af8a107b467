//! The frames of a run, one after the other, from any of them on: of a clip, or those that were
//! recorded of a live source and then its newest ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use attrax_tracker::Frame;

use super::live::Live;
use super::run::{Clip, Input, Picture};
use super::worker::decode;
use crate::cli::track::ahead::Frames;

/// Between two looks whether a frame is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// What comes next.
pub enum Read {
    /// A frame.
    Frame(Frame),
    /// None is wanted any more.
    Nothing,
    /// There are no more.
    End,
}

/// The frames of a run.
pub struct Reader {
    kind: Kind,
    /// The number of the frame that comes next, counted from 0.
    position: usize,
    /// A frame that was read and comes again.
    back: Option<Frame>,
}

enum Kind {
    Clip(Option<Frames>),
    Live(Recording),
}

/// What was recorded of a live source.
struct Recording {
    live: Arc<Live>,
    pictures: Vec<Arc<Picture>>,
    /// The number of the source's frame that was read last.
    last: Option<usize>,
    /// When the first one came.
    begun: Instant,
    /// Seconds from there to the frame that was read last.
    time: f64,
    skipped: usize,
}

impl Reader {
    /// The frames of a clip, of which a live source has recorded some.
    pub fn new(clip: &Clip, pictures: Vec<Arc<Picture>>) -> Self {
        let kind = match &clip.input {
            Input::Clip(_) => Kind::Clip(None),
            Input::Live(live) => {
                let time = pictures.last().and_then(|picture| picture.time).unwrap_or_default();
                let now = Instant::now();
                let begun = now.checked_sub(Duration::from_secs_f64(time)).unwrap_or(now);
                Kind::Live(Recording { live: Arc::clone(live), pictures, last: None, begun, time, skipped: 0 })
            }
        };
        Self { kind, position: 0, back: None }
    }

    /// The number of the frame that comes next, counted from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Goes to a frame.
    ///
    /// # Errors
    /// Where the clip cannot be read, or ends before.
    pub fn seek(&mut self, clip: &Clip, position: usize) -> anyhow::Result<()> {
        let is_open = !matches!(self.kind, Kind::Clip(None));
        if is_open && position == self.position {
            return Ok(());
        }
        if let (Kind::Clip(frames), Input::Clip(reel)) = (&mut self.kind, &clip.input) {
            // The last decoder ends first.
            *frames = None;
            *frames = Some(reel.frames_from(position)?);
        }
        (self.position, self.back) = (position, None);
        Ok(())
    }

    /// The next frame. Of a live source it is waited for as long as it is wanted.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(&mut self, is_wanted: impl Fn() -> bool) -> anyhow::Result<Read> {
        let read = match (self.back.take(), &mut self.kind) {
            (Some(frame), _) => Read::Frame(frame),
            (None, Kind::Clip(frames)) => match frames.as_mut().and_then(Iterator::next) {
                Some(frame) => Read::Frame(frame?),
                None => Read::End,
            },
            (None, Kind::Live(recording)) => recording.read(self.position, is_wanted)?,
        };
        self.position += usize::from(matches!(read, Read::Frame(_)));
        Ok(read)
    }

    /// The frame that was read last comes again.
    pub fn put_back(&mut self, frame: Frame) {
        self.position = self.position.saturating_sub(1);
        self.back = Some(frame);
    }

    /// Records the frame that was read last, where it cannot be read again.
    pub fn record(&mut self, picture: &Arc<Picture>) {
        if let Kind::Live(recording) = &mut self.kind
            && recording.pictures.len() + 1 == self.position
        {
            recording.pictures.push(Arc::clone(picture));
        }
    }

    /// Seconds from the first frame of a live source to the one that was read last.
    pub fn time(&self) -> Option<f64> {
        match &self.kind {
            Kind::Clip(_) => None,
            Kind::Live(recording) => Some(recording.time),
        }
    }

    /// Frames of a live source that were not read because newer ones had come.
    pub fn skipped(&self) -> usize {
        match &self.kind {
            Kind::Clip(_) => 0,
            Kind::Live(recording) => recording.skipped,
        }
    }

    /// Ends the decoder of a clip. Frames of a live source that come from now on are not counted as
    /// skipped.
    pub fn close(&mut self) {
        match &mut self.kind {
            Kind::Clip(frames) => *frames = None,
            Kind::Live(recording) => recording.last = None,
        }
    }
}

impl Recording {
    fn read(&mut self, position: usize, is_wanted: impl Fn() -> bool) -> anyhow::Result<Read> {
        if let Some(picture) = self.pictures.get(position) {
            self.time = picture.time.unwrap_or_default();
            return Ok(Read::Frame(decode(&picture.jpeg)?));
        }
        let mut next = None;
        if position == 0 {
            let frozen = self.live.frozen().context("no picture is frozen")?;
            self.begun = frozen.at;
            next = Some(frozen);
        }
        while next.is_none() && is_wanted() {
            next = match self.live.next(self.last.unwrap_or_default(), LOOK) {
                Ok(next) => next,
                Err(reason) if reason.is_empty() => return Ok(Read::End),
                Err(reason) => bail!(reason),
            };
        }
        let Some(next) = next else { return Ok(Read::Nothing) };
        self.time = next.at.saturating_duration_since(self.begun).as_secs_f64();
        self.skipped += self.last.map_or(0, |last| next.number.saturating_sub(last + 1));
        self.last = Some(next.number);
        Ok(Read::Frame(Frame::clone(&next.frame)))
    }
}

//! The tracking thread: it does the page's tasks, frame by frame.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use attrax_tracker::{BoundingBox, Frame, Model};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::run::{Order, Shot, Task};
use super::session::Session;
use crate::cli::one_line;
use crate::cli::track::ahead::Frames;
use crate::cli::track::follower::{Follower, Observation};

/// Quality of the frames that the page sees, 1 to 100.
const QUALITY: u8 = 90;
/// Bytes of frames that a run keeps at most.
const KEPT: usize = 2 << 30;

/// A run that can go on.
struct Run {
    frames: Frames,
    region: BoundingBox,
    /// The boxes of frames that come, by number.
    given: BTreeMap<usize, BoundingBox>,
    followers: Vec<Follower>,
    maps: bool,
    /// Bytes of frames that are kept.
    kept: usize,
    /// The next frame's number in the clip, counted from 0.
    next: usize,
}

/// Does the page's tasks, for ever.
pub fn work(model: &Arc<Model>, session: &Session) -> ! {
    let mut run: Option<Run> = None;
    loop {
        let done = match session.next(run.is_some()) {
            Task::Start(order) => {
                // The last one's decoder ends first.
                run = None;
                Run::begin(model, order, session).map(|begun| run = Some(begun)).map(|()| true)
            }
            Task::Track => run.as_mut().map_or(Ok(true), |run| run.track(session)),
            Task::Leave => Err(anyhow::anyhow!("the page was closed")),
        };
        match done {
            Ok(true) => continue,
            Ok(false) => session.end(""),
            Err(error) => session.end(&one_line(&error)),
        }
        run = None;
    }
}

impl Run {
    /// Opens the clip anew.
    fn begin(model: &Arc<Model>, order: Order, session: &Session) -> anyhow::Result<Self> {
        let followers = order.trackers.into_iter().map(|choice| {
            let name = choice.name();
            let model = model.with_config(choice.config).context("cannot start the tracker")?;
            Ok(Follower::new(name, model))
        });
        let followers = followers.collect::<anyhow::Result<_>>()?;
        // Where learning begins: frames before the box are tracked again, without being shown.
        let first = order.given.first_key_value().map_or(order.from, |(frame, _)| *frame);
        let frames = session.clip.reel.frames_from(first)?;
        let (region, given, maps) = (order.region, order.given, order.maps);
        let mut run = Self { frames, region, given, followers, maps: false, kept: session.kept(), next: first };
        while run.next < order.from && !session.is_superseded() {
            ensure!(run.follow()?.is_some(), "the clip has {} frames", run.next);
        }
        run.maps = maps;
        Ok(run)
    }

    /// What every tracker says about the next frame, where there is one.
    fn follow(&mut self) -> anyhow::Result<Option<(Frame, Vec<Observation>)>> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let frame = frame?;
        let (region, given, maps) = (self.region, self.given.remove(&self.next), self.maps);
        let observed = self.followers.iter_mut().map(|follower| match given {
            Some(given) => follower.learn(&frame, given, maps),
            None => follower.follow(&frame, region, maps),
        });
        let observed: Vec<Observation> =
            observed.collect::<Result<_, _>>().with_context(|| format!("frame {}", self.next + 1))?;
        self.next += 1;
        Ok(Some((frame, observed)))
    }

    /// Tracks the next frame; says whether there was one.
    fn track(&mut self, session: &Session) -> anyhow::Result<bool> {
        let begun = Instant::now();
        let Some((frame, observed)) = self.follow()? else { return Ok(false) };
        let jpeg = encode(&frame)?;
        self.kept += jpeg.len();
        session.add(Shot { jpeg, observed, seconds: begun.elapsed().as_secs_f64() });
        ensure!(self.kept < KEPT, "the page keeps {} GiB of frames and no more; attrax track has no limit", KEPT >> 30);
        Ok(true)
    }
}

/// A frame as a JPEG.
pub fn encode(frame: &Frame) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = frame.size();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode(
        frame.pixels(),
        width,
        height,
        ExtendedColorType::Rgb8,
    );
    encoded.context("cannot show a frame")?;
    Ok(bytes)
}

/// A frame from its JPEG, for pictures of it.
pub fn decode(jpeg: &[u8]) -> anyhow::Result<Frame> {
    let image = image::load_from_memory(jpeg)?.into_rgb8();
    Ok(Frame::from_rgb8(image.width(), image.height(), image.into_raw())?)
}

//! The tracking thread: it does the page's tasks, frame by frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use attrax_tracker::{Frame, Model};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::line::Line;
use super::reader::{Read, Reader};
use super::run::{Change, Order, Picture, Shot, Target, Task};
use super::session::Session;
use crate::cli::track::follower::{Follower, Observation};
use crate::cli::track::output::Summary;
use crate::cli::{interrupt, one_line, say};

/// Quality of the frames that the page sees, 1 to 100.
const QUALITY: u8 = 90;
/// Bytes of frames that a run keeps at most.
const KEPT: usize = 2 << 30;

/// A run that can go on.
struct Tracking {
    reader: Reader,
    targets: Vec<Target>,
    /// The models of the trackers, by name.
    models: Vec<(String, Arc<Model>)>,
    lines: Vec<Line>,
    maps: bool,
    /// Bytes of frames that are kept.
    kept: usize,
    /// The next frame to show, counted from 0.
    next: usize,
}

/// Does the page's tasks, for ever.
pub fn work(model: &Arc<Model>, session: &Session) -> ! {
    // A run that has ended stays, so that a correction goes on with its trackers.
    let mut run: Option<Tracking> = None;
    let mut active = false;
    loop {
        let done = match session.next(active) {
            Task::Start(order) => {
                active = true;
                Tracking::take(run.take(), model, order, session).map(|begun| run = Some(begun)).map(|()| true)
            }
            Task::Track => run.as_mut().map_or(Ok(true), |run| run.track(session)),
            Task::Stop => Ok(false),
            Task::Leave => Err(anyhow::anyhow!("the page was closed")),
        };
        match done {
            Ok(true) => continue,
            Ok(false) => {
                if let Some(run) = &mut run {
                    run.end(session);
                }
                session.end("");
            }
            Err(error) => {
                run = None;
                session.end(&one_line(&error));
            }
        }
        active = false;
    }
}

impl Tracking {
    /// The run of an order: the one at hand with what has changed, or another one.
    fn take(last: Option<Self>, model: &Arc<Model>, order: Order, session: &Session) -> anyhow::Result<Self> {
        let Order { from, targets, trackers, maps, change, recorded } = order;
        let mut run = match (last, change) {
            (Some(mut run), Some(change)) => {
                run.targets = targets;
                run.change(&change, from);
                run
            }
            (last, _) => {
                // Its decoder ends first.
                drop(last);
                let models = trackers.into_iter().map(|choice| {
                    let name = choice.name();
                    Ok((name, model.with_config(choice.config).context("cannot start the tracker")?))
                });
                let reader = Reader::new(&session.clip, recorded);
                let models = models.collect::<anyhow::Result<_>>()?;
                Self { reader, targets, models, lines: Vec::new(), maps, kept: 0, next: from }
            }
        };
        run.begin_lines(from);
        (run.next, run.kept) = (from, session.kept());
        let needed = run.lines.iter().map(|line| line.needs(&run.targets[line.target], from));
        run.reader.seek(&session.clip, needed.fold(from, usize::min))?;
        if session.clip.live().is_some() {
            interrupt::ask_first(
                "the camera is closed, the page stays to save the run; another Ctrl-C ends the program",
            );
        }
        Ok(run)
    }

    /// Adds the trackers of new targets.
    fn begin_lines(&mut self, from: usize) {
        for (place, target) in self.targets.iter().enumerate().skip(self.lines.len() / self.models.len().max(1)) {
            self.lines.extend(
                self.models.iter().map(|(name, model)| {
                    Line::new(place, Follower::new(name.clone(), Arc::clone(model)), target, from)
                }),
            );
        }
    }

    /// Lets the trackers of changed targets learn again; the others keep their results.
    fn change(&mut self, change: &Change, from: usize) {
        for (place, line) in self.lines.iter_mut().enumerate() {
            if change.targets.contains(&line.target) {
                line.begin_again(&self.targets[line.target], from);
            } else {
                line.know(place, from, &change.later);
            }
        }
    }

    /// Tracks the next frame; says whether there may be more.
    fn track(&mut self, session: &Session) -> anyhow::Result<bool> {
        let begun = Instant::now();
        loop {
            let number = self.reader.position();
            let frame = match self.reader.read(|| session.is_wanted())? {
                Read::Frame(frame) => frame,
                Read::Nothing => {
                    session.rest();
                    return Ok(true);
                }
                Read::End => {
                    ensure!(number >= self.next, "the clip has {number} frames");
                    return Ok(false);
                }
            };
            // Frames before are tracked for what is learnt from them.
            if number >= self.next {
                return self.show(frame, begun, session).map(|()| true);
            }
            self.follow(&frame, number, false)?;
            if !session.is_wanted() {
                session.rest();
                return Ok(true);
            }
        }
    }

    /// What every line says about a frame.
    fn follow(&mut self, frame: &Frame, number: usize, maps: bool) -> anyhow::Result<Vec<Option<Arc<Observation>>>> {
        let observed = self.lines.iter_mut().map(|line| line.track(frame, number, &self.targets[line.target], maps));
        observed.collect::<Result<_, _>>().with_context(|| format!("frame {}", number + 1))
    }

    /// Tracks a frame and shows it.
    fn show(&mut self, frame: Frame, begun: Instant, session: &Session) -> anyhow::Result<()> {
        let observed = self.follow(&frame, self.next, self.maps)?;
        let picture = Arc::new(Picture { jpeg: encode(&frame)?, time: self.reader.time() });
        self.reader.record(&picture);
        let kept = self.kept + picture.jpeg.len();
        let shot = Shot { picture, observed: observed.clone(), seconds: begun.elapsed().as_secs_f64() };
        if session.add(shot, self.reader.skipped()) {
            (self.next, self.kept) = (self.next + 1, kept);
        } else {
            // An order came meanwhile; unless it says otherwise, the frame comes again.
            for (line, observed) in self.lines.iter_mut().zip(observed) {
                line.keep(self.next, observed);
            }
            self.reader.put_back(frame);
        }
        ensure!(self.kept < KEPT, "the page keeps {} GiB of frames and no more; attrax track has no limit", KEPT >> 30);
        Ok(())
    }

    /// Ends the decoder; of a live source a summary is printed.
    fn end(&mut self, session: &Session) {
        self.reader.close();
        let (live, state) = (session.clip.live().is_some(), session.lock());
        let shots = &state.run.shots;
        if !live || shots.is_empty() {
            return;
        }
        let lines = 0..self.lines.len();
        let lost = |line: usize| shots.iter().filter(|shot| shot.of(line).is_some_and(|o| !o.estimate.success)).count();
        let given: usize = state.run.targets.iter().map(|target| target.given.len().saturating_sub(1)).sum();
        let seconds: f64 = shots.iter().skip(1).map(|shot| shot.seconds).sum();
        let summary = Summary {
            frames: shots.len(),
            lost: lines.map(lost).collect(),
            corrections: given,
            skipped: state.skipped,
            overlaps: Vec::new(),
            tracking: Duration::from_secs_f64(seconds),
        };
        drop(state);
        say(&summary.to_string());
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

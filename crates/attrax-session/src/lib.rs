#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "document-features", doc = "## Feature flags\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![deny(unsafe_code)]

#[cfg(feature = "dat")]
mod dat;
pub mod decode;
mod target;

pub use attrax_geometry::BoundingBox;
#[cfg(feature = "dat")]
pub use dat::Dat;
pub use target::{PolygonBox, rectangle, target_box};

use std::error::Error as StdError;
use std::time::Instant;

use crate::decode::{DecodeError, DecodeLimits, Depth, RgbImage, decode};
use trax::{Channel, Handler, Images, Object, Properties, Status};

/// Where a target is in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The place.
    pub target: BoundingBox,
    /// How sure the tracker is, on a scale of its own.
    pub confidence: f64,
    /// Whether the tracker counts the target as found: the property `found`, 1 or 0.
    pub found: Option<bool>,
    /// Probability that the target is correct, 0 to 1: the property `probability`.
    pub probability: Option<f64>,
}

impl Answer {
    /// The reply of a request that took `seconds`.
    fn status(self, seconds: f64) -> Status {
        let mut status = Status::new(rectangle(self.target)).confidence(self.confidence).seconds(seconds);
        let found = self.found.map(|found| u8::from(found).to_string());
        let probability = self.probability.map(|probability| format!("{probability:.4}"));
        for (key, value) in [("found", found), ("probability", probability)] {
            // Both are keys that TraX takes.
            let _ = value.map(|value| status.properties.insert(key, value));
        }
        status
    }
}

/// A tracking core.
pub trait Backend {
    /// A frame in the form that trackers take.
    type Frame;
    /// What follows one target.
    type Tracker;
    /// Why it cannot go on.
    type Error: StdError + 'static;

    /// Takes the properties of an initialisation, for the trackers that are started from then on.
    /// Every initialisation calls it, before anything else; unless it is implemented, properties
    /// change nothing.
    ///
    /// # Errors
    ///
    /// Whatever the core has against them.
    fn configure(&mut self, _: &Properties) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Makes a frame of decoded pixels; it is shared by all objects.
    ///
    /// # Errors
    ///
    /// Whatever the core has against the frame.
    fn frame(&mut self, image: RgbImage) -> Result<Self::Frame, Self::Error>;

    /// Starts to follow the target in a box that has an area and is inside the frame. `stream` counts
    /// the initialisations of the process from 0, so that each can draw random numbers of its own.
    ///
    /// # Errors
    ///
    /// Whatever keeps the core from following this target.
    fn initialize(
        &mut self,
        frame: &Self::Frame,
        target: BoundingBox,
        stream: u64,
    ) -> Result<Self::Tracker, Self::Error>;

    /// Finds a target in the next frame.
    ///
    /// # Errors
    ///
    /// Whatever keeps the core from going on.
    fn track(&mut self, tracker: &mut Self::Tracker, frame: &Self::Frame) -> Result<Answer, Self::Error>;
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError<E: StdError> {
    /// The frame cannot be read.
    #[error(transparent)]
    Image(#[from] DecodeError),
    /// A property of the initialisation.
    #[error("property: {0}")]
    Property(E),
    /// There is no colour image.
    #[error("the frame has no colour image")]
    NoImage,
    /// The frame is not as large as the first one.
    #[error("the frame is {0} x {1} pixels, the first one was {2} x {3}", .found.0, .found.1, .expected.0, .expected.1)]
    Size {
        /// Width and height now, in pixels.
        found: (u32, u32),
        /// Width and height of the frame of the initialisation, in pixels.
        expected: (u32, u32),
    },
    /// A region that cannot be tracked.
    #[error("object {object}: {reason}")]
    Region {
        /// The object's number, from 1.
        object: usize,
        /// What is wrong with its region.
        reason: &'static str,
    },
    /// The tracking core gave up.
    #[error("object {object}: {error}")]
    Backend {
        /// The object's number, from 1.
        object: usize,
        /// Why.
        error: E,
    },
}

/// Serves a tracking core to a TraX client; to be given to [`run`](trax::run).
#[derive(Debug)]
pub struct Session<B: Backend> {
    backend: B,
    polygon_box: PolygonBox,
    limits: DecodeLimits,
    trackers: Vec<B::Tracker>,
    /// Width and height of the frame of the initialisation, in pixels.
    size: Option<(u32, u32)>,
    /// How frames of 16 bits become 8, by the frame of the initialisation.
    depth: Depth,
    /// How many targets have been initialised in this process.
    started: u64,
}

impl<B: Backend> Session<B> {
    /// A session that tracks nothing yet.
    pub fn new(backend: B, polygon_box: PolygonBox, limits: DecodeLimits) -> Self {
        Self { backend, polygon_box, limits, trackers: Vec::new(), size: None, depth: Depth::default(), started: 0 }
    }

    /// The same session, counting initialisations from `started` instead of 0: a process that goes
    /// on where another one stopped gives its trackers the streams that they would have had there.
    #[must_use]
    pub fn starting_at(mut self, started: u64) -> Self {
        self.started = started;
        self
    }

    /// The frame of a request, of the size of those before it.
    fn frame(&mut self, mut images: Images) -> Result<B::Frame, SessionError<B::Error>> {
        let image = images.take(Channel::Color).ok_or(SessionError::NoImage)?;
        let image = decode(image, &self.limits, &mut self.depth)?;
        let found = (image.width, image.height);
        let expected = *self.size.get_or_insert(found);
        if found != expected {
            return Err(SessionError::Size { found, expected });
        }
        self.backend.frame(image).map_err(|error| SessionError::Backend { object: 1, error })
    }

    /// Starts a tracker for each object and answers with where it was put.
    fn start(&mut self, frame: &B::Frame, objects: Vec<Object>) -> Result<Vec<Status>, SessionError<B::Error>> {
        let (width, height) = self.size.unwrap_or_default();
        let mut statuses = Vec::with_capacity(objects.len());
        for object in objects {
            let begun = Instant::now();
            let number = self.trackers.len() + 1;
            let target = target_box(&object.region, self.polygon_box)
                .and_then(|target| {
                    target.clipped(f64::from(width), f64::from(height)).ok_or("the region is outside the frame")
                })
                .map_err(|reason| SessionError::Region { object: number, reason })?;
            let tracker = self
                .backend
                .initialize(frame, target, self.started)
                .map_err(|error| SessionError::Backend { object: number, error })?;
            self.started += 1;
            self.trackers.push(tracker);
            // The answer to an initialisation is the region itself, as the client gave it.
            statuses.push(Status::new(object.region).confidence(1.0).seconds(begun.elapsed().as_secs_f64()));
        }
        Ok(statuses)
    }
}

impl<B: Backend> Handler for Session<B> {
    type Error = SessionError<B::Error>;

    fn initialize(
        &mut self,
        images: Images,
        objects: Vec<Object>,
        properties: Properties,
    ) -> Result<Vec<Status>, Self::Error> {
        self.trackers.clear();
        self.size = None;
        self.depth = Depth::default();
        self.backend.configure(&properties).map_err(SessionError::Property)?;
        self.frame_and_objects(images, objects)
    }

    fn frame(&mut self, images: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Self::Error> {
        self.frame_and_objects(images, added)
    }
}

impl<B: Backend> Session<B> {
    /// Tracks what is tracked already, then starts what is new; the time spent on reading the frame
    /// is shared among them.
    fn frame_and_objects(&mut self, images: Images, added: Vec<Object>) -> Result<Vec<Status>, SessionError<B::Error>> {
        let begun = Instant::now();
        let frame = self.frame(images)?;
        let share = begun.elapsed().as_secs_f64() / (self.trackers.len() + added.len()).max(1) as f64;
        let mut statuses = Vec::with_capacity(self.trackers.len() + added.len());
        for (index, tracker) in self.trackers.iter_mut().enumerate() {
            let begun = Instant::now();
            let answer = self
                .backend
                .track(tracker, &frame)
                .map_err(|error| SessionError::Backend { object: index + 1, error })?;
            statuses.push(answer.status(share + begun.elapsed().as_secs_f64()));
        }
        statuses.extend(self.start(&frame, added)?);
        Ok(statuses)
    }
}

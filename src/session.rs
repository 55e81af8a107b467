//! The protocol handler: TraX requests in, tracker calls, regions out, one tracker for each object.
//!
//! It knows any tracking core that implements [`Backend`]. Each initialisation drops every tracker of the one before. What cannot be
//! tracked (a frame that cannot be read, a region that is empty or outside the frame, a frame of another size than the first) ends the
//! session with a reason; a region that reaches beyond the frame is clipped to it.

use std::error::Error as StdError;
use std::time::Instant;

use crate::decode::{DecodeError, DecodeLimits, RgbImage, decode};
use crate::trax::{Channel, Images, Object, Polygon, Properties, Region, Status, Tracker};

/// A box in pixels from the frame's top left corner; a frame of width `W` reaches from 0 to `W`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetBox {
    /// The left edge.
    pub x: f64,
    /// The top edge.
    pub y: f64,
    /// From the left edge to the right one.
    pub width: f64,
    /// From the top edge to the bottom one.
    pub height: f64,
}

/// Where a target is in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The place.
    pub target: TargetBox,
    /// How sure the tracker is, on a scale of its own.
    pub confidence: f64,
}

/// A tracking core.
pub trait Backend {
    /// A frame in the form that trackers take.
    type Frame;
    /// What follows one target.
    type Tracker;
    /// Why it cannot go on.
    type Error: StdError + 'static;

    /// Makes a frame of decoded pixels; it is shared by all objects.
    ///
    /// # Errors
    ///
    /// Whatever the core has against the frame.
    fn frame(&mut self, image: RgbImage) -> Result<Self::Frame, Self::Error>;

    /// Starts to follow the target in a box that has an area and lies in the frame. `stream` counts the initialisations of the
    /// process from 0, so that each can draw random numbers of its own.
    ///
    /// # Errors
    ///
    /// Whatever keeps the core from following this target.
    fn initialize(&mut self, frame: &Self::Frame, target: TargetBox, stream: u64) -> Result<Self::Tracker, Self::Error>;

    /// Finds a target in the next frame.
    ///
    /// # Errors
    ///
    /// Whatever keeps the core from going on.
    fn track(&mut self, tracker: &mut Self::Tracker, frame: &Self::Frame) -> Result<Answer, Self::Error>;
}

/// How a polygon becomes a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolygonBox {
    /// The smallest box around it.
    #[default]
    Bounding,
    /// The box of its area around the mean of its corners, in the proportions of the smallest box around it.
    SameArea,
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError<E: StdError> {
    /// The frame cannot be read.
    #[error(transparent)]
    Image(#[from] DecodeError),
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
    #[error("object {object}: {source}")]
    Backend {
        /// The object's number, from 1.
        object: usize,
        /// Why.
        source: E,
    },
}

/// Serves a tracking core to a TraX client; to be given to [`run`](crate::trax::run).
#[derive(Debug)]
pub struct Session<B: Backend> {
    backend: B,
    polygon_box: PolygonBox,
    limits: DecodeLimits,
    trackers: Vec<B::Tracker>,
    /// Width and height of the frame of the initialisation, in pixels.
    size: Option<(u32, u32)>,
    /// How many targets have been initialised in this process.
    started: u64,
}

impl<B: Backend> Session<B> {
    /// A session that tracks nothing yet.
    pub fn new(backend: B, polygon_box: PolygonBox, limits: DecodeLimits) -> Self {
        Self { backend, polygon_box, limits, trackers: Vec::new(), size: None, started: 0 }
    }

    /// The frame of a request, of the size of those before it.
    fn frame(&mut self, mut images: Images) -> Result<B::Frame, SessionError<B::Error>> {
        let image = decode(images.take(Channel::Color).ok_or(SessionError::NoImage)?, &self.limits)?;
        let found = (image.width, image.height);
        let expected = *self.size.get_or_insert(found);
        if found != expected {
            return Err(SessionError::Size { found, expected });
        }
        self.backend.frame(image).map_err(|source| SessionError::Backend { object: 1, source })
    }

    /// Starts a tracker for each object and answers with where it was put.
    fn start(&mut self, frame: &B::Frame, objects: Vec<Object>) -> Result<Vec<Status>, SessionError<B::Error>> {
        let size = self.size.unwrap_or_default();
        let mut statuses = Vec::with_capacity(objects.len());
        for object in objects {
            let begun = Instant::now();
            let number = self.trackers.len() + 1;
            let target = target_box(&object.region, self.polygon_box)
                .and_then(|target| clip(target, size))
                .map_err(|reason| SessionError::Region { object: number, reason })?;
            let tracker = self
                .backend
                .initialize(frame, target, self.started)
                .map_err(|source| SessionError::Backend { object: number, source })?;
            self.started += 1;
            self.trackers.push(tracker);
            // The answer to an initialisation is the region itself, as the client gave it.
            statuses.push(Status::new(object.region).confidence(1.0).seconds(begun.elapsed().as_secs_f64()));
        }
        Ok(statuses)
    }
}

impl<B: Backend> Tracker for Session<B> {
    type Error = SessionError<B::Error>;

    fn initialize(&mut self, images: Images, objects: Vec<Object>, _: Properties) -> Result<Vec<Status>, Self::Error> {
        self.trackers.clear();
        self.size = None;
        self.frame_and_objects(images, objects)
    }

    fn frame(&mut self, images: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Self::Error> {
        self.frame_and_objects(images, added)
    }
}

impl<B: Backend> Session<B> {
    /// Tracks what is tracked already, then starts what is new; the time spent on reading the frame is shared among them.
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
                .map_err(|source| SessionError::Backend { object: index + 1, source })?;
            let TargetBox { x, y, width, height } = answer.target;
            let region = Region::rectangle(x as f32, y as f32, width as f32, height as f32);
            let seconds = share + begun.elapsed().as_secs_f64();
            statuses.push(Status::new(region).confidence(answer.confidence).seconds(seconds));
        }
        statuses.extend(self.start(&frame, added)?);
        Ok(statuses)
    }
}

/// The box that stands for a region, or what is wrong with the region.
///
/// # Errors
///
/// A text for regions without an area: special ones, masks without set pixels, boxes without width or height.
pub fn target_box(region: &Region, rule: PolygonBox) -> Result<TargetBox, &'static str> {
    let bounds = match region {
        Region::Special(_) => return Err("a special region is no place to start from"),
        Region::Mask(_) => region.bounds().ok_or("the mask is empty")?,
        Region::Rectangle(_) | Region::Polygon(_) => region.bounds().ok_or("the region is empty")?,
    };
    let target = TargetBox {
        x: f64::from(bounds.x),
        y: f64::from(bounds.y),
        width: f64::from(bounds.width),
        height: f64::from(bounds.height),
    };
    if ![target.x, target.y, target.width, target.height].iter().all(|value| value.is_finite()) {
        return Err("the region is not finite");
    }
    if target.width <= 0.0 || target.height <= 0.0 {
        return Err("the region is empty");
    }
    match region {
        Region::Polygon(polygon) if rule == PolygonBox::SameArea => Ok(same_area(polygon, target)),
        _ => Ok(target),
    }
}

/// The box of the polygon's area around the mean of its corners; a polygon that crosses itself may enclose nothing by the formula, and
/// then its bounding box has to do.
fn same_area(polygon: &Polygon, bounds: TargetBox) -> TargetBox {
    let scale = (polygon.area() / (bounds.width * bounds.height)).sqrt();
    if scale < 0.1 {
        return bounds;
    }
    let count = polygon.points().len() as f64;
    let x = polygon.points().iter().map(|point| f64::from(point.x)).sum::<f64>() / count;
    let y = polygon.points().iter().map(|point| f64::from(point.y)).sum::<f64>() / count;
    let (width, height) = (bounds.width * scale, bounds.height * scale);
    TargetBox { x: x - width / 2.0, y: y - height / 2.0, width, height }
}

/// The part of a box inside a frame of `size` pixels, or what is wrong with the box.
fn clip(target: TargetBox, size: (u32, u32)) -> Result<TargetBox, &'static str> {
    let (right, bottom) = (target.x + target.width, target.y + target.height);
    let (left, top) = (target.x.max(0.0), target.y.max(0.0));
    let width = right.min(f64::from(size.0)) - left;
    let height = bottom.min(f64::from(size.1)) - top;
    if width <= 0.0 || height <= 0.0 {
        return Err("the region is outside the frame");
    }
    Ok(TargetBox { x: left, y: top, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trax::Mask;

    #[test]
    fn regions_become_boxes() {
        let tilted = Region::polygon([(10.0, 0.0), (20.0, 10.0), (10.0, 20.0), (0.0, 10.0)]).unwrap();
        let bounding = TargetBox { x: 0.0, y: 0.0, width: 20.0, height: 20.0 };
        assert_eq!(target_box(&tilted, PolygonBox::Bounding), Ok(bounding));
        let same = target_box(&tilted, PolygonBox::SameArea).unwrap();
        assert!((same.width * same.height - 200.0).abs() < 1e-9);
        assert!((same.x + same.width / 2.0 - 10.0).abs() < 1e-9);
        let crossing = Region::polygon([(0.0, 0.0), (20.0, 20.0), (20.0, 0.0), (0.0, 20.0)]).unwrap();
        assert_eq!(target_box(&crossing, PolygonBox::SameArea), Ok(bounding));
        let mask = Region::Mask(Mask::new(5, 6, 3, 2, vec![false, true, true, false, false, false]).unwrap());
        let expected = TargetBox { x: 6.0, y: 6.0, width: 2.0, height: 1.0 };
        assert_eq!(target_box(&mask, PolygonBox::Bounding), Ok(expected));
    }

    #[test]
    fn regions_without_an_area_are_refused() {
        let empty = Region::Mask(Mask::new(0, 0, 2, 2, vec![false; 4]).unwrap());
        let line = Region::polygon([(0.0, 0.0), (5.0, 0.0), (9.0, 0.0)]).unwrap();
        for region in [
            Region::Special(0),
            empty,
            line,
            Region::rectangle(1.0, 1.0, 0.0, 5.0),
            Region::rectangle(1.0, 1.0, 5.0, -5.0),
            Region::rectangle(f32::NAN, 1.0, 5.0, 5.0),
            Region::polygon([(-3e38, 0.0), (3e38, 0.0), (0.0, 1.0)]).unwrap(),
        ] {
            assert!(target_box(&region, PolygonBox::Bounding).is_err(), "{region}");
        }
    }

    #[test]
    fn boxes_are_clipped_to_the_frame() {
        let target = |x, y, width, height| TargetBox { x, y, width, height };
        assert_eq!(clip(target(-5.0, -5.0, 10.0, 10.0), (100, 50)), Ok(target(0.0, 0.0, 5.0, 5.0)));
        assert_eq!(clip(target(-5.0, -5.0, 1000.0, 1000.0), (100, 50)), Ok(target(0.0, 0.0, 100.0, 50.0)));
        assert_eq!(clip(target(99.0, 49.0, 1.0, 1.0), (100, 50)), Ok(target(99.0, 49.0, 1.0, 1.0)));
        for outside in [target(100.0, 0.0, 5.0, 5.0), target(-5.0, 0.0, 5.0, 5.0), target(0.0, 50.0, 5.0, 5.0)] {
            assert!(clip(outside, (100, 50)).is_err());
        }
    }
}

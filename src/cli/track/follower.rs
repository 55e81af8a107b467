//! One tracker at work on the sequence, and its columns of the table.

use std::sync::Arc;

use attrax_tracker::{BoundingBox, Estimate, Frame, Maps, Model, Tracker, TrackerError};

/// A tracker that has not begun, or follows the target.
pub struct Follower {
    /// What it is called in pictures: the preset.
    pub name: String,
    model: Arc<Model>,
    tracker: Option<Tracker>,
    /// The random stream of its initialisations.
    stream: u64,
}

/// What a follower says about a frame.
pub struct Observation {
    /// The box and how sure it is.
    pub estimate: Estimate,
    /// The maps of that box, where they were asked for.
    pub maps: Option<Maps>,
    /// Whether the box was given and not found.
    pub given: bool,
}

impl Follower {
    /// A tracker that has not begun.
    pub fn new(name: String, model: Arc<Model>) -> Self {
        Self { name, model, tracker: None, stream: 0 }
    }

    /// The same, drawing from another random stream: that of initialisation `stream` of a process
    /// that serves, from 0.
    pub fn on_stream(mut self, stream: u64) -> Self {
        self.stream = stream;
        self
    }

    /// Finds the target; none before it was learnt.
    pub fn track(&mut self, frame: &Frame, with_maps: bool) -> Result<Option<Observation>, TrackerError> {
        let Some(tracker) = &mut self.tracker else { return Ok(None) };
        let estimate = tracker.track(frame)?;
        self.observe(frame, estimate, false, with_maps).map(Some)
    }

    /// Learns the target from `region` of any frame, in addition to what was learnt before.
    pub fn learn(&mut self, frame: &Frame, region: BoundingBox, with_maps: bool) -> Result<Observation, TrackerError> {
        match &mut self.tracker {
            Some(tracker) => tracker.correct(frame, region)?,
            none => *none = Some(Tracker::with_stream(&self.model, frame, region, self.stream)?),
        }
        let estimate = Estimate { bounding_box: region, confidence: 1.0, success: true, probability: 1.0 };
        self.observe(frame, estimate, true, with_maps)
    }

    /// Forgets the target.
    pub fn forget(&mut self) {
        self.tracker = None;
    }

    fn observe(
        &self,
        frame: &Frame,
        estimate: Estimate,
        given: bool,
        with_maps: bool,
    ) -> Result<Observation, TrackerError> {
        let maps = match &self.tracker {
            Some(tracker) if with_maps => tracker.maps(frame, &[estimate.bounding_box])?.pop(),
            _ => None,
        };
        Ok(Observation { estimate, maps, given })
    }
}

/// Names of a follower's columns; the last one is there with maps alone.
const COLUMNS: [&str; 8] = ["x", "y", "width", "height", "confidence", "found", "probability", "attention_inside"];

fn names(with_maps: bool) -> &'static [&'static str] {
    &COLUMNS[..COLUMNS.len() - usize::from(!with_maps)]
}

/// Names of a follower's columns.
pub fn columns(prefix: &str, with_maps: bool) -> String {
    names(with_maps).iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>().join(",")
}

/// The values of a follower's columns; they are empty in frames in which the target is not
/// followed.
pub fn values(observed: Option<&Observation>, with_maps: bool) -> String {
    observed.map_or_else(|| ",".repeat(names(with_maps).len() - 1), |observed| observed.values(with_maps))
}

impl Observation {
    /// The values of the follower's columns.
    fn values(&self, with_maps: bool) -> String {
        let Estimate { bounding_box: b, confidence, success, probability } = self.estimate;
        let (x, y, width, height, found) = (b.x, b.y, b.width, b.height, u8::from(success));
        // Nothing in frames without maps, and where there is no attention at all.
        let inside =
            self.maps.as_ref().and_then(|maps| maps.inside).map_or(String::new(), |share| format!("{share:.4}"));
        let inside = if with_maps { format!(",{inside}") } else { inside };
        format!("{x:.3},{y:.3},{width:.3},{height:.3},{confidence:.4},{found},{probability:.4}{inside}")
    }
}

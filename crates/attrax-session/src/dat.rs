//! DAT as the backend of a session.

use std::sync::Arc;

use attrax_tracker::{Frame, Model, Tracker, TrackerError};
use trax::Properties;

use crate::decode::RgbImage;
use crate::{Answer, Backend, BoundingBox};

/// DAT as a session sees it.
#[derive(Debug)]
pub struct Dat {
    /// With the parameters that the session was started with.
    base: Arc<Model>,
    /// With those that the last initialisation asked for.
    model: Arc<Model>,
}

impl Dat {
    /// A backend whose targets share `model`; the properties of an initialisation change its
    /// parameters for that one alone.
    #[must_use]
    pub fn new(model: Arc<Model>) -> Self {
        Self { model: Arc::clone(&model), base: model }
    }
}

impl Backend for Dat {
    type Frame = Frame;
    type Tracker = Tracker;
    type Error = TrackerError;

    /// Each property sets the parameter of its name; those of the protocol itself are left alone.
    fn configure(&mut self, properties: &Properties) -> Result<(), TrackerError> {
        let mut config = self.base.config().clone();
        for (key, value) in properties.iter().filter(|(key, _)| !key.starts_with("trax.")) {
            config = config.with_value(key, value)?;
        }
        self.model = self.base.with_config(config)?;
        Ok(())
    }

    fn frame(&mut self, image: RgbImage) -> Result<Frame, TrackerError> {
        Frame::from_rgb8(image.width, image.height, image.pixels)
    }

    fn initialize(&mut self, frame: &Frame, target: BoundingBox, stream: u64) -> Result<Tracker, TrackerError> {
        Tracker::with_stream(&self.model, frame, target, stream)
    }

    fn track(&mut self, tracker: &mut Tracker, frame: &Frame) -> Result<Answer, TrackerError> {
        let estimate = tracker.track(frame)?;
        Ok(Answer {
            target: estimate.bounding_box,
            confidence: estimate.confidence,
            found: Some(estimate.success),
            probability: Some(estimate.probability),
        })
    }
}

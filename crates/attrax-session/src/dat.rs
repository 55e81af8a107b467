//! DAT as the backend of a session.

use std::rc::Rc;

use attrax_tracker::{BoundingBox, Frame, Model, Tracker, TrackerError};
use trax::Properties;

use crate::decode::RgbImage;
use crate::{Answer, Backend, TargetBox};

/// DAT as a session sees it.
#[derive(Debug)]
pub struct Dat {
    /// With the parameters that the session was started with.
    base: Rc<Model>,
    /// With those that the last initialisation asked for.
    model: Rc<Model>,
}

impl Dat {
    /// A backend whose targets share `model`; the properties of an initialisation change its parameters for that one alone.
    #[must_use]
    pub fn new(model: Rc<Model>) -> Self {
        Self { model: Rc::clone(&model), base: model }
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

    fn initialize(&mut self, frame: &Frame, target: TargetBox, stream: u64) -> Result<Tracker, TrackerError> {
        let region = BoundingBox::new(target.x, target.y, target.width, target.height);
        self.model.initialize(frame, region, stream)
    }

    fn track(&mut self, tracker: &mut Tracker, frame: &Frame) -> Result<Answer, TrackerError> {
        let estimate = tracker.track(frame)?;
        let BoundingBox { x, y, width, height } = estimate.bounding_box;
        Ok(Answer {
            target: TargetBox { x, y, width, height },
            confidence: estimate.confidence,
            found: Some(estimate.success),
            probability: Some(estimate.probability),
        })
    }
}

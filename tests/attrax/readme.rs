//! The lines of README.md and docs/rust.md: `tests/python/test_page_code.py` compares them. They
//! are compiled and not run; `scripts/test-packages` runs the whole program of attrax-tracker's
//! front page.

use std::error::Error;

use attrax_tracker::{BoundingBox, Config, Estimate, Frame, Model, Parameters, Tracker, device, weights};
use tch::Kind;

#[allow(dead_code, clippy::needless_pass_by_value, reason = "the lines are compiled alone, as the page has them")]
fn lines(first_frame: Frame, next_frame: Frame) -> Result<Estimate, Box<dyn Error>> {
    let parameters = Parameters::from_file(&weights::embedded()?, Kind::Float, device("auto")?)?;
    let model = Model::new(&parameters, Config::default(), 2)?; // an Arc; two threads, any number of trackers
    let mut tracker = Tracker::new(&model, &first_frame, BoundingBox::new(198.0, 214.0, 34.0, 81.0))?;
    let estimate = tracker.track(&next_frame)?; // bounding_box, confidence, success, probability
    Ok(estimate)
}

//! attrax's own session around a core that never moves: reads every frame and refuses what `attrax serve` refuses.

use std::convert::Infallible;
use std::process::ExitCode;

use attrax::decode::{DecodeLimits, RgbImage};
use attrax::session::{Answer, Backend, PolygonBox, Session, TargetBox};
use attrax::trax::{ImageFormat, Metadata, RegionFormat, Server, run};

/// Follows nothing: a tracker is the box that it was given.
struct Still;

impl Backend for Still {
    type Frame = RgbImage;
    type Tracker = TargetBox;
    type Error = Infallible;

    fn frame(&mut self, image: RgbImage) -> Result<RgbImage, Infallible> {
        Ok(image)
    }

    fn initialize(&mut self, _: &RgbImage, target: TargetBox, _: u64) -> Result<TargetBox, Infallible> {
        Ok(target)
    }

    fn track(&mut self, target: &mut TargetBox, _: &RgbImage) -> Result<Answer, Infallible> {
        Ok(Answer { target: *target, confidence: 1.0 })
    }
}

fn main() -> ExitCode {
    let metadata = Metadata::new("still")
        .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask])
        .images(&[ImageFormat::Path, ImageFormat::Memory, ImageFormat::Buffer])
        .multi_object(std::env::args().any(|argument| argument == "--multi-object"));
    let mut session = Session::new(Still, PolygonBox::Bounding, DecodeLimits::default());
    let served =
        Server::from_environment(&metadata).map_err(Into::into).and_then(|mut server| run(&mut server, &mut session));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("still_session: {error}");
            ExitCode::FAILURE
        }
    }
}

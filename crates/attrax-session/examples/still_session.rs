//! attrax's own session around a core that never moves: reads every frame and refuses what `attrax
//! serve` refuses. With `--multi-object` it takes several objects, with `--delay SECONDS` it takes
//! its time for each answer.

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use attrax_session::decode::{DecodeLimits, RgbImage};
use attrax_session::{Answer, Backend, BoundingBox, PolygonBox, Session};
use trax::{ImageFormat, Metadata, RegionFormat, Server, run};

/// Follows nothing: a tracker is the box that it was given.
struct Still {
    delay: Duration,
}

impl Backend for Still {
    type Frame = RgbImage;
    type Tracker = BoundingBox;
    type Error = Infallible;

    fn frame(&mut self, image: RgbImage) -> Result<RgbImage, Infallible> {
        Ok(image)
    }

    fn initialize(&mut self, _: &RgbImage, target: BoundingBox, _: u64) -> Result<BoundingBox, Infallible> {
        sleep(self.delay);
        Ok(target)
    }

    fn track(&mut self, target: &mut BoundingBox, _: &RgbImage) -> Result<Answer, Infallible> {
        sleep(self.delay);
        Ok(Answer { target: *target, confidence: 1.0, found: None, probability: None })
    }
}

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("still_session: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let delay = match arguments.iter().skip_while(|argument| *argument != "--delay").nth(1) {
        Some(seconds) => Duration::try_from_secs_f64(seconds.parse()?)?,
        None => Duration::ZERO,
    };
    let metadata = Metadata::new("still")
        .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask])
        .images(&[ImageFormat::Path, ImageFormat::Memory, ImageFormat::Buffer])
        .multi_object(arguments.iter().any(|argument| argument == "--multi-object"));
    let mut server = Server::from_environment(&metadata)?;
    // A client that has gone needs no answer, however long it was to take.
    server.on_hang_up(|| std::process::exit(0))?;
    run(&mut server, &mut Session::new(Still { delay }, PolygonBox::Bounding, DecodeLimits::default()))?;
    Ok(())
}

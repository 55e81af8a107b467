//! What a frame costs between the client's bytes and the tracker, and back: `cargo bench
//! --no-default-features --features trax`.
//!
//! The client's bytes are in memory and the answers are thrown away, so that only the library is
//! measured; its pipes to libtrax are part of it.

use std::io::{self, Cursor};
use std::time::Instant;

use trax::{Image, ImageFormat, Limits, MemoryImage, Metadata, PixelFormat, Request, Server, Status, Transport};

fn main() {
    println!("{:<44} {:>12} {:>12}", "frame", "us a frame", "MB/s");
    let path = Image::Path("/data/sequence/color/00000001.jpg".into());
    measure("path", &path, "10,20,30,40", 20_000);
    for (name, width, height) in [("640 x 480", 640, 480), ("1920 x 1080", 1920, 1080)] {
        for (kind, format) in [("rgb", PixelFormat::Rgb), ("gray8", PixelFormat::Gray8)] {
            let data = (0..width * height * format.bytes() as u32).map(|index| (index * 31) as u8).collect();
            match MemoryImage::new(width, height, format, data) {
                Ok(image) => measure(&format!("{name} {kind} in memory"), &Image::Memory(image), "10,20,30,40", 40),
                Err(error) => println!("{name}: {error}"),
            }
        }
    }
    let runs = ",103,97".repeat(1000);
    measure("path, mask of 2,000 runs", &path, &format!("mask:0,0,200,1000{runs}"), 200);
}

/// Sends the same frame many times to a tracker that answers with the first region, and prints the
/// time for one.
fn measure(name: &str, image: &Image, region: &str, frames: usize) {
    let frame = [b"@@TRAX:frame \"", image.to_argument().as_slice(), b"\" \n"].concat();
    let mut bytes = format!("@@TRAX:initialize \"{region}\" \n").into_bytes();
    for _ in 0..frames {
        bytes.extend_from_slice(&frame);
    }
    let length = bytes.len();
    let metadata = Metadata::new("measured").images(&[ImageFormat::Path, ImageFormat::Memory]);
    let transport = Transport::from_streams(Cursor::new(bytes), io::sink());
    let begun = Instant::now();
    let served = Server::new(&metadata, transport, Limits::default()).and_then(|mut server| {
        let mut statuses = Vec::new();
        loop {
            match server.wait()? {
                Request::Initialize { objects, .. } => {
                    statuses = objects.into_iter().map(|object| Status::new(object.region).confidence(0.5)).collect();
                }
                Request::Frame { .. } => {}
                Request::Quit { .. } => return Ok(()),
            }
            server.reply(&statuses)?;
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    match served {
        Ok(()) => {
            let (each, rate) = (seconds / frames as f64 * 1e6, length as f64 / seconds / 1e6);
            println!("{name:<44} {each:>12.1} {rate:>12.0}");
        }
        Err(error) => println!("{name}: {error}"),
    }
}

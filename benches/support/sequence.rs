//! Sequences in the toolkit's format.

use std::path::Path;

use attrax_session::decode::{DecodeLimits, Depth, decode_file};
use attrax_session::{PolygonBox, target_box};
use attrax_tracker::{BoundingBox, Frame};
use trax::Region;

/// The target's box in the first frame, as `attrax serve` takes it from the polygon.
pub fn first_box(folder: &Path) -> BoundingBox {
    let text = std::fs::read_to_string(folder.join("groundtruth.txt")).expect("the sequence has ground truth");
    let region: Region = text.lines().next().and_then(|line| line.parse().ok()).expect("a region");
    target_box(&region, PolygonBox::default()).expect("a box")
}

/// A frame, numbered from 1.
pub fn frame(folder: &Path, number: usize) -> Frame {
    let path = folder.join(format!("color/{number:08}.jpg"));
    let image = decode_file(&path, &DecodeLimits::default(), &mut Depth::default()).expect("a frame");
    Frame::from_rgb8(image.width, image.height, image.pixels).expect("as many bytes as its size says")
}

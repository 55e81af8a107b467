//! Frames to work on: a chequered square that moves over waves, at any size.

use std::io::Cursor;

use attrax_tracker::{BoundingBox, Frame};
use image::{ImageFormat, RgbImage};

/// A frame of a size in pixels.
pub fn frame(size: (u32, u32), number: usize) -> Frame {
    let pixels = pixels(size, number);
    Frame::from_rgb8(size.0, size.1, pixels).expect("as many bytes as the size says")
}

/// The same frame as a JPEG file's bytes.
pub fn jpeg(size: (u32, u32), number: usize) -> Vec<u8> {
    let image = RgbImage::from_raw(size.0, size.1, pixels(size, number)).expect("as many bytes as the size says");
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Jpeg).expect("memory takes every file");
    bytes.into_inner()
}

/// Where the square is: a fifth of the frame's height wide, and within the frame for the first
/// dozen of numbers.
pub fn truth(size: (u32, u32), number: usize) -> BoundingBox {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let step = height / 40.0;
    BoundingBox::new(
        0.25 * width + step * number as f64,
        0.3 * height + 0.5 * step * number as f64,
        height / 5.0,
        height / 4.0,
    )
}

/// Boxes all over a frame and beyond its border, of about the square's size.
pub fn boxes(size: (u32, u32), count: usize) -> Vec<BoundingBox> {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let one = |i: usize| {
        let share = |step: f64| (i as f64 * step).fract();
        let centre = (width * (1.1 * share(0.618_034) - 0.05), height * (1.1 * share(0.754_878) - 0.05));
        BoundingBox::from_centre(centre, height * (0.15 + 0.1 * share(0.23)), height * (0.15 + 0.15 * share(0.37)))
    };
    (0..count).map(one).collect()
}

fn pixels(size: (u32, u32), number: usize) -> Vec<u8> {
    let (target, square) = (truth(size, number), f64::from(size.1) / 20.0);
    let mut pixels = Vec::with_capacity((size.0 * size.1 * 3) as usize);
    for y in 0..size.1 {
        for x in 0..size.0 {
            let (u, v) = (f64::from(x) + 0.5 - target.x, f64::from(y) + 0.5 - target.y);
            let inside = (0.0..target.width).contains(&u) && (0.0..target.height).contains(&v);
            let dark = ((u / square) as i32 + (v / square) as i32) % 2 == 0;
            let wave = (90.0 + 30.0 * ((f64::from(x) / 9.0).sin() + (f64::from(y) / 7.0).cos())) as u8;
            pixels.extend(match (inside, dark) {
                (true, true) => [200, 30, 30],
                (true, false) => [240, 220, 40],
                _ => [wave, wave.saturating_add((x * 31 + y * 17) as u8 % 23), wave],
            });
        }
    }
    pixels
}

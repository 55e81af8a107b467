//! Frames with boxes drawn.

use anyhow::Context;
use attrax_tracker::{Estimate, Frame};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use image::{Rgb, RgbImage};

use super::canvas::{Canvas, FOUND, LINE, LOST};

/// Colours of the second target and those after it.
const OTHERS: [Rgb888; 5] = [
    Rgb888::new(64, 200, 255),
    Rgb888::new(255, 96, 255),
    Rgb888::new(96, 255, 96),
    Rgb888::new(255, 160, 64),
    Rgb888::new(160, 160, 255),
];

/// Frame `number`, counted from 1, with the box of each target and its score; boxes of targets that were not found are yellow.
pub fn overlay(frame: &Frame, number: usize, targets: &[Estimate]) -> anyhow::Result<RgbImage> {
    let (width, height) = frame.size();
    let picture = RgbImage::from_raw(width, height, frame.pixels().to_vec()).context("the frame is incomplete")?;
    let mut canvas = Canvas(picture);
    for (target, estimate) in targets.iter().enumerate() {
        let own = target.checked_sub(1).map_or(FOUND, |other| OTHERS[other % OTHERS.len()]);
        let color = if estimate.success { own } else { LOST };
        outline(&mut canvas.0, *estimate, Rgb([color.r(), color.g(), color.b()]));
        let name = if targets.len() > 1 { format!("{}: ", target + 1) } else { String::new() };
        let b = estimate.bounding_box;
        let place = |start: f64, size: u32| start.round().clamp(0.0, f64::from(size.saturating_sub(LINE))) as u32;
        // Above the box.
        let at = (place(b.x, width), place(b.y - f64::from(LINE), height));
        canvas.label(at, &format!("{name}{:.2}", estimate.confidence), color);
    }
    canvas.label((0, height.saturating_sub(LINE)), &format!("#{number}"), Rgb888::WHITE);
    Ok(canvas.0)
}

/// A box of two pixels' thickness.
fn outline(picture: &mut RgbImage, estimate: Estimate, color: Rgb<u8>) {
    let (width, height) = picture.dimensions();
    let b = estimate.bounding_box;
    let (left, top) = (b.x.round() as i64, b.y.round() as i64);
    let (right, bottom) = ((b.x + b.width).round() as i64, (b.y + b.height).round() as i64);
    let mut dot = |x: i64, y: i64| {
        if (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y) {
            picture.put_pixel(x as u32, y as u32, color);
        }
    };
    for thickness in 0..2 {
        for x in left.max(0)..=right.min(i64::from(width)) {
            dot(x, top + thickness);
            dot(x, bottom - thickness);
        }
        for y in top.max(0)..=bottom.min(i64::from(height)) {
            dot(left + thickness, y);
            dot(right - thickness, y);
        }
    }
}

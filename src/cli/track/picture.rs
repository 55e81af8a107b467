//! Frames with the box drawn.

use anyhow::Context;
use attrax_tracker::{Estimate, Frame};
use image::{Rgb, RgbImage};

/// The frame with the box: red where the target was found, yellow where it was not.
pub fn overlay(frame: &Frame, estimate: Estimate) -> anyhow::Result<RgbImage> {
    let (width, height) = frame.size();
    let mut picture = RgbImage::from_raw(width, height, frame.pixels().to_vec()).context("the frame is incomplete")?;
    let color = if estimate.success { Rgb([255, 32, 32]) } else { Rgb([255, 220, 0]) };
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
    Ok(picture)
}

//! Frames with boxes drawn.

use anyhow::Context;
use attrax_tracker::{Estimate, Frame};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use image::RgbImage;

use super::canvas::{Canvas, FOUND, LINE, LOST, Tile};

/// Colours of the second target and those after it.
const OTHERS: [Rgb888; 7] = [
    Rgb888::new(64, 200, 255),
    Rgb888::new(255, 96, 255),
    Rgb888::new(96, 255, 96),
    Rgb888::new(255, 160, 64),
    Rgb888::new(160, 160, 255),
    Rgb888::new(0, 200, 170),
    Rgb888::new(255, 190, 220),
];

/// Frame `number`, counted from 1, with the box of each target that is followed in it and its
/// score; boxes of targets that were not found are yellow.
pub fn overlay(frame: &Frame, number: usize, targets: &[Option<Estimate>]) -> anyhow::Result<RgbImage> {
    let (width, height) = frame.size();
    let picture = RgbImage::from_raw(width, height, frame.pixels().to_vec()).context("the frame is incomplete")?;
    let (mut canvas, tile) = (Canvas(picture), Tile::frame((width, height)));
    for (target, estimate) in targets.iter().enumerate() {
        let Some(estimate) = estimate else { continue };
        let own = target.checked_sub(1).map_or(FOUND, |other| OTHERS[other % OTHERS.len()]);
        let color = if estimate.success { own } else { LOST };
        canvas.outline_box(&tile, estimate.bounding_box, color);
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

//! What one or two trackers saw in a frame, as a picture: a row for each tracker with its crop and
//! attention, its search window and scores, and the frame.

use attrax_tracker::{BoundingBox, CONTEXT, Estimate, Frame, Map, Maps};
use colorous::{INFERNO, VIRIDIS};
use image::RgbImage;
use trax::Region;

use super::canvas::{Canvas, FOUND, LOST, TRUTH, Tile, width_of};

/// Side of the two squares and height of the frame, pixels.
const SIDE: u32 = 256;
/// Height of the line above a row.
const LINE: u32 = 24;
/// Between two things.
const GAP: u32 = 8;
/// Share of a map of attention that its colours tell apart; the few values above have the last
/// colour.
const SHOWN: f64 = 0.99;
/// Width of a scale and its numbers.
const SCALE: u32 = 72;

/// What one tracker saw.
pub struct Row<'a> {
    /// The tracker's name.
    pub name: &'a str,
    /// What it says.
    pub estimate: Estimate,
    /// Overlap with the ground truth, where there is one.
    pub overlap: Option<f64>,
    /// Its maps of the box that it reported.
    pub maps: &'a Maps,
}

/// A map of a row, over the part of the frame that it is of.
#[derive(Clone, Copy)]
pub enum Sight {
    /// The attention over the crop.
    Attention,
    /// The scores over the search window.
    Scores,
}

/// The picture of frame `number`, counted from 1.
pub fn panel(frame: &Frame, number: usize, truth: Option<&Region>, rows: &[Row<'_>]) -> RgbImage {
    let width = GAP + 2 * (SIDE + GAP + SCALE) + width_of(SIDE, frame.size()) + GAP;
    let mut canvas = Canvas::new(width, rows.len() as u32 * (LINE + SIDE + GAP));
    for (place, row) in (0..).zip(rows) {
        let top = place * (LINE + SIDE + GAP);
        canvas.text((GAP, top + 6), &title(number, row));
        draw(&mut canvas, top + LINE, frame, truth, row);
    }
    canvas.0
}

/// What is said about a row.
fn title(number: usize, row: &Row<'_>) -> String {
    let Estimate { confidence, probability, success, .. } = row.estimate;
    let state = if success { "found" } else { "lost" };
    let inside = row.maps.inside.map(|inside| format!(", {:.0}% of attention inside", 100.0 * inside));
    let overlap = row.overlap.map(|overlap| format!(", overlap {overlap:.2}"));
    let (name, inside, overlap) = (row.name, inside.unwrap_or_default(), overlap.unwrap_or_default());
    format!("#{number} {name}: {state}, score {confidence:.2}, probability {probability:.3}{inside}{overlap}")
}

/// The three pictures of a row.
fn draw(canvas: &mut Canvas, top: u32, frame: &Frame, truth: Option<&Region>, row: &Row<'_>) {
    let mut left = GAP;
    for sight in [Sight::Attention, Sight::Scores] {
        sight.draw(canvas, (left, top), frame, truth, row);
        left += SIDE + GAP + SCALE;
    }
    let whole = Tile::whole((left, top), SIDE, frame.size());
    canvas.frame(&whole, frame, None);
    outlines(canvas, &whole, truth, row);
}

impl Sight {
    /// The map with its scale, as a picture of its own.
    pub fn picture(self, frame: &Frame, truth: Option<&Region>, row: &Row<'_>) -> RgbImage {
        let mut canvas = Canvas::new(SIDE + GAP + SCALE, SIDE);
        self.draw(&mut canvas, (0, 0), frame, truth, row);
        canvas.0
    }

    fn draw(self, canvas: &mut Canvas, (left, top): (u32, u32), frame: &Frame, truth: Option<&Region>, row: &Row<'_>) {
        let ([_, attention], [_, scores]) = (&row.maps.attention, &row.maps.scores);
        let grown = |factor: f64, area: BoundingBox| {
            BoundingBox::from_centre(area.centre(), area.width * factor, area.height * factor)
        };
        let (area, map, range, gradient, ends) = match self {
            Self::Attention => {
                let most = most_of(attention);
                let area = grown(1.0 + 2.0 * CONTEXT, row.estimate.bounding_box);
                (area, attention, (0.0, most), INFERNO, ["0".into(), format!("{most:.0e}")])
            }
            Self::Scores => {
                let (low, high) = range(scores);
                let area = grown(1.25, scores.area);
                (area, scores, (low, high), VIRIDIS, [low, high].map(|end| format!("{end:.1}")))
            }
        };
        let tile = Tile::within((left, top), SIDE, area);
        canvas.frame(&tile, frame, Some((map, range, gradient)));
        outlines(canvas, &tile, truth, row);
        canvas.scale((left + SIDE + GAP, top), SIDE, gradient, (&ends[0], &ends[1]));
    }
}

/// The box that was found and the one by hand, in a tile.
fn outlines(canvas: &mut Canvas, tile: &Tile, truth: Option<&Region>, row: &Row<'_>) {
    if let Some(truth) = truth {
        canvas.outline(tile, truth, TRUTH);
    }
    let Estimate { bounding_box, success, .. } = row.estimate;
    canvas.outline_box(tile, bounding_box, if success { FOUND } else { LOST });
}

/// The value that all but a few are below.
fn most_of(map: &Map) -> f32 {
    let mut values = map.values.clone();
    values.sort_unstable_by(f32::total_cmp);
    values.get((SHOWN * values.len() as f64) as usize).copied().unwrap_or_default()
}

/// The least and the greatest value of a map.
fn range(map: &Map) -> (f32, f32) {
    map.values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
}

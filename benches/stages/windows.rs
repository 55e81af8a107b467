//! The passes over windows of one frame: the search around the target, two other sizes, and the
//! background.

use std::hint::black_box;

use attrax_tracker::internals::backbone::{Backbone, Dense, View};
use attrax_tracker::{BoundingBox, Frame};

use super::block::blocks;

/// A window of a frame: pixels of a crop between its boxes, and boxes on each side of its middle.
struct Window {
    step: usize,
    radius: usize,
}

/// The default's, for a target as wide as high: the search reaches 1 mean side, the other sizes
/// 0.25, the background 1.5.
const WINDOWS: [Window; 4] = [
    Window { step: 8, radius: 11 },
    Window { step: 8, radius: 3 },
    Window { step: 8, radius: 3 },
    Window { step: 16, radius: 8 },
];

/// Side of the network's crop, pixels.
const SIDE: usize = 112;
/// Products of the first convolution for each of its positions, which are 2 pixels apart.
const STEM: usize = 3 * 3 * 3 * 32;

/// Floating-point operations of the passes, two for each product and sum.
pub fn operations() -> f64 {
    let of_window = |window: &Window| {
        let side = SIDE + 2 * window.radius * window.step;
        let stem = (side / 2).pow(2) * STEM;
        stem + blocks().iter().map(|block| block.products(side, window.step)).sum::<usize>()
    };
    2.0 * WINDOWS.iter().map(of_window).sum::<usize>() as f64
}

/// The passes, ready to run: those of other sizes go together.
pub fn work(backbone: &Backbone, frame: Frame, target: BoundingBox) -> Box<dyn FnMut()> {
    let [fine, coarse] = [8, 16].map(|step| Dense::new(backbone, step));
    let view = |number: usize| View { region: target, radius: (WINDOWS[number].radius, WINDOWS[number].radius) };
    let passes = [vec![view(0)], vec![view(1), view(2)], vec![view(3)]];
    Box::new(move || {
        for (dense, views) in [&fine, &fine, &coarse].into_iter().zip(&passes) {
            drop(black_box(dense.describe(&frame, views)));
        }
    })
}

//! Many boxes in one pass of the network, against a crop for each of them.

use attrax_tracker::internals::backbone::{Backbone, Dense, View};
use attrax_tracker::{BoundingBox, Frame};
use tch::Kind;

use crate::networks::{efficientnet, vgg_m};

/// Smooth waves of several lengths, so that a resampled picture is like the one it was resampled
/// from.
fn frame() -> Frame {
    let (width, height) = (320, 240);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (f64::from(x), f64::from(y));
            let red = 128.0 + 60.0 * (u / 9.0).sin() + 50.0 * (v / 14.0).cos();
            let green = 128.0 + 80.0 * ((u + v) / 11.0).sin();
            let blue = 128.0 + 70.0 * (u / 25.0).cos() * (v / 6.0).sin();
            pixels.extend([red as u8, green as u8, blue as u8]);
        }
    }
    Frame::from_rgb8(width, height, pixels).unwrap()
}

/// Relative distance between the features of views and those of a crop for each of their boxes.
fn difference(backbone: &Backbone, step: usize, views: &[View]) -> f64 {
    let frame = frame();
    let dense = Dense::new(backbone, step);
    let boxes: Vec<BoundingBox> = views.iter().flat_map(|view| dense.boxes(view)).collect();
    let apart = backbone.describe(&boxes.iter().map(|b| (&frame, *b)).collect::<Vec<_>>());
    let together = dense.describe(&frame, views);
    assert_eq!(together.size(), apart.size());
    ((together - &apart).norm() / apart.norm()).double_value(&[])
}

const VIEWS: [View; 2] = [
    View { region: BoundingBox::new(130.0, 90.0, 50.0, 40.0), radius: (3, 1) },
    // Its windows reach beyond the frame.
    View { region: BoundingBox::new(20.0, 150.0, 33.0, 71.0), radius: (0, 2) },
];

#[test]
fn a_network_that_pads_nothing_gives_the_same_features() {
    let _alone = crate::alone();
    let backbone = vgg_m(Kind::Float);
    for step in [4, 8, 16] {
        let error = difference(&backbone, step, &VIEWS);
        assert!(error < 1e-5, "boxes {step} px apart: {error:.1e}");
    }
}

#[test]
fn a_network_that_pads_sees_the_surroundings_instead_of_zeros() {
    let _alone = crate::alone();
    let backbone = efficientnet(Kind::Float);
    for step in [4, 8, 16] {
        let error = difference(&backbone, step, &VIEWS);
        println!("embedded network, boxes {step} px apart: relative difference {error:.3}");
        assert!((0.01..0.6).contains(&error), "boxes {step} px apart: {error:.3}");
    }
}

#[test]
fn boxes_of_a_view_lie_on_the_grid_of_the_crop() {
    let _alone = crate::alone();
    let backbone = efficientnet(Kind::Float);
    let dense = Dense::new(&backbone, 8);
    let view = VIEWS[0];
    let boxes = dense.boxes(&view);
    assert_eq!(boxes.len(), 7 * 3);
    assert_eq!(boxes[10], view.region, "the middle one");
    // A crop of 112 px shows the box and 16 / 107 of it on each side.
    let stride = 8.0 / 112.0 * 50.0 * (1.0 + 32.0 / 107.0);
    assert!((boxes[1].x - boxes[0].x - stride).abs() < 1e-9);
    assert!((boxes[7].y - boxes[0].y - stride * 40.0 / 50.0).abs() < 1e-9);
}

//! What the classifier sees in boxes of a frame: its attention, and its scores at the positions
//! around them.

use tch::{Device, Kind, Tensor};

use super::backbone::{Dense, View};
use super::crops::CONTEXT;
use super::engine::Engine;
use super::learning::attention::attention;
use super::learning::head::{BACKGROUND, Head, TARGET};
use super::learning::train::scores;
use super::{BoundingBox, Frame};
use crate::config::Form;

/// Pixels of a crop between the boxes of a score map.
const STEP: usize = 8;
/// Boxes of a score map to each side of the one in the middle: about one side of the box.
const RADIUS: usize = 10;

/// Numbers on a grid over a part of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Columns and rows.
    pub size: (usize, usize),
    /// `columns * rows` numbers, rows from the top.
    pub values: Vec<f32>,
    /// The part of the frame, pixels. Each number belongs to the middle of a cell, which is
    /// `area.width / columns` wide and `area.height / rows` high.
    pub area: BoundingBox,
}

/// The maps of one box. Of two, the first is of the background's score, the second of the target's.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    /// The box.
    pub region: BoundingBox,
    /// Attention: the gradient of the class's score at the first convolution's output, its positive
    /// part or its square as [`Form`] says, summed over channels. It covers the crop of the box,
    /// which is the box and 16/107 of the crop on each side.
    pub attention: [Map; 2],
    /// The class's score for a box of this size around each place of a grid of 21 x 21, 8 pixels of
    /// the crop apart, with this box in the middle.
    pub scores: [Map; 2],
    /// Share, 0 to 1, of the positive part of the gradient of the target's score that is inside the
    /// box; `None` if the gradient has no positive part. Attention evenly spread over the crop
    /// gives 0.59.
    pub inside: Option<f64>,
}

impl Map {
    /// The value in a column and a row.
    #[must_use]
    pub fn at(&self, column: usize, row: usize) -> f32 {
        self.values.get(row * self.size.0 + column).copied().unwrap_or(0.0)
    }

    /// Share of the sum of the values inside a box; cells cut by the box count in part. `None` if
    /// the sum is 0.
    #[must_use]
    pub fn share_inside(&self, region: BoundingBox) -> Option<f64> {
        let part = |cell: usize, cells: usize, (from, length): (f64, f64), (low, high): (f64, f64)| {
            let side = length / cells as f64;
            let start = from + cell as f64 * side;
            (((start + side).min(high) - start.max(low)) / side).clamp(0.0, 1.0)
        };
        let ((columns, rows), area) = (self.size, self.area);
        let (mut inside, mut all) = (0.0, 0.0);
        for row in 0..rows {
            let high = part(row, rows, (area.y, area.height), (region.y, region.y + region.height));
            for column in 0..columns {
                let wide = part(column, columns, (area.x, area.width), (region.x, region.x + region.width));
                let value = f64::from(self.at(column, row));
                inside += value * wide * high;
                all += value;
            }
        }
        (all > 0.0).then(|| inside / all)
    }

    /// A map of a tensor `(rows, columns)`.
    fn of(tensor: &Tensor, area: BoundingBox) -> Self {
        let tensor = tensor.to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
        let mut values = vec![0.0; tensor.numel()];
        let count = values.len();
        tensor.copy_data(&mut values, count);
        Self { size: (tensor.size()[1] as usize, tensor.size()[0] as usize), values, area }
    }
}

/// The classifier of a target, as it is now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classifier<'a> {
    pub engine: &'a Engine,
    pub head: &'a Head,
}

impl Classifier<'_> {
    /// What it sees in a box of a frame.
    pub fn maps(&self, frame: &Frame, region: BoundingBox) -> Maps {
        let (backbone, form) = (&self.engine.backbone, self.engine.config.attention.form);
        let mut linearization = backbone.linearize_boxes(&[(frame, region)]);
        let gradients = self.head.score_with_gradients(linearization.features(), None).gradients;
        let mut maps = |form| {
            let maps = attention(&mut linearization, &gradients, form);
            let area = self.area_of_attention(region, maps.size()[3]);
            [BACKGROUND, TARGET].map(|class| Map::of(&maps.get(class).get(0), area))
        };
        let attention = maps(form);
        let positive = if form == Form::Paper { attention.clone() } else { maps(Form::Paper) };
        let [_, of_target] = &positive;
        Maps { region, inside: of_target.share_inside(region), scores: self.score_maps(frame, region), attention }
    }

    /// The part of a frame that the first convolution's output for a box covers, `side` cells along
    /// each axis.
    fn area_of_attention(&self, region: BoundingBox, side: i64) -> BoundingBox {
        let backbone = &self.engine.backbone;
        let (first, step) = backbone.first_cells(side);
        // From pixels of the crop to those of the frame.
        let pixels = backbone.format().size as f64;
        let (wide, high) = (region.width * (1.0 + 2.0 * CONTEXT), region.height * (1.0 + 2.0 * CONTEXT));
        let (start, length) = ((first - step / 2.0) / pixels - 0.5, side as f64 * step / pixels);
        let (cx, cy) = region.centre();
        BoundingBox::new(cx + start * wide, cy + start * high, length * wide, length * high)
    }

    fn score_maps(&self, frame: &Frame, region: BoundingBox) -> [Map; 2] {
        let engine = self.engine;
        let dense = Dense::new(&engine.backbone, STEP);
        let view = View { region, radius: (RADIUS, RADIUS) };
        let in_one_pass = engine.grids.is_some() || !engine.backbone.pads();
        let features = if in_one_pass {
            dense.describe(frame, &[view])
        } else {
            engine.backbone.describe_in(frame, &dense.boxes(&view))
        };
        let side = 2 * RADIUS as i64 + 1;
        let scores = scores(self.head, &engine.backbone, &engine.config, &features).view([side, side, 2]);
        let (dx, dy) = dense.stride(region);
        let area = BoundingBox::from_centre(region.centre(), side as f64 * dx, side as f64 * dy);
        [BACKGROUND, TARGET].map(|class| Map::of(&scores.select(2, class), area))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::backbone::{Backbone, Parameters};
    use super::super::crops::crop;
    use super::super::learning::attention;
    use super::super::{Config, Model, Tracker};
    use super::*;

    const REGION: BoundingBox = BoundingBox::new(40.0, 36.0, 30.0, 44.0);

    fn frame(bright: Option<(usize, usize)>) -> Frame {
        let pixels = (0..160 * 120usize).flat_map(|place| {
            let value = if bright == Some((place % 160, place / 160)) { 255 } else { (place * place / 7 % 97) as u8 };
            [value, value / 2, 255 - value]
        });
        Frame::from_rgb8(160, 120, pixels.collect()).unwrap()
    }

    fn model(change: impl Fn(&mut Config)) -> Arc<Model> {
        let mut config = Config::released();
        (config.initial_samples.positives, config.initial_samples.negatives) = (8, 16);
        (config.update_samples.positives, config.update_samples.negatives) = (4, 8);
        (config.batch_positives, config.batch_negatives, config.mined_from) = (4, 4, 8);
        (config.candidates, config.regression_samples) = (16, 16);
        config.initial_training.iterations = 3;
        change(&mut config);
        let file = crate::weights::embedded().unwrap();
        let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
        Model::new(&parameters, config, 1).unwrap()
    }

    #[test]
    fn attention_is_the_gradient_that_autograd_gives() {
        for form in [Form::Released, Form::Paper] {
            let model = model(|config| config.attention.form = form);
            let frame = frame(None);
            let tracker = Tracker::new(&model, &frame, REGION).unwrap();
            let maps = tracker.maps(&frame, &[REGION]).unwrap().remove(0);
            let backbone = model.engine().backbone;
            let crops = crop(&frame, &[REGION], backbone.format(), Device::Cpu);
            let first = backbone.first_convolution(&crops).detach().set_requires_grad(true);
            for class in [BACKGROUND, TARGET] {
                let score = tracker
                    .classifier()
                    .head
                    .scores(&backbone.features_of_first_convolution(&first))
                    .select(1, class)
                    .sum(None);
                let gradient = Tensor::run_backward(&[&score], &[&first], false, false).remove(0);
                let expected = attention::map_of(&gradient, form).get(0);
                let found = Tensor::from_slice(&maps.attention[class as usize].values).view_as(&expected);
                let error = (&found - &expected).norm() / expected.norm();
                // Both add in another order, which may carry a number over a limit of ReLU6.
                assert!(error.double_value(&[]) < 1e-2, "{form:?}, class {class}: {error:?}");
            }
            let inside = maps.inside.unwrap();
            assert!(inside > 0.0 && inside <= 1.0, "{inside}");
        }
    }

    #[test]
    fn attention_lies_where_the_pixels_are() {
        let model = model(|_| {});
        let tracker = Tracker::new(&model, &frame(None), REGION).unwrap();
        for bright in [(45, 40), (60, 70), (50, 55)] {
            let [before, after] = [None, Some(bright)].map(|bright| {
                let crops = crop(&frame(bright), &[REGION], model.engine().backbone.format(), Device::Cpu);
                model.engine().backbone.first_convolution(&crops)
            });
            let change = (after - before).abs().sum_dim_intlist([1i64].as_slice(), false, None::<Kind>).get(0);
            let map = Map::of(&change, tracker.classifier().area_of_attention(REGION, change.size()[1]));
            let (columns, rows) = map.size;
            let cells = (0..columns * rows).map(|cell| (cell % columns, cell / columns, f64::from(map.values[cell])));
            let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
            for (column, row, value) in cells {
                x += value * (map.area.x + (column as f64 + 0.5) * map.area.width / columns as f64);
                y += value * (map.area.y + (row as f64 + 0.5) * map.area.height / rows as f64);
                sum += value;
            }
            let (dx, dy) = (x / sum - bright.0 as f64 - 0.5, y / sum - bright.1 as f64 - 0.5);
            assert!(dx.abs() < 0.35 && dy.abs() < 0.5, "{bright:?}: {dx:.2}, {dy:.2} pixels off");
        }
    }

    #[test]
    fn score_maps_are_the_scores_of_boxes() {
        let model = model(|_| {});
        let frame = frame(None);
        let tracker = Tracker::new(&model, &frame, REGION).unwrap();
        let [background, target] = tracker.maps(&frame, &[REGION]).unwrap().remove(0).scores;
        let (width, height) = (target.area.width / 21.0, target.area.height / 21.0);
        for (column, row) in [(10, 10), (0, 0), (20, 3)] {
            let centre = (target.area.x + (column as f64 + 0.5) * width, target.area.y + (row as f64 + 0.5) * height);
            let region = BoundingBox::from_centre(centre, REGION.width, REGION.height);
            let expected = tracker.classifier().head.scores(&model.engine().backbone.describe_in(&frame, &[region]));
            for (class, map) in [(0, &background), (1, &target)] {
                let difference = f64::from(map.at(column, row)) - expected.double_value(&[0, class]);
                assert!(difference.abs() < 1e-4, "{column}, {row}: {difference}");
            }
        }
    }

    #[test]
    fn a_network_that_is_on_a_grid_is_asked_in_one_pass() {
        let model = model(|config| config.grid = 8);
        let frame = frame(None);
        let tracker = Tracker::new(&model, &frame, REGION).unwrap();
        let maps = tracker.maps(&frame, &[REGION, REGION]).unwrap();
        assert_eq!(maps[0], maps[1]);
        assert_eq!(maps[0].scores[1].size, (21, 21));
        assert!(tracker.maps(&frame, &[BoundingBox::new(500.0, 0.0, 9.0, 9.0)]).is_err());
        assert!(Backbone::embedded().pads());
    }

    #[test]
    fn shares_count_parts_of_cells() {
        let map = Map { size: (2, 2), values: vec![1.0, 1.0, 2.0, 0.0], area: BoundingBox::new(0.0, 0.0, 4.0, 4.0) };
        assert_eq!(map.share_inside(BoundingBox::new(0.0, 0.0, 4.0, 4.0)), Some(1.0));
        assert_eq!(map.share_inside(BoundingBox::new(0.0, 2.0, 1.0, 2.0)), Some(0.25));
        assert_eq!(Map { values: vec![0.0; 4], ..map }.share_inside(REGION), None);
    }
}

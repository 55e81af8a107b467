//! The box head: a small network, trained on videos, that finds the target's edges in the
//! surroundings of a box, given what the target's box held in the first frame.
//!
//! It does not learn online. The target conditions it as in ATOM (Danelljan et al., CVPR 2019): a
//! gate for each channel from the mean of the first frame's box, and the similarity of each place
//! to nine parts of that box. Each edge is the mean of a distribution over rows or columns, so that
//! an edge moves as the planes move. The head also says how far off it expects each edge to be, and
//! how much its box overlaps the target.

use tch::{Kind, Tensor};

use crate::backbone::{Backbone, Parameters, Planes};
use crate::config::BoxHead as Settings;
use crate::profile::{self, Stage};
use crate::{BoundingBox, Frame, TrackerError};

/// Side of the crop that the head sees, pixels; a box takes 0.54 of it.
const SIDE: usize = 160;
/// Cells of a side of the last planes, the first cell of a box, and its cells.
const CELLS: i64 = 10;
const BOX_CELLS: (i64, i64) = (2, 6);
/// Brings the features to a deviation of about 1.
const GAIN: f64 = 0.2;
/// Channels of the head, and of the planes of stride 8.
const CHANNELS: i64 = 32;
const FINE: i64 = 40;
/// Bring the spreads and the places of the edges to a deviation of about 1.
const SUMMARY_GAINS: (f64, f64) = (5.0, 2.0);
/// Parts of the first frame's box, 3 x 3, and the weight of a similarity.
const PARTS: i64 = 3;
const SIMILARITY: f64 = 4.0;
/// Names of the tensors in a file of weights start with this.
const PREFIX: &str = "boxes";

/// A convolution's or a layer's weight and bias.
#[derive(Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
}

impl Layer {
    fn load(parameters: &Parameters, name: &str, shape: &[i64]) -> Result<Self, TrackerError> {
        Ok(Self {
            weight: parameters.tensor(&format!("{PREFIX}.{name}.weight"), shape)?.to_kind(Kind::Float),
            bias: parameters.tensor(&format!("{PREFIX}.{name}.bias"), &shape[..1])?.to_kind(Kind::Float),
        })
    }

    /// The same layer for another thread, its weights shared.
    fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone() }
    }

    /// The product with vectors, `(n, inputs)`.
    fn multiply(&self, vectors: &Tensor) -> Tensor {
        vectors.linear(&self.weight, Some(&self.bias))
    }

    /// The convolution of planes, as large as they are.
    fn convolve(&self, planes: &Tensor) -> Tensor {
        let padding = self.weight.size().last().map_or(0, |side| side / 2);
        planes.conv2d(&self.weight, Some(&self.bias), 1, [padding, padding], 1, 1)
    }
}

/// The box head.
#[derive(Debug)]
pub(crate) struct BoxHead {
    search: Layer,
    similar: Layer,
    gate: Layer,
    first: Layer,
    second: Layer,
    fine: Layer,
    third: Layer,
    edges: Layer,
    hidden: Layer,
    sure: Layer,
}

/// What the head finds in the surroundings of a box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The target's box, pixels.
    pub region: BoundingBox,
    /// The distance that the head expects between its left, top, right and bottom edge and the
    /// target's, as shares of the box's sides.
    pub errors: [f64; 4],
    /// The overlap that it expects of its box with the target.
    pub quality: f64,
}

/// What the head knows of a target, from its first frame.
#[derive(Debug)]
pub(crate) struct Target {
    /// Factor of each channel, `(1, channels, 1, 1)`.
    gate: Tensor,
    /// Parts of the box, of length 1: `(parts, channels)`.
    parts: Tensor,
}

impl Found {
    /// Edges that are between this box's and the regressed one's, nearer to the surer ones.
    pub fn joined(&self, regressed: BoundingBox, settings: &Settings) -> BoundingBox {
        let edges = |b: BoundingBox| [b.x, b.y, b.x + b.width, b.y + b.height];
        let (own, other) = (edges(self.region), edges(regressed));
        let [left, top, right, bottom] = std::array::from_fn(|edge| {
            let share = settings.weight * trust(self.errors[edge], settings.error);
            other[edge] + share * (own[edge] - other[edge])
        });
        let joined = BoundingBox::new(left, top, right - left, bottom - top);
        if joined.is_valid() { joined } else { regressed }
    }

    /// The box's sides moved towards those of another, as far as this one is sure of them.
    pub fn followed(&self, region: BoundingBox, other: BoundingBox, settings: &Settings) -> BoundingBox {
        let [left, top, right, bottom] = self.errors;
        let follow = |side: f64, other: f64, errors: (f64, f64)| {
            let sure = self.quality * trust(f64::midpoint(errors.0, errors.1), settings.error);
            side * (other / side).powf(settings.feedback * sure)
        };
        let (width, height) = (region.width, region.height);
        let sides = (follow(width, other.width, (left, right)), follow(height, other.height, (top, bottom)));
        BoundingBox::from_centre(region.centre(), sides.0, sides.1)
    }
}

/// Weight of an edge with an expected error, next to one with another error; 1 if that is 0, for
/// unknown.
fn trust(error: f64, other: f64) -> f64 {
    if other == 0.0 { 1.0 } else { other.powi(2) / (other.powi(2) + error.powi(2)) }
}

impl BoxHead {
    /// The head in a file of weights, if it has one for this network.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if a tensor is missing or misshapen.
    pub fn load(parameters: &Parameters, planes: i64) -> Result<Option<Self>, TrackerError> {
        if !parameters.has(&format!("{PREFIX}.search.weight")) {
            return Ok(None);
        }
        let layer = |name: &str, shape: &[i64]| Layer::load(parameters, name, shape);
        Ok(Some(Self {
            search: layer("search", &[CHANNELS, planes, 1, 1])?,
            similar: layer("similar", &[CHANNELS, planes, 1, 1])?,
            gate: layer("gate", &[CHANNELS, planes])?,
            first: layer("first", &[CHANNELS, 2 * CHANNELS + PARTS * PARTS, 3, 3])?,
            second: layer("second", &[CHANNELS, CHANNELS, 3, 3])?,
            fine: layer("fine", &[CHANNELS, FINE, 1, 1])?,
            third: layer("third", &[CHANNELS, 2 * CHANNELS, 3, 3])?,
            edges: layer("edges", &[4, CHANNELS, 1, 1])?,
            hidden: layer("hidden", &[CHANNELS, 2 * CHANNELS + 8])?,
            sure: layer("sure", &[5, CHANNELS])?,
        }))
    }

    /// The same head for another thread, its weights shared.
    pub fn share(&self) -> Self {
        Self {
            search: self.search.share(),
            similar: self.similar.share(),
            gate: self.gate.share(),
            first: self.first.share(),
            second: self.second.share(),
            fine: self.fine.share(),
            third: self.third.share(),
            edges: self.edges.share(),
            hidden: self.hidden.share(),
            sure: self.sure.share(),
        }
    }

    /// What the head has to know of a target, from its box in the first frame.
    pub fn target(&self, backbone: &Backbone, frame: &Frame, region: BoundingBox) -> Target {
        self.condition(&backbone.planes(frame, region, SIDE).last)
    }

    /// The target's box in the surroundings of a box, or `None` where nothing is left of it.
    pub fn find(&self, backbone: &Backbone, frame: &Frame, region: BoundingBox, target: &Target) -> Option<Found> {
        let Planes { fine, last, part } = backbone.planes(frame, region, SIDE);
        let [left, top, right, bottom, errors @ .., quality] = self.edges(&last, &fine, target)?;
        let (wide, high) = (right - left, bottom - top);
        let (x, y) = (part.x + left * part.width, part.y + top * part.height);
        let region = BoundingBox::new(x, y, wide * part.width, high * part.height);
        let sides = [wide, high, wide, high];
        let errors = std::array::from_fn(|edge| errors[edge].exp() / sides[edge]);
        region.is_valid().then_some(Found { region, errors, quality: (1.0 + (-quality).exp()).recip() })
    }

    /// What the head has to know, from planes `(1, planes, 10, 10)` around the first box.
    fn condition(&self, planes: &Tensor) -> Target {
        let _span = profile::span(Stage::Regression);
        let (start, count) = BOX_CELLS;
        let inside = (planes * GAIN).narrow(2, start, count).narrow(3, start, count);
        let mean = inside.mean_dim([2, 3].as_slice(), false, None::<Kind>);
        let gate = self.gate.multiply(&mean).sigmoid() * 2.0;
        let parts = self.similar.convolve(&inside).adaptive_avg_pool2d([PARTS, PARTS]).flatten(2, 3);
        Target { gate: gate.unsqueeze(2).unsqueeze(3), parts: of_length_one(&parts).squeeze_dim(0).tr() }
    }

    /// In the last planes `(1, planes, 10, 10)` and the finer ones `(1, 40, 20, 20)`: the left,
    /// top, right and bottom edge, as shares of their sides; the logarithms of the errors expected
    /// of them; and the overlap expected, before the logistic function.
    fn edges(&self, planes: &Tensor, fine: &Tensor, target: &Target) -> Option<[f64; 9]> {
        let _span = profile::span(Stage::Regression);
        let planes = planes * GAIN;
        let search = self.search.convolve(&planes).relu();
        let cells = of_length_one(&self.similar.convolve(&planes)).flatten(2, 3).squeeze_dim(0);
        let similarity = (target.parts.matmul(&cells) * SIMILARITY).view([1, -1, CELLS, CELLS]);
        let joined = Tensor::cat(&[&search, &(&search * &target.gate), &similarity], 1);
        let first = self.first.convolve(&joined).relu();
        let second = self.second.convolve(&first).relu() + first;
        let count = 2 * CELLS;
        let coarse = second.upsample_bilinear2d([count, count], false, None::<f64>, None::<f64>);
        let joined = Tensor::cat(&[&coarse, &self.fine.convolve(&(fine * GAIN)).relu()], 1);
        let third = self.third.convolve(&joined).relu() + coarse;
        let maps = self.edges.convolve(&third).squeeze_dim(0);
        let along = |axis: i64| maps.mean_dim([axis].as_slice(), false, None::<Kind>);
        // Left and right are distributions over columns, top and bottom over rows.
        let (columns, rows) = (along(1), along(2));
        let each = [columns.get(0), rows.get(1), columns.get(2), rows.get(3)];
        let shares = Tensor::stack(&each, 0).softmax(1, Kind::Float);
        let middles = (Tensor::arange(count, (Kind::Float, planes.device())) + 0.5) / count as f64;
        let moment = |powers: &Tensor| (&shares * powers).sum_dim_intlist([1].as_slice(), false, None::<Kind>);
        let edges = moment(&middles);
        let spread = (moment(&middles.square()) - edges.square()).clamp_min(1e-8).sqrt();
        let plane = [2, 3].as_slice();
        let (mean, most) = (third.mean_dim(plane, false, None::<Kind>), third.amax(plane, false));
        let (of_spread, of_edge) = SUMMARY_GAINS;
        let where_and_how_wide = Tensor::cat(&[spread * of_spread, &edges * of_edge], 0).unsqueeze(0);
        let summary = Tensor::cat(&[mean, most, where_and_how_wide], 1);
        let sure = self.sure.multiply(&self.hidden.multiply(&summary).relu()).squeeze_dim(0);
        Vec::<f64>::try_from(Tensor::cat(&[edges, sure], 0).to_kind(Kind::Double)).ok()?.try_into().ok()
    }
}

/// The same vectors along the channels, axis 1, of length 1.
fn of_length_one(planes: &Tensor) -> Tensor {
    let squares = planes.square().sum_dim_intlist([1].as_slice(), true, None::<Kind>);
    planes / squares.sqrt().clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    /// Planes that both this test and the script that made its numbers compute.
    fn planes(step: f64, channels: i64, side: i64) -> Tensor {
        let count = (channels * side * side) as i32;
        let numbers: Vec<f32> = (0..count).map(|i| (3.0 * (step * f64::from(i)).sin()) as f32).collect();
        Tensor::from_slice(&numbers).view([1, channels, side, side])
    }

    #[test]
    fn edges_errors_and_quality_are_those_of_the_python_network() {
        let file = crate::weights::embedded().unwrap();
        let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
        let head = BoxHead::load(&parameters, 112).unwrap().unwrap();
        let target = head.condition(&planes(0.11, 112, 10));
        let found = head.edges(&planes(0.37, 112, 10), &planes(0.23, FINE, 20), &target).unwrap();
        // From `BoxHead` of `attrax_vot.training.box_head` with the embedded weights.
        let expected =
            [0.285_002, 0.252_737, 0.686_754, 0.670_56, -2.259_874, -2.155_491, -2.007_949, -2.130_592, -3.416_296];
        for (number, expected) in found.iter().zip(expected) {
            assert!((number - expected).abs() < 1e-4, "{found:?}");
        }
        assert!(BoxHead::load(&parameters, 111).is_err());
    }

    #[test]
    fn a_surer_edge_weighs_more() {
        let regressed = BoundingBox::new(10.0, 10.0, 20.0, 20.0);
        let region = BoundingBox::new(20.0, 20.0, 20.0, 40.0);
        let found = Found { region, errors: [0.0, 0.04, 1e3, 0.04], quality: 0.5 };
        let settings = Settings { weight: 1.0, error: 0.04, feedback: 1.0, passes: 1, required: true };
        // The left edge is sure, the right one unknown, the others as good as the regressed ones.
        let joined = found.joined(regressed, &settings);
        for (number, expected) in [(joined.x, 20.0), (joined.y, 15.0), (joined.width, 10.0), (joined.height, 30.0)] {
            assert!((number - expected).abs() < 1e-6, "{joined}");
        }
        let alike = found.joined(regressed, &Settings { weight: 0.5, error: 0.0, ..settings });
        assert_eq!(alike, BoundingBox::new(15.0, 15.0, 20.0, 30.0));
        // The height follows by the power of half the quality; the width does not.
        let followed = found.followed(regressed, joined, &settings);
        assert_eq!(followed.centre(), regressed.centre());
        assert!((followed.width - 20.0).abs() < 1e-3 && (followed.height - 20.0 * 1.5_f64.powf(0.25)).abs() < 1e-6);
    }

    #[test]
    fn weights_without_a_box_head_track_without_it_unless_it_is_set() {
        let file = crate::weights::embedded().unwrap();
        let plain = crate::weights::WeightFile {
            tensors: file.tensors.into_iter().filter(|(name, _)| !name.starts_with("boxes.")).collect(),
            ..file
        };
        let parameters = Parameters::from_file(&plain, Kind::Float, Device::Cpu).unwrap();
        assert!(crate::Model::new(&parameters, crate::Config::attrax(), 1).is_ok());
        let config = crate::Config::attrax().with_toml("box_head.weight = 1.0").unwrap();
        let error = crate::Model::new(&parameters, config, 1).unwrap_err().to_string();
        assert!(error.contains("box_head.weight = 1") && error.contains("boxes."), "{error}");
    }
}

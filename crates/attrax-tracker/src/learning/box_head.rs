//! The box head: a small network, trained on videos, that finds the target's edges in the
//! surroundings of a box, given what the target's box held in the first frame.
//!
//! It does not learn online. The target conditions it as in ATOM (Danelljan et al., CVPR 2019): a
//! gate for each channel from the mean of the first frame's box, and the similarity of each place
//! to nine parts of that box. Each edge is the mean of a distribution over rows or columns, so that
//! an edge moves as the planes move.

use tch::{Kind, Tensor};

use crate::backbone::{Backbone, Parameters};
use crate::profile::{self, Stage};
use crate::{BoundingBox, Frame, TrackerError};

/// Side of the crop that the head sees, pixels; a box takes 0.54 of it.
const SIDE: usize = 160;
/// Cells of a side of the planes, the first cell of a box, and its cells.
const CELLS: i64 = 10;
const BOX_CELLS: (i64, i64) = (2, 6);
/// Brings the features to a deviation of about 1.
const GAIN: f64 = 0.2;
/// Channels of the head.
const CHANNELS: i64 = 32;
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
    edges: Layer,
}

/// What the head knows of a target, from its first frame.
#[derive(Debug)]
pub(crate) struct Target {
    /// Factor of each channel, `(1, channels, 1, 1)`.
    gate: Tensor,
    /// Parts of the box, of length 1: `(parts, channels)`.
    parts: Tensor,
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
            edges: layer("edges", &[4, CHANNELS, 1, 1])?,
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
            edges: self.edges.share(),
        }
    }

    /// What the head has to know of a target, from its box in the first frame.
    pub fn target(&self, backbone: &Backbone, frame: &Frame, region: BoundingBox) -> Target {
        let (planes, _) = backbone.planes(frame, region, SIDE);
        self.condition(&planes)
    }

    /// The target's box in the surroundings of a box, or `None` where nothing is left of it.
    pub fn find(
        &self,
        backbone: &Backbone,
        frame: &Frame,
        region: BoundingBox,
        target: &Target,
    ) -> Option<BoundingBox> {
        let (planes, part) = backbone.planes(frame, region, SIDE);
        let [left, top, right, bottom] = self.edges(&planes, target)?;
        let (x, y) = (part.x + left * part.width, part.y + top * part.height);
        let found = BoundingBox::new(x, y, (right - left) * part.width, (bottom - top) * part.height);
        found.is_valid().then_some(found)
    }

    /// What the head has to know, from planes `(1, planes, 10, 10)` around the first box.
    fn condition(&self, planes: &Tensor) -> Target {
        let _span = profile::span(Stage::Regression);
        let (start, count) = BOX_CELLS;
        let inside = (planes * GAIN).narrow(2, start, count).narrow(3, start, count);
        let mean = inside.mean_dim([2, 3].as_slice(), false, None::<Kind>);
        let gate = (mean.linear(&self.gate.weight, Some(&self.gate.bias))).sigmoid() * 2.0;
        let parts = self.similar.convolve(&inside).adaptive_avg_pool2d([PARTS, PARTS]).flatten(2, 3);
        Target { gate: gate.unsqueeze(2).unsqueeze(3), parts: of_length_one(&parts).squeeze_dim(0).tr() }
    }

    /// The left, top, right and bottom edge, as shares of the side of planes `(1, planes, 10, 10)`.
    fn edges(&self, planes: &Tensor, target: &Target) -> Option<[f64; 4]> {
        let _span = profile::span(Stage::Regression);
        let planes = planes * GAIN;
        let search = self.search.convolve(&planes).relu();
        let cells = of_length_one(&self.similar.convolve(&planes)).flatten(2, 3).squeeze_dim(0);
        let similarity = (target.parts.matmul(&cells) * SIMILARITY).view([1, -1, CELLS, CELLS]);
        let joined = Tensor::cat(&[&search, &(&search * &target.gate), &similarity], 1);
        let first = self.first.convolve(&joined).relu();
        let maps = self.edges.convolve(&(self.second.convolve(&first).relu() + first)).squeeze_dim(0);
        // Left and right are distributions over columns, top and bottom over rows.
        let along = |edge: i64, axis: i64| {
            let shares = maps.select(0, edge).mean_dim([axis].as_slice(), false, None::<Kind>).softmax(0, Kind::Float);
            let middles = (Tensor::arange(CELLS, (Kind::Float, planes.device())) + 0.5) / CELLS as f64;
            (shares * middles).sum(Kind::Float)
        };
        let edges = Tensor::stack(&[along(0, 0), along(1, 1), along(2, 0), along(3, 1)], 0);
        Vec::<f64>::try_from(edges.to_kind(Kind::Double)).ok()?.try_into().ok()
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
    fn planes(step: f64) -> Tensor {
        let numbers: Vec<f32> = (0..112 * 100).map(|i| (3.0 * (step * f64::from(i)).sin()) as f32).collect();
        Tensor::from_slice(&numbers).view([1, 112, 10, 10])
    }

    #[test]
    fn the_edges_are_those_of_the_python_network() {
        let file = crate::weights::embedded().unwrap();
        let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
        let head = BoxHead::load(&parameters, 112).unwrap().unwrap();
        let edges = head.edges(&planes(0.37), &head.condition(&planes(0.11))).unwrap();
        // From `BoxHead` of `attrax_vot.training.box_head` with the embedded weights.
        let expected = [0.384_838, 0.425_752, 0.616_489, 0.580_106];
        for (edge, expected) in edges.iter().zip(expected) {
            assert!((edge - expected).abs() < 1e-4, "{edges:?}");
        }
        assert!(BoxHead::load(&parameters, 111).is_err());
    }

    #[test]
    fn weights_without_a_box_head_are_refused_by_name() {
        let file = crate::weights::embedded().unwrap();
        let plain = crate::weights::WeightFile {
            tensors: file.tensors.into_iter().filter(|(name, _)| !name.starts_with("boxes.")).collect(),
            ..file
        };
        let parameters = Parameters::from_file(&plain, Kind::Float, Device::Cpu).unwrap();
        let config = crate::Config::attrax().with_value("box_head.weight", "1").unwrap();
        let error = crate::Model::new(&parameters, config, 1).unwrap_err().to_string();
        assert!(error.contains("box_head.weight = 1") && error.contains("boxes."), "{error}");
    }
}

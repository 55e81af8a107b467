//! Networks of MatConvNet and of MDNet's authors, inside MATLAB files.
//!
//! A network is a cell `layers`, on its own or as a field of a struct `net`, with a struct for each
//! layer: `name`, `type`, and for a convolution either `weights` (a cell of filters and biases) or,
//! before MatConvNet's beta 9, the fields `filters` and `biases`. Filters are ordered height, width,
//! input, output in column-major order and are applied without flipping, to RGB.

use std::collections::BTreeMap;
use std::io::Read;

use super::array::{Array, elements};
use super::error::Fault;
use super::lrn::Lrn;
use super::matlab::{self, Limits, Value};

/// What a network's file holds, under its own names: `<layer>.weight` and `<layer>.bias`.
pub(super) struct Network {
    /// Weights as output, input, height, width.
    pub(super) tensors: BTreeMap<String, Array>,
    /// The layers whose weights were too large to be wanted, with the weights' shapes.
    pub(super) skipped: BTreeMap<String, Vec<usize>>,
    /// The response normalisation, where the file has such layers.
    pub(super) lrn: Option<Lrn>,
}

/// Reads a network from a MATLAB file.
///
/// # Errors
/// [`Fault`] where the file is damaged, holds no network, or its layers contradict each other.
pub(super) fn parse(input: impl Read, limits: Limits) -> Result<Network, Fault> {
    let layers = matlab::parse(input, limits)?
        .into_iter()
        .find_map(|(name, value)| if name == "layers" { Some(value) } else { value.into_field("layers") })
        .ok_or_else(|| Fault::new("it holds no variable or field 'layers'"))?;
    let Value::Cell(layers) = layers else {
        return Err(Fault::new("'layers' is not a cell array, as in MatConvNet's simple networks"));
    };
    let mut network = Network { tensors: BTreeMap::new(), skipped: BTreeMap::new(), lrn: None };
    let mut convolutions = 0;
    for layer in layers {
        if matches!(text(layer.field("type")), Some("normalize" | "lrn")) {
            network.normalisation(&layer)?;
            continue;
        }
        let name = text(layer.field("name")).unwrap_or_default().to_owned();
        let Some((filters, biases)) = weights(layer) else {
            continue;
        };
        convolutions += 1;
        let name = if name.is_empty() { format!("conv{convolutions}") } else { name };
        network.convolution(&name, filters, biases)?;
    }
    Ok(network)
}

impl Network {
    fn normalisation(&mut self, layer: &Value) -> Result<(), Fault> {
        let Some(Value::Numbers { data, .. }) = layer.field("param") else {
            return Err(Fault::new("a normalisation layer without 'param'"));
        };
        // MatConvNet's order; its alpha, too, is not divided by the size.
        let &[size, kappa, alpha, beta] = data.as_slice() else {
            return Err(Fault::new(format!("a normalisation layer with {} parameters", data.len())));
        };
        let lrn = Lrn::new(f64::from(size), f64::from(kappa), f64::from(alpha), f64::from(beta))
            .ok_or_else(|| Fault::new(format!("a normalisation layer with parameters {data:?}")))?;
        if self.lrn.is_some_and(|other| other != lrn) {
            return Err(Fault::new("normalisation layers that differ from each other"));
        }
        self.lrn = Some(lrn);
        Ok(())
    }

    fn convolution(&mut self, name: &str, filters: Value, biases: Value) -> Result<(), Fault> {
        let weight = format!("{name}.weight");
        match filters {
            Value::Numbers { shape, data } => {
                let array = to_row_major(&shape, &data).map_err(|fault| match fault {
                    Fault::Malformed(reason) => Fault::new(format!("layer '{name}': {reason}")),
                    io @ Fault::Io(_) => io,
                })?;
                self.tensors.insert(weight, array);
            }
            Value::Skipped { shape } => {
                self.skipped.insert(weight, four_sizes(&shape).map_or(shape, reordered));
            }
            _ => {
                return Err(Fault::new(format!("layer '{name}' has filters that are no numbers")));
            }
        }
        if let Value::Numbers { data, .. } = biases {
            // A row or a column, depending on the version that wrote it.
            self.tensors.insert(format!("{name}.bias"), Array { shape: vec![data.len()], data });
        }
        Ok(())
    }
}

/// Filters and biases of a layer, where it has any.
fn weights(layer: Value) -> Option<(Value, Value)> {
    if layer.field("weights").is_some() {
        // An empty array instead of a cell in some layers without weights.
        let Some(Value::Cell(items)) = layer.into_field("weights") else {
            return None;
        };
        let mut items = items.into_iter();
        return Some((items.next()?, items.next()?));
    }
    let biases = layer.field("biases")?.clone();
    Some((layer.into_field("filters")?, biases))
}

fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Height, width, input, output; MATLAB drops trailing dimensions of size one.
fn four_sizes(shape: &[usize]) -> Option<[usize; 4]> {
    let mut sizes = [1; 4];
    sizes.get_mut(..shape.len())?.copy_from_slice(shape);
    Some(sizes)
}

/// The sizes as output, input, height, width.
fn reordered([height, width, input, output]: [usize; 4]) -> Vec<usize> {
    vec![output, input, height, width]
}

/// Column-major filters (height, width, input, output) as a row-major array (output, input, height, width).
fn to_row_major(shape: &[usize], data: &[f32]) -> Result<Array, Fault> {
    let sizes = four_sizes(shape).ok_or_else(|| Fault::new(format!("filters with {} dimensions", shape.len())))?;
    if elements(&sizes) != Some(data.len()) {
        return Err(Fault::new(format!("filters of shape {shape:?} with {} numbers", data.len())));
    }
    let [height, width, input, output] = sizes;
    let mut rows = Vec::with_capacity(data.len());
    for filter in 0..output * input {
        // Input varies faster than output in the file, and output is the outer one here.
        let plane = &data[filter * height * width..][..height * width];
        for row in 0..height {
            rows.extend((0..width).map(|column| plane[row + height * column]));
        }
    }
    Ok(Array { shape: reordered(sizes), data: rows })
}

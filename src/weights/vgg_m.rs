//! VGG-M's convolutions under their canonical names.

use std::collections::BTreeMap;

use super::array::Array;
use super::error::WeightsError;
use super::file::WeightFile;
use super::lrn::Lrn;

/// The `architecture` in the metadata of VGG-M's weights.
pub const VGG_M: &str = "vgg-m";

/// Names and shapes of VGG-M's convolutions: output, input, height, width for weights.
pub const VGG_M_TENSORS: [(&str, &[usize]); 6] = [
    ("conv1.weight", &[96, 3, 7, 7]),
    ("conv1.bias", &[96]),
    ("conv2.weight", &[256, 96, 5, 5]),
    ("conv2.bias", &[256]),
    ("conv3.weight", &[512, 256, 3, 3]),
    ("conv3.bias", &[512]),
];

/// The canonical name of a tensor of a state dict, and whether it is written as py-MDNet does.
///
/// `conv1.weight` is what it says; py-MDNet's layers are sequences, so there it is `conv1.0.weight`. Both may stand
/// inside other dictionaries or modules.
pub(super) fn canonical_name(name: &str) -> Option<(&'static str, bool)> {
    VGG_M_TENSORS.iter().find_map(|&(canonical, _)| {
        let (layer, part) = canonical.split_once('.')?;
        let rest = name.strip_suffix(part)?.strip_suffix('.')?;
        let (rest, sequence) = rest.strip_suffix(".0").map_or((rest, false), |rest| (rest, true));
        let outside = rest.strip_suffix(layer)?;
        (outside.is_empty() || outside.ends_with('.')).then_some((canonical, sequence))
    })
}

/// Gives tensors their canonical names; also tells whether any was named as py-MDNet does.
///
/// # Errors
/// The two tensors that stand for one, as a sentence.
pub(super) fn rename(tensors: BTreeMap<String, Array>) -> Result<(BTreeMap<String, Array>, bool), String> {
    let mut renamed: BTreeMap<String, Array> = BTreeMap::new();
    let mut origins: BTreeMap<&str, String> = BTreeMap::new();
    let mut sequences = false;
    for (name, array) in tensors {
        let Some((canonical, sequence)) = canonical_name(&name) else {
            continue;
        };
        if let Some(other) = origins.insert(canonical, name.clone()) {
            return Err(format!("both '{other}' and '{name}' could be {canonical}"));
        }
        sequences |= sequence;
        renamed.insert(canonical.into(), array);
    }
    Ok((renamed, sequences))
}

impl WeightFile {
    /// Checks that the file holds VGG-M's three convolutions, in their shapes and with finite values, and that its
    /// metadata do not say otherwise.
    ///
    /// # Errors
    /// [`WeightsError::Missing`], [`WeightsError::Shape`], [`WeightsError::NotFinite`] or [`WeightsError::Metadata`].
    pub fn expect_vgg_m(&self) -> Result<(), WeightsError> {
        self.expect_architecture(VGG_M)?;
        for (name, shape) in VGG_M_TENSORS {
            self.tensor(name, shape)?;
        }
        self.lrn().map(|_| ())
    }

    /// The response normalisation that the weights were trained with: what the metadata say, or
    /// [`Lrn::VGG_M`] where they do not say anything.
    ///
    /// # Errors
    /// [`WeightsError::Metadata`] where the metadata's parameters are incomplete or make no sense.
    pub fn lrn(&self) -> Result<Lrn, WeightsError> {
        Ok(Lrn::recorded(&self.metadata, &self.path)?.unwrap_or(Lrn::VGG_M))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_source_are_found() {
        for (name, expected) in [
            ("conv1.weight", Some(("conv1.weight", false))),
            ("shared_layers.conv2.0.bias", Some(("conv2.bias", true))),
            ("module.layers.conv3.0.weight", Some(("conv3.weight", true))),
            ("conv1.1.weight", None),
            ("myconv1.weight", None),
            ("conv1.weight.extra", None),
            ("conv4.weight", None),
            ("fc4.0.weight", None),
            ("conv1.running_weight", None),
            ("", None),
        ] {
            assert_eq!(canonical_name(name), expected, "{name}");
        }
    }

    #[test]
    fn two_tensors_for_one_are_refused() {
        let array = Array { shape: vec![0], data: Vec::new() };
        let names = ["a.conv1.weight", "b.conv1.0.weight"];
        let error = rename(names.iter().map(|name| ((*name).into(), array.clone())).collect()).unwrap_err();
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
    }
}

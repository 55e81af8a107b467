//! The crate's own format: the embedded network, round trips and errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use attrax::weights::{self, Array, WeightFile, WeightsError};

use crate::scratch::Scratch;

fn sample() -> WeightFile {
    let mut tensors = BTreeMap::new();
    for (name, shape) in [("conv1.weight", vec![4, 3, 2, 2]), ("conv1.bias", vec![4]), ("scalar", vec![])] {
        let count = shape.iter().product();
        let data = (0..count).map(|i| i as f32 * 0.25 - 1.0).collect();
        tensors.insert(name.to_owned(), Array { shape, data });
    }
    let metadata = BTreeMap::from([("architecture".to_owned(), "vgg-m".to_owned())]);
    WeightFile { path: PathBuf::new(), tensors, metadata }
}

#[test]
fn the_embedded_network_has_every_layer() {
    let weights = weights::embedded().unwrap();
    let mut expected = BTreeMap::from([("stem".to_owned(), vec![32, 3, 3, 3])]);
    let groups = [(1, 16, 3, 1), (2, 24, 3, 6), (2, 40, 5, 6), (3, 80, 3, 6), (3, 112, 5, 6)];
    let (mut inputs, mut block) = (32, 0);
    for (repeats, outputs, kernel, expansion) in groups {
        for _ in 0..repeats {
            let width = inputs * expansion;
            if expansion != 1 {
                expected.insert(format!("blocks.{block}.expand"), vec![width, inputs, 1, 1]);
            }
            expected.insert(format!("blocks.{block}.depthwise"), vec![width, 1, kernel, kernel]);
            expected.insert(format!("blocks.{block}.project"), vec![outputs, width, 1, 1]);
            inputs = outputs;
            block += 1;
        }
    }
    assert_eq!(weights.tensors.len(), 2 * expected.len());
    for (layer, shape) in expected {
        weights.tensor(&format!("{layer}.weight"), &shape).unwrap();
        weights.tensor(&format!("{layer}.bias"), &shape[..1]).unwrap();
    }
    weights.expect_architecture(weights::EFFICIENTNET_LITE0).unwrap();
    assert_eq!(weights.metadata["license"], "Apache-2.0");
}

#[test]
fn what_is_written_is_read_back() {
    let scratch = Scratch::new("round-trip");
    let (path, sample) = (scratch.file("w.safetensors"), sample());
    sample.write(&path).unwrap();
    let read = WeightFile::read(&path).unwrap();
    assert_eq!(read.tensors, sample.tensors);
    assert_eq!(read.metadata, sample.metadata);
    let left: Vec<_> = std::fs::read_dir(&scratch.0).unwrap().collect();
    assert_eq!(left.len(), 1, "a partial file was left behind: {left:?}");
}

#[test]
fn errors_name_file_tensor_and_shapes() {
    let scratch = Scratch::new("errors");
    let path = scratch.file("w.safetensors");
    let mut sample = sample();
    if let Some(bias) = sample.tensors.get_mut("conv1.bias") {
        bias.data[1] = f32::NAN;
    }
    sample.write(&path).unwrap();
    let read = WeightFile::read(&path).unwrap();
    for (name, shape, fragments) in [
        ("conv2.weight", vec![1], ["conv2.weight", "missing", "conv1.bias"]),
        ("conv1.weight", vec![96, 3, 7, 7], ["conv1.weight", "[4, 3, 2, 2]", "[96, 3, 7, 7]"]),
        ("conv1.bias", vec![4], ["conv1.bias", "1 value", "not finite"]),
    ] {
        let message = read.tensor(name, &shape).unwrap_err().to_string();
        for fragment in fragments.into_iter().chain([path.to_str().unwrap()]) {
            assert!(message.contains(fragment), "{message:?} lacks {fragment:?}");
        }
        assert!(!message.contains('\n'));
    }
    let error = read.expect_architecture(weights::EFFICIENTNET_LITE0).unwrap_err();
    assert!(error.to_string().contains("vgg-m"), "{error}");
}

#[test]
fn what_is_no_file_is_refused() {
    let scratch = Scratch::new("no-file");
    for path in [scratch.0.as_path(), Path::new("/dev/null"), &scratch.file("absent")] {
        let error = WeightFile::read(path).unwrap_err();
        assert!(matches!(error, WeightsError::Io { .. }), "{error}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let scratch = Scratch::new("truncation");
    let path = scratch.file("w.safetensors");
    sample().write(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        let result = WeightFile::from_safetensors(&whole[..length], &path);
        assert!(matches!(result, Err(WeightsError::Malformed { .. })), "{length} bytes pass");
    }
}

#[test]
fn text_of_a_file_cannot_break_a_message_into_lines() {
    let mut sample = sample();
    let array = sample.tensors["conv1.bias"].clone();
    sample.tensors.insert(format!("@@TRAX:quit\n{}", "x".repeat(1000)), array);
    sample.metadata.insert("architecture".into(), "one\r\ntwo".into());
    for error in [
        sample.tensor("conv9.weight", &[1]).unwrap_err(),
        sample.tensor("no\nname", &[1]).unwrap_err(),
        sample.expect_architecture("vgg-m").unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(!message.contains(['\n', '\r']) && message.len() < 600, "{message:?}");
    }
}

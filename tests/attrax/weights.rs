//! Files of weights: the embedded network, every precision, damaged files, and the formats that are
//! converted first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use attrax_tracker::internals::backbone::{BlockShape, Parameters};
use attrax_tracker::weights::{self, WeightFile, WeightsError};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView};
use tch::{Device, Kind};

/// A folder that is removed with its content.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("attrax-weights-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file with the numbers -1.5 and 0.25 in every precision, and two integers.
fn sample() -> Vec<u8> {
    let numbers = [-1.5_f64, 0.25];
    let bytes: [(&str, Dtype, Vec<u8>); 5] = [
        ("half", Dtype::F16, numbers.iter().flat_map(|&n| f16::from_f64(n).to_le_bytes()).collect()),
        ("brain", Dtype::BF16, numbers.iter().flat_map(|&n| bf16::from_f64(n).to_le_bytes()).collect()),
        ("single", Dtype::F32, numbers.iter().flat_map(|&n| (n as f32).to_le_bytes()).collect()),
        ("double", Dtype::F64, numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
        ("integers", Dtype::U8, vec![1, 2]),
    ];
    let views = bytes.iter().map(|(name, kind, data)| (*name, TensorView::new(*kind, vec![2, 1], data).unwrap()));
    let metadata = [("architecture".to_owned(), "vgg-m".to_owned())].into();
    safetensors::serialize(views.collect::<Vec<_>>(), Some(metadata)).unwrap()
}

#[test]
fn the_embedded_network_has_every_layer() {
    let weights = weights::embedded().unwrap();
    let mut expected = BTreeMap::from([("stem".to_owned(), vec![32, 3, 3, 3])]);
    let parameters = Parameters::from_file(&weights, Kind::Float, Device::Cpu).unwrap();
    let blocks = BlockShape::of(&parameters).unwrap();
    assert_eq!(blocks.len(), 11);
    for (number, block) in blocks.iter().enumerate() {
        let [input, middle, output, kernel] =
            [block.input, block.middle, block.output, block.kernel].map(|length| length as usize);
        if block.expands() {
            expected.insert(format!("blocks.{number}.expand"), vec![middle, input, 1, 1]);
        }
        expected.insert(format!("blocks.{number}.depthwise"), vec![middle, 1, kernel, kernel]);
        expected.insert(format!("blocks.{number}.project"), vec![output, middle, 1, 1]);
    }
    // What was trained on videos: the last six blocks, fc4 and fc5.
    let trained = expected.iter().filter(|(layer, _)| (5..11).any(|b| layer.starts_with(&format!("blocks.{b}."))));
    let mut trained: Vec<_> = trained.map(|(layer, shape)| (format!("videos.{layer}"), shape.clone())).collect();
    trained.extend([("videos.fc4".to_owned(), vec![512, 1008]), ("videos.fc5".to_owned(), vec![512, 512])]);
    assert_eq!(trained.len(), 20);
    expected.extend(trained);
    // The box head.
    let boxes: [(&str, &[usize]); 10] = [
        ("search", &[32, 112, 1, 1]),
        ("similar", &[32, 112, 1, 1]),
        ("gate", &[32, 112]),
        ("first", &[32, 73, 3, 3]),
        ("second", &[32, 32, 3, 3]),
        ("fine", &[32, 40, 1, 1]),
        ("third", &[32, 64, 3, 3]),
        ("edges", &[4, 32, 1, 1]),
        ("hidden", &[32, 72]),
        ("sure", &[5, 32]),
    ];
    expected.extend(boxes.map(|(layer, shape)| (format!("boxes.{layer}"), shape.to_vec())));
    assert_eq!(weights.tensors.len(), 2 * expected.len());
    for (layer, shape) in expected {
        let (weight, bias) = (&weights.tensors[&format!("{layer}.weight")], &weights.tensors[&format!("{layer}.bias")]);
        assert_eq!((&weight.shape, bias.shape.as_slice()), (&shape, &shape[..1]), "{layer}");
        assert_eq!(weight.data.len(), shape.iter().product::<usize>(), "{layer}");
        assert!(weight.data.iter().chain(&bias.data).all(|value| value.is_finite()), "{layer}");
    }
    assert_eq!(weights.metadata["architecture"], weights::EFFICIENTNET_LITE0);
    assert_eq!(weights.metadata["license"], "Apache-2.0");
}

#[test]
fn every_precision_is_read_and_integers_are_left_out() {
    let scratch = Scratch::new("precisions");
    let path = scratch.0.join("w.safetensors");
    std::fs::write(&path, sample()).unwrap();
    let read = WeightFile::read(&path).unwrap();
    assert_eq!(read.tensors.keys().collect::<Vec<_>>(), ["brain", "double", "half", "single"]);
    for (name, array) in read.tensors {
        assert_eq!(
            (array.shape.as_slice(), array.data.as_slice()),
            ([2, 1].as_slice(), [-1.5, 0.25].as_slice()),
            "{name}"
        );
    }
    assert_eq!(read.metadata["architecture"], "vgg-m");
}

#[test]
fn every_truncation_is_an_error_of_one_line() {
    let (whole, path) = (sample(), Path::new("w.safetensors"));
    for length in 0..whole.len() {
        let error = WeightFile::from_safetensors(&whole[..length], path).unwrap_err();
        assert!(matches!(error, WeightsError::Malformed { .. }), "{length} bytes: {error}");
        let text = error.to_string();
        assert!(text.starts_with("w.safetensors: ") && !text.contains('\n'), "{text:?}");
    }
}

#[test]
fn other_formats_are_told_with_the_command_that_converts_them() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weights");
    for (name, format) in [
        ("mdnet-zip.pth", "PyTorch"),
        ("mdnet-old.pth", "PyTorch"),
        ("new-plain.mat", "MATLAB"),
        ("old-compressed.mat", "MATLAB"),
    ] {
        let path = data.join(name);
        let text = WeightFile::read(&path).unwrap_err().to_string();
        let command = format!("is a {format} file; convert it with: attrax-vot weights convert {}", path.display());
        assert!(text.contains(&command), "{text}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let scratch = Scratch::new("no-file");
    for path in [scratch.0.as_path(), Path::new("/dev/null"), &scratch.0.join("absent")] {
        let error = WeightFile::read(path).unwrap_err();
        assert!(matches!(error, WeightsError::Io { .. }), "{error}");
    }
}

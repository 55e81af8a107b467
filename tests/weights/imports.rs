//! What scipy and `torch.save` wrote, read back: the small files that travel with the tests, and VGG-M's real
//! shapes, written anew by the interpreter that `ATTRAX_PYTHON` names.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use attrax::weights::{Array, Format, Lrn, VGG_M_TENSORS, WeightFile, WeightsError};

use crate::scratch::{Scratch, tiny};

/// Shapes in the small files.
const TINY: [(&str, &[usize]); 6] = [
    ("conv1.weight", &[4, 3, 2, 3]),
    ("conv1.bias", &[4]),
    ("conv2.weight", &[3, 4, 3, 2]),
    ("conv2.bias", &[3]),
    ("conv3.weight", &[1, 3, 2, 1]),
    ("conv3.bias", &[1]),
];

/// The numbers that `make_weights.py` puts into the tensors of these shapes.
fn expected(shapes: &[(&str, &[usize])]) -> BTreeMap<String, Array> {
    let tensor = |(seed, (name, shape)): (usize, &(&str, &[usize]))| {
        let count: usize = shape.iter().product();
        let data = (0..count).map(|i| ((i * 7 + seed * 131) % 2003) as f32 / 64.0 - 1001.0 / 64.0).collect();
        ((*name).to_owned(), Array { shape: shape.to_vec(), data })
    };
    shapes.iter().enumerate().map(tensor).collect()
}

/// The tensors of `found` whose names end as the canonical ones, under these.
fn by_suffix(found: &BTreeMap<String, Array>) -> BTreeMap<String, Array> {
    let short = |name: &str| name.trim_start_matches("shared_layers.").replace(".0.", ".");
    let kept = found.iter().filter(|(name, _)| name.contains("conv"));
    kept.map(|(name, array)| (short(name), array.clone())).collect()
}

#[test]
fn every_number_of_every_format_arrives_in_its_place() {
    let files = [
        ("new-plain.mat", Format::Matlab),
        ("new-compressed.mat", Format::Matlab),
        ("old-plain.mat", Format::Matlab),
        ("old-compressed.mat", Format::Matlab),
        ("mdnet-plain.mat", Format::Matlab),
        ("mdnet-compressed.mat", Format::Matlab),
        ("mdnet-zip.pth", Format::TorchZip),
        ("mdnet-old.pth", Format::TorchOld),
        ("views-zip.pth", Format::TorchZip),
        ("views-old.pth", Format::TorchOld),
        ("float64-zip.pth", Format::TorchZip),
        ("float64-old.pth", Format::TorchOld),
        ("float16-zip.pth", Format::TorchZip),
        ("float16-old.pth", Format::TorchOld),
        ("protocol4-zip.pth", Format::TorchZip),
    ];
    for (name, format) in files {
        let inspection = WeightFile::inspect(&tiny(name)).unwrap();
        assert_eq!(inspection.format, format, "{name}");
        assert_eq!(by_suffix(&inspection.file.tensors), expected(&TINY), "{name}");
    }
}

#[test]
fn bfloat16_arrives_to_its_precision() {
    for name in ["bfloat16-zip.pth", "bfloat16-old.pth"] {
        let found = WeightFile::inspect(&tiny(name)).unwrap().file.tensors;
        for (tensor, array) in expected(&TINY) {
            // Python rounds halves to even numbers, and the file holds whole numbers.
            let rounded: Vec<f32> = array.data.iter().map(|value| value.round_ties_even()).collect();
            assert_eq!(found[&tensor].data, rounded, "{name}: {tensor}");
        }
    }
}

#[test]
fn inspection_shows_what_reading_passes_over() {
    let found = WeightFile::inspect(&tiny("mdnet-zip.pth")).unwrap().file.tensors;
    assert_eq!(found["shared_layers.fc4.0.weight"].shape, [6, 5]);
    assert!(!found.keys().any(|name| name.contains("num_batches")), "integers are no weights");
    let matlab = WeightFile::inspect(&tiny("new-plain.mat")).unwrap().file;
    assert_eq!(matlab.lrn().unwrap(), Lrn::VGG_M);
    assert_eq!(matlab.metadata["lrn.alpha"], "0.0001");
}

#[test]
fn small_networks_are_refused_by_shape() {
    for name in ["new-plain.mat", "old-compressed.mat", "mdnet-zip.pth", "mdnet-old.pth", "float16-zip.pth"] {
        let error = WeightFile::read(&tiny(name)).unwrap_err();
        let WeightsError::Shape { name: tensor, expected, found, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!((tensor.as_str(), expected.as_slice(), found.as_slice()), {
            ("conv1.weight", [96, 3, 7, 7].as_slice(), [4, 3, 2, 3].as_slice())
        });
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// Files of VGG-M's real shapes, or `None` where there is no interpreter to write them.
fn full(name: &str) -> Option<Scratch> {
    let Some(python) = std::env::var_os("ATTRAX_PYTHON") else {
        eprintln!("SKIPPED: ATTRAX_PYTHON names no Python with numpy, scipy and torch");
        return None;
    };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python/make_weights.py");
    let scratch = Scratch::new(name);
    let status = Command::new(python).arg(script).arg("full").arg(&scratch.0).status().unwrap();
    assert!(status.success(), "the files could not be written");
    Some(scratch)
}

#[test]
fn real_shapes_are_read_converted_and_refused() {
    let Some(files) = full("full") else { return };
    let tensors = expected(&VGG_M_TENSORS);
    for (name, lrn) in [
        ("vgg-m-plain.mat", Lrn::VGG_M),
        ("vgg-m-compressed.mat", Lrn::VGG_M),
        ("mdnet-compressed.mat", Lrn::VGG_M),
        ("mdnet-zip.pth", Lrn::PY_MDNET),
        ("mdnet-old.pth", Lrn::PY_MDNET),
        ("plain-zip.pth", Lrn::VGG_M),
        ("plain-old.pth", Lrn::VGG_M),
    ] {
        let read = WeightFile::read(&files.file(name)).unwrap();
        assert!(read.tensors == tensors, "{name}: other numbers");
        assert_eq!(read.lrn().unwrap(), lrn, "{name}");
        let converted = files.file("converted.safetensors");
        read.write(&converted).unwrap();
        let again = WeightFile::read(&converted).unwrap();
        again.expect_vgg_m().unwrap();
        assert!(again.tensors == tensors, "{name}: other numbers after conversion");
        assert_eq!(again.lrn().unwrap(), lrn, "{name} after conversion");
        assert!(again.metadata["source"].contains(name), "{:?}", again.metadata);
    }
    for extension in ["mat", "pth"] {
        let refused = |name: &str| WeightFile::read(&files.file(&format!("{name}.{extension}"))).unwrap_err();
        let wrong = refused("wrong");
        assert!(matches!(&wrong, WeightsError::Shape { name, .. } if name == "conv2.weight"), "{wrong}");
        let missing = refused("missing");
        assert!(matches!(&missing, WeightsError::Missing { name, .. } if name == "conv3.weight"), "{missing}");
        assert!(missing.to_string().contains("conv2"), "{missing}");
        let infinite = refused("infinite");
        assert!(matches!(&infinite, WeightsError::NotFinite { name, .. } if name == "conv1.weight"), "{infinite}");
    }
}

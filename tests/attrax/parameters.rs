//! Every parameter at its ends and far beyond them: refused with a sentence, or tracked with.

use std::collections::BTreeMap;
use std::sync::Arc;

use attrax_tracker::internals::backbone::{Backbone, Parameters};
use attrax_tracker::{BoundingBox, Config, Explanation, Frame, Model, Tracker, TrackerError};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

/// Values that no parameter may have, or few: each is tried for every key.
const ODD: [&str; 17] = [
    "0",
    "-1",
    "-0.0",
    "0.5",
    "1e300",
    "1e12",
    "-1e300",
    "5e-324",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "18446744073709551615",
    "",
    "a word",
    "1\nx = 2",
    "1 # x",
];

/// Parameters with which the tracker starts and answers within a moment.
fn quick() -> Config {
    Config::attrax().with_toml(include_str!("../data/quick.toml")).unwrap().with_value("grid", "0").unwrap()
}

/// The first and the last value of a range, or all of its words.
fn ends(parameter: &Explanation) -> Vec<String> {
    let words: Vec<&str> = parameter.range.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let after = |word: &str| words[words.iter().position(|found| *found == word).unwrap() + 1].to_string();
    match words.as_slice() {
        ["true", "or", "false"] => vec!["true".into(), "false".into()],
        ["one", "of", all @ ..] => all.iter().map(ToString::to_string).collect(),
        ["two", ..] => vec![format!("[{0}, {0}]", after("from")), format!("[{}, {}]", after("from"), after("to"))],
        ["0", ..] => vec!["0".into(), after("from"), after("to")],
        _ => vec![after("from"), after("to")],
    }
}

/// A bright square before a pattern; the square is gone in the last frame.
fn frame(number: usize) -> Frame {
    let near = |place: usize, middle: usize| place.abs_diff(middle) < 8;
    let bright = |i: usize| number < 2 && near(i / 3 % 80, 34 + 2 * number) && near(i / 240, 30);
    let pixels = (0..60 * 80 * 3).map(|i| if bright(i) { 220 } else { (i * i / 7 % 97) as u8 });
    Frame::from_rgb8(80, 60, pixels.collect()).unwrap()
}

/// Tracks through a frame with the target and one without it.
fn run(model: &Arc<Model>) -> Result<(), TrackerError> {
    let mut tracker = Tracker::new(model, &frame(0), BoundingBox::new(26.0, 22.0, 16.0, 16.0))?;
    for number in 1..3 {
        let estimate = tracker.track(&frame(number))?;
        assert!(estimate.bounding_box.is_valid() && estimate.confidence.is_finite(), "{estimate:?}");
    }
    Ok(())
}

/// An error is one short line that names the parameter.
fn assert_told(error: &TrackerError, key: &str) {
    let text = error.to_string();
    assert!(text.contains(key) && !text.contains('\n') && text.len() < 1000, "{key}: {text}");
}

#[test]
fn every_parameter_at_its_ends_tracks_and_beyond_them_is_refused() {
    let _alone = crate::alone();
    let file = attrax_tracker::weights::embedded().unwrap();
    let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
    let base = Model::new(&parameters, quick(), 2).unwrap();
    let (mut refused, mut tried) = (0, Vec::<Config>::new());
    for parameter in quick().explain().unwrap() {
        let key = parameter.key;
        let ends = ends(&parameter);
        for value in ODD.into_iter().map(String::from).chain(ends.clone()) {
            let set = quick().with_value(key, &value);
            let inside = ends.contains(&value);
            assert!(!inside || set.is_ok(), "{key} = {value}: {:?}", set.err());
            match set.and_then(|config| config.validate().map(|()| config)) {
                Ok(config) if !tried.contains(&config) => {
                    // A crop for each of so many boxes takes a minute; on the grid there are not so
                    // many.
                    let many = parameter.range.starts_with("a whole number") && key.contains("samples");
                    let of_grids = ["windows", "_grid", "background"].iter().any(|part| key.contains(part));
                    let on_grid = many || of_grids || key == "candidates";
                    let config = if on_grid { config.with_value("grid", "8").unwrap() } else { config };
                    let start = std::time::Instant::now();
                    let result = base.with_config(config.clone()).and_then(|model| run(&model));
                    assert!(result.is_ok(), "{key} = {value}: {}", result.unwrap_err());
                    if start.elapsed().as_secs_f64() > 1.0 {
                        println!("{key} = {value}: {:.1} s", start.elapsed().as_secs_f64());
                    }
                    tried.push(config);
                }
                Ok(_) => {}
                Err(error) => {
                    assert_told(&error, key);
                    refused += 1;
                }
            }
        }
    }
    println!("{refused} values are refused, {} tracked with", tried.len());
    assert!(refused > 700 && tried.len() > 120, "{refused} refused, {} tracked with", tried.len());
}

#[test]
fn spreads_at_their_ends_track_on_the_grid_too() {
    let _alone = crate::alone();
    let file = attrax_tracker::weights::embedded().unwrap();
    let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
    let on_grid = quick().with_value("grid", "8").unwrap();
    let base = Model::new(&parameters, on_grid.clone(), 2).unwrap();
    let mut farthest = on_grid.clone();
    for parameter in on_grid.explain().unwrap() {
        let key = parameter.key;
        if key.starts_with("spreads.") || ["scale", "scale_reach", "failure.translation"].contains(&key) {
            farthest = farthest.with_value(key, ends(&parameter).last().unwrap()).unwrap();
        }
    }
    for resampling in ["averaged", "bilinear"] {
        let config = farthest.with_value("resampling", resampling).unwrap();
        run(&base.with_config(config).unwrap()).unwrap();
    }
}

#[test]
fn damaged_texts_of_parameters_are_refused_or_read() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let whole = toml::to_string(&Config::attrax()).unwrap();
    let pieces =
        ["=", "\n", "[", "]", "\"", "'", "#", ".", "-", "e", "9", "nan", "true", "\u{0}", "é", "[a]", "0x", "{}"];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..2000 {
        let mut text: Vec<char> = whole.chars().collect();
        for _ in 0..rng.random_range(1..4) {
            let place = rng.random_range(0..text.len());
            if text[place].is_ascii_digit() {
                text[place] = rng.random_range('0'..='9');
            } else if rng.random_bool(0.3) {
                let until = (place + rng.random_range(0..6)).min(text.len());
                text.splice(place..until, pieces.choose(&mut rng).unwrap().chars());
            }
        }
        let text: String = text.into_iter().collect();
        match Config::released().with_toml(&text).and_then(|config| config.validate()) {
            Ok(()) => read += 1,
            Err(error) => {
                assert_told(&error, "");
                refused += 1;
            }
        }
        let (key, value) = text.split_once('=').unwrap_or_default();
        if let Err(error) = Config::released().with_value(key, value) {
            assert_told(&error, "parameter");
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
    let deep = format!("seed = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_told(&Config::released().with_toml(&deep).unwrap_err(), "line 1");
    assert_told(&Config::released().with_value(&"a.".repeat(1_000_000), &"b".repeat(1_000_000)).unwrap_err(), "a.a.");
}

#[test]
fn weights_that_give_no_finite_score_are_an_error() {
    let _alone = crate::alone();
    let mut file = attrax_tracker::weights::embedded().unwrap();
    let last = file.tensors.get_mut("blocks.10.project.weight").unwrap();
    last.data.iter_mut().for_each(|number| *number *= 1e36);
    let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
    let model = Model::new(&parameters, quick().with_value("features", "images").unwrap(), 1).unwrap();
    let error = run(&model).unwrap_err();
    assert!(matches!(error, TrackerError::NotFinite { .. }), "{error}");
    assert!(error.to_string().starts_with("the score is not a finite number: "), "{error}");
}

#[test]
fn metadata_of_weights_is_checked() {
    let _alone = crate::alone();
    let shapes: [(&str, &[i64]); 6] = [
        ("conv1.weight", &[96, 3, 7, 7]),
        ("conv1.bias", &[96]),
        ("conv2.weight", &[256, 96, 5, 5]),
        ("conv2.bias", &[256]),
        ("conv3.weight", &[512, 256, 3, 3]),
        ("conv3.bias", &[512]),
    ];
    let network = |key: &str, value: &str| {
        let tensors = shapes.map(|(name, shape)| (name.to_string(), Tensor::zeros(shape, (Kind::Float, Device::Cpu))));
        let metadata = BTreeMap::from([(key.to_string(), value.to_string())]);
        Backbone::new(&Parameters::new("made", tensors, metadata, Kind::Float, Device::Cpu))
    };
    assert!(network("lrn.beta", "0.5").is_ok());
    for key in ["lrn.size", "lrn.kappa", "lrn.alpha", "lrn.beta"] {
        for value in ["NaN", "inf", "-1", "1e300", "", "a word", "1\n2"] {
            let error = network(key, value).unwrap_err();
            assert_told(&error, key);
        }
    }
    assert_told(&network("lrn.size", "2.5").unwrap_err(), "lrn.size");
    assert_told(&network("architecture", "line\nbreak").unwrap_err(), "line\\nbreak");
}

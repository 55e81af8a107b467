//! Every quantity of the tracker against an independent float64 statement of DAT's numerics, run live.
//!
//! The oracle is a Python program beside the project (`../shared/oracle/dat_oracle.py`), run by the interpreter that
//! `ATTRAX_PYTHON` names. Without either the test says that it was skipped. `ATTRAX_PARITY_SEEDS` is how many random
//! cases are compared (1 by default); with `--nocapture` the worst errors are printed as a table.

#![cfg(feature = "tracker")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use attrax::tracker::attention::{self, Form, Reduction};
use attrax::tracker::backbone::{Backbone, Parameters};
use attrax::tracker::head::{Head, PARAMETER_NAMES};
use attrax::tracker::learner::cross_entropy;
use attrax::tracker::regression::BoxRegression;
use attrax::tracker::{BoundingBox, Frame, crop};
use tch::{Device, Kind, Tensor};

const ORACLE: &str = "../shared/oracle/dat_oracle.py";
/// Makes the cases for maps and gradients; says why the oracle's own cases do not serve there.
const CASES: &str = "tests/python/oracle_case.py";
const LAMBDA: f64 = 5.0;

type Case = BTreeMap<String, Tensor>;

/// Worst relative error of each quantity, by precision.
#[derive(Default)]
struct Worst(BTreeMap<(String, &'static str), (f64, f64)>);

impl Worst {
    fn note(&mut self, quantity: &str, precision: &'static str, bound: f64, ours: &Tensor, theirs: &Tensor) {
        let (ours, theirs) = (ours.to_kind(Kind::Double), theirs.to_kind(Kind::Double));
        let norm = theirs.norm().double_value(&[]);
        let distance = (&ours - &theirs.view_as(&ours)).norm().double_value(&[]);
        let error = if norm == 0.0 { distance } else { distance / norm };
        let entry = self.0.entry((quantity.to_string(), precision)).or_insert((0.0, bound));
        entry.0 = entry.0.max(error);
    }

    fn print_and_check(&self, seeds: usize) {
        println!(
            "worst relative error over {seeds} random cases\n{:<34}{:<10}{:>10}{:>10}",
            "quantity", "", "error", "bound"
        );
        for ((quantity, precision), (error, bound)) in &self.0 {
            println!("{quantity:<34}{precision:<10}{error:>10.1e}{bound:>10.0e}");
        }
        let bad: Vec<_> = self.0.iter().filter(|(_, (error, bound))| error.is_nan() || error > bound).collect();
        assert!(bad.is_empty(), "beyond their bounds: {bad:?}");
    }
}

fn boxes(tensor: &Tensor) -> Vec<BoundingBox> {
    let numbers = Vec::<f64>::try_from(tensor.contiguous().view([-1])).unwrap();
    numbers.chunks_exact(4).map(|b| BoundingBox::new(b[0], b[1], b[2], b[3])).collect()
}

fn network(case: &Case, kind: Kind) -> Backbone {
    let tensors = case.iter().filter(|(name, _)| name.starts_with("conv"));
    let tensors = tensors.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    Backbone::new(&Parameters::new("oracle", tensors, BTreeMap::new(), kind, Device::Cpu)).unwrap()
}

/// Crops of the case's boxes.
fn check_crops(case: &Case, worst: &mut Worst) {
    let image = &case["image"];
    let (height, width) = (image.size()[0] as u32, image.size()[1] as u32);
    let frame = Frame::from_rgb8(width, height, Vec::<u8>::try_from(image.contiguous().view([-1])).unwrap()).unwrap();
    let format = network(case, Kind::Float).format();
    let crops = crop(&frame, &boxes(&case["boxes"]), format, Device::Cpu);
    worst.note("crops", "float32", 1e-5, &crops, &case["crops"]);
}

/// Overlaps and the ridge regression.
fn check_boxes(case: &Case, worst: &mut Worst) {
    let regions = boxes(&case["boxes"]);
    let overlaps: Vec<f64> = regions.iter().map(|b| b.overlap(regions[0])).collect();
    worst.note("overlap", "float64", 1e-10, &Tensor::from_slice(&overlaps), &case["iou_with_first"]);
    let target = BoundingBox::new(100.0, 100.0, 48.0, 44.0);
    for (kind, precision, bound) in [(Kind::Double, "float64", 1e-10), (Kind::Float, "float32", 1e-5)] {
        let features = case["ridge.features"].to_kind(kind);
        let fit = BoxRegression::fit(&features, &boxes(&case["ridge.boxes"]), target, 1000.0).unwrap();
        worst.note("ridge weights", precision, bound, fit.weights(), &case["ridge.weights"]);
        worst.note("ridge intercept", precision, bound, fit.intercept(), &case["ridge.bias"]);
    }
}

/// Features and scores in one precision.
fn check_forward(case: &Case, kind: Kind, precision: &'static str, worst: &mut Worst) {
    let bound = if kind == Kind::Double { 1e-10 } else { 1e-5 };
    let head = Head::from_tensors(PARAMETER_NAMES.map(|name| case[name].to_kind(kind)));
    let features = network(case, kind).features(&case["crops"].to_kind(kind));
    worst.note("features", precision, bound, &features, &case["features"]);
    worst.note("scores", precision, bound, &head.scores(&features), &case["scores"]);
}

/// Attention, regulariser, loss and gradients in one precision.
fn check_gradients(case: &Case, kind: Kind, precision: &'static str, worst: &mut Worst) {
    let (bound, gradient_bound) = if kind == Kind::Double { (1e-10, 1e-10) } else { (1e-5, 1e-4) };
    let backbone = network(case, kind);
    let head = Head::from_tensors(PARAMETER_NAMES.map(|name| case[name].to_kind(kind)));
    let crops = case["crops"].to_kind(kind);
    let positives = 4;
    let mut linearization = tch::no_grad(|| backbone.linearize(&crops));
    let at_scores = head.score_with_gradients(linearization.features(), None).gradients.detach();
    for (form, form_name) in [(Form::Paper, "paper"), (Form::Released, "released")] {
        let maps = tch::no_grad(|| attention::attention(&mut linearization, &at_scores, form));
        for class in 0..2 {
            let expected = &case[&format!("attention.{form_name}.{class}")];
            worst.note(&format!("attention, {form_name}"), precision, bound, &maps.get(class), expected);
        }
        for (reduction, reduction_name) in [(Reduction::PerSample, "per-sample"), (Reduction::Batch, "batch")] {
            let key = format!("{form_name}.{reduction_name}");
            let regularizer =
                tch::no_grad(|| attention::regularizer(&mut linearization, &at_scores, positives, form, reduction));
            worst.note("regulariser", precision, bound, &regularizer.value, &case[&format!("regularizer.{key}")]);
            let fresh = head.score_with_gradients(linearization.features(), None);
            let product = (&fresh.gradients * &regularizer.derivative).sum(kind);
            let entropy = cross_entropy(&fresh.scores, positives);
            let loss = &entropy.detach() + &regularizer.value * LAMBDA;
            worst.note("loss", precision, bound, &loss, &case[&format!("loss.{key}")]);
            let with_entropy = entropy + &product * LAMBDA;
            for (what, from) in [("regularizer_grad", &product), ("loss_grad", &with_entropy)] {
                for (place, name) in PARAMETER_NAMES.iter().enumerate() {
                    let expected = &case[&format!("{what}.{key}.{name}")];
                    // Biases do not enter the gradients of the scores: the regulariser has no gradient there.
                    if what == "regularizer_grad" && name.ends_with("bias") {
                        assert!(expected.norm().double_value(&[]) == 0.0, "{name}");
                        continue;
                    }
                    let parameter = &head.parameters()[place];
                    let gradient = &Tensor::run_backward(&[from], &[parameter], true, false)[0];
                    let quantity = format!("{what} at {}", &name[..3]);
                    worst.note(&quantity, precision, gradient_bound, gradient, expected);
                }
            }
        }
    }
}

/// The tensors that a Python program writes into a file.
fn case_of(python: &OsStr, seed: usize, arguments: impl FnOnce(String) -> Vec<String>) -> Case {
    let file = std::env::temp_dir().join(format!("attrax-oracle-{}-{seed}.safetensors", std::process::id()));
    let ran = Command::new(python).args(arguments(file.display().to_string())).status().unwrap();
    assert!(ran.success(), "the oracle failed");
    let case = Tensor::read_safetensors(&file).unwrap().into_iter().collect();
    std::fs::remove_file(&file).unwrap();
    case
}

#[test]
fn every_quantity_equals_the_oracle() {
    let Some(python) = std::env::var_os("ATTRAX_PYTHON") else {
        println!("SKIPPED: ATTRAX_PYTHON is not set (make setup sets it)");
        return;
    };
    if !Path::new(ORACLE).is_file() {
        println!("SKIPPED: the oracle {ORACLE} is not there");
        return;
    }
    let seeds = std::env::var("ATTRAX_PARITY_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut worst = Worst::default();
    for seed in 0..seeds {
        let number = seed.to_string();
        let dumped =
            case_of(&python, seed, |file| vec![ORACLE.into(), "dump".into(), file, "--seed".into(), number.clone()]);
        let smooth = case_of(&python, seed, |file| vec![CASES.into(), ORACLE.into(), file, number.clone()]);
        check_boxes(&dumped, &mut worst);
        for case in [&dumped, &smooth] {
            check_crops(case, &mut worst);
            check_forward(case, Kind::Double, "float64", &mut worst);
            check_forward(case, Kind::Float, "float32", &mut worst);
        }
        check_gradients(&smooth, Kind::Double, "float64", &mut worst);
        check_gradients(&smooth, Kind::Float, "float32", &mut worst);
    }
    worst.print_and_check(seeds);
}

//! The tracker's quantities for one case, compared one by one.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use attrax_tracker::internals::backbone::{Backbone, Parameters};
use attrax_tracker::internals::crop;
use attrax_tracker::internals::learning::attention;
use attrax_tracker::internals::learning::head::{Head, PARAMETER_NAMES};
use attrax_tracker::internals::learning::regression::BoxRegression;
use attrax_tracker::internals::learning::train::cross_entropy;
use attrax_tracker::{BoundingBox, Frame};
use attrax_tracker::{Form, Reduction};
use tch::{Device, Kind, Tensor};

use super::worst::Worst;

/// Inputs, weights and expected values, under the names of the oracle's own `dump`.
pub type Case = BTreeMap<String, Tensor>;

const LAMBDA: f64 = 5.0;

/// Where the tracker's side is computed: the CPU, or the GPU that `ATTRAX_PARITY_DEVICE` names
/// (`cuda:0`). Every test asks first of all, since libtorch looks for CUDA once.
pub fn device() -> Device {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let Ok(name) = std::env::var("ATTRAX_PARITY_DEVICE") else { return Device::Cpu };
    let number = name.strip_prefix("cuda:").and_then(|number| number.parse().ok());
    let number = number.expect("ATTRAX_PARITY_DEVICE is cuda: and a number");
    assert!(*LOADED.get_or_init(attrax_kernels::load_cuda) && tch::Cuda::is_available(), "there is no GPU");
    Device::Cuda(number)
}

/// A tensor of the case, in a precision, on the device.
fn of(case: &Case, name: &str, kind: Kind) -> Tensor {
    case[name].to_kind(kind).to_device(device())
}

/// The classifier of the case.
fn head(case: &Case, kind: Kind) -> Head {
    Head::from_tensors(PARAMETER_NAMES.map(|name| of(case, name, kind)))
}

/// Boxes `(n, 4)`: left, top, width, height in pixels.
pub fn boxes(tensor: &Tensor) -> Vec<BoundingBox> {
    let numbers = Vec::<f64>::try_from(tensor.contiguous().view([-1])).unwrap();
    numbers.chunks_exact(4).map(|b| BoundingBox::new(b[0], b[1], b[2], b[3])).collect()
}

/// The network of the case's weights.
pub fn network(case: &Case, kind: Kind) -> Backbone {
    let tensors = case.iter().filter(|(name, _)| name.starts_with("conv"));
    let tensors = tensors.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    Backbone::new(&Parameters::new("oracle", tensors, BTreeMap::new(), kind, device())).unwrap()
}

/// Crops of the case's boxes.
pub fn check_crops(case: &Case, worst: &mut Worst) {
    let image = &case["image"];
    let (height, width) = (image.size()[0] as u32, image.size()[1] as u32);
    let frame = Frame::from_rgb8(width, height, Vec::<u8>::try_from(image.contiguous().view([-1])).unwrap()).unwrap();
    let format = network(case, Kind::Float).format();
    let crops = crop(&frame, &boxes(&case["boxes"]), format, device());
    worst.note("crops", "float32", 1e-5, &crops, &case["crops"]);
}

/// Overlaps and the ridge regression.
pub fn check_boxes(case: &Case, worst: &mut Worst) {
    let regions = boxes(&case["boxes"]);
    let overlaps: Vec<f64> = regions.iter().map(|b| b.overlap(regions[0])).collect();
    worst.note("overlap", "float64", 1e-10, &Tensor::from_slice(&overlaps), &case["iou_with_first"]);
    let target = BoundingBox::new(100.0, 100.0, 48.0, 44.0);
    for (kind, precision, bound) in [(Kind::Double, "float64", 1e-10), (Kind::Float, "float32", 1e-5)] {
        let features = of(case, "ridge.features", kind);
        let fit = BoxRegression::fit(&features, &boxes(&case["ridge.boxes"]), target, 1000.0).unwrap();
        worst.note("ridge weights", precision, bound, fit.weights(), &case["ridge.weights"]);
        worst.note("ridge intercept", precision, bound, fit.intercept(), &case["ridge.bias"]);
    }
}

/// Features and scores in one precision.
pub fn check_forward(case: &Case, kind: Kind, precision: &'static str, worst: &mut Worst) {
    let bound = if kind == Kind::Double { 1e-10 } else { 1e-5 };
    let head = head(case, kind);
    let features = network(case, kind).features(&of(case, "crops", kind));
    worst.note("features", precision, bound, &features, &case["features"]);
    worst.note("scores", precision, bound, &head.scores(&features), &case["scores"]);
}

/// Attention, regulariser, loss and gradients in one precision.
pub fn check_gradients(case: &Case, kind: Kind, precision: &'static str, worst: &mut Worst) {
    let (bound, gradient_bound) = if kind == Kind::Double { (1e-10, 1e-10) } else { (1e-5, 1e-4) };
    let backbone = network(case, kind);
    let head = head(case, kind);
    let crops = of(case, "crops", kind);
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
                    // Biases do not enter the gradients of the scores: the regulariser has no
                    // gradient there.
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

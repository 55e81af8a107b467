//! What the oracle gave for one case, and what the original package of the embedded network gave,
//! kept with the tests.
//!
//! Kept, so that the numerics are checked where there is neither Python nor the oracle; as digests
//! of every n-th number, since one case whole takes 120 MB, most of it weights. Those are drawn
//! again from the seed: libtorch's generator is the same from Rust and from Python. Crops are cut
//! by the tracker itself, so all of this is in single precision.

use attrax_tracker::Form;
use attrax_tracker::Frame;
use attrax_tracker::internals::backbone::{Backbone, Parameters};
use attrax_tracker::internals::crop;
use attrax_tracker::internals::learning::attention::attention;
use tch::{Device, Kind, Tensor};

use super::compare::{Case, boxes, check_forward, check_gradients, device, network};
use super::worst::Worst;

/// The seed that `tests/python/oracle_case.py ORACLE tests/data/oracle.safetensors 11 --digest` was
/// given.
const SEED: i64 = 11;

/// The oracle's weights, in the order in which it draws them.
fn draw_weights(case: &mut Case) {
    tch::manual_seed(SEED);
    let layers: [(&str, &[i64], f64); 9] = [
        ("conv1.weight", &[96, 3, 7, 7], 0.02),
        ("conv1.bias", &[96], 0.5),
        ("conv2.weight", &[256, 96, 5, 5], 0.02),
        ("conv2.bias", &[256], 0.5),
        ("conv3.weight", &[512, 256, 3, 3], 0.02),
        ("conv3.bias", &[512], 0.2),
        ("fc4.weight", &[512, 4608], 0.01),
        ("fc5.weight", &[512, 512], 0.05),
        ("fc6.weight", &[2, 512], 0.05),
    ];
    for (name, shape, deviation) in layers {
        case.insert(name.into(), Tensor::randn(shape, (Kind::Double, Device::Cpu)) * deviation);
    }
    for (name, units, value) in [("fc4.bias", 512, 0.1), ("fc5.bias", 512, 0.1), ("fc6.bias", 2, 0.0)] {
        case.insert(name.into(), Tensor::full([units], value, (Kind::Double, Device::Cpu)));
    }
}

#[test]
fn every_quantity_equals_what_the_oracle_gave() {
    let _alone = crate::alone();
    let device = device();
    let mut case: Case = Tensor::read_safetensors("tests/data/oracle.safetensors").unwrap().into_iter().collect();
    draw_weights(&mut case);
    let image = &case["image"];
    let (height, width) = (image.size()[0] as u32, image.size()[1] as u32);
    let frame = Frame::from_rgb8(width, height, Vec::<u8>::try_from(image.contiguous().view([-1])).unwrap()).unwrap();
    let crops = crop(&frame, &boxes(&case["boxes"]), network(&case, Kind::Float).format(), device);
    case.insert("crops".into(), crops);
    let mut worst = Worst::default();
    check_forward(&case, Kind::Float, "float32", &mut worst);
    check_gradients(&case, Kind::Float, "float32", &mut worst);
    worst.print_and_check("one case that is kept");
}

#[test]
fn the_embedded_network_equals_the_original_package() {
    let _alone = crate::alone();
    let device = device();
    let case: Case =
        Tensor::read_safetensors("tests/data/efficientnet-lite0.safetensors").unwrap().into_iter().collect();
    let file = attrax_tracker::weights::embedded().unwrap();
    let mut worst = Worst::default();
    for (kind, precision, bound) in [(Kind::Double, "float64", 1e-10), (Kind::Float, "float32", 1e-5)] {
        let backbone = Backbone::new(&Parameters::from_file(&file, kind, device).unwrap()).unwrap();
        let format = backbone.format();
        let pixels = case["crops"].to_kind(kind).permute([0, 3, 1, 2]);
        let crops = ((pixels - f64::from(format.mean)) * f64::from(format.scale)).to_device(device);
        let mut linearization = tch::no_grad(|| backbone.linearize(&crops));
        // Features are scaled so that the published learning rates fit; the package's are not.
        let gain = (linearization.features().norm() / case["pooled"].norm()).double_value(&[]);
        worst.note("features", precision, bound, &(linearization.features() / gain), &case["pooled"]);
        assert!((gain - 0.5).abs() < 1e-5, "{gain}");
        let cotangent = case["cotangent"].to_kind(kind).to_device(device).unsqueeze(0).expand([2, -1], false) / gain;
        let of_both_classes = Tensor::stack(&[&cotangent, &cotangent], 0);
        for (form, name) in [(Form::Released, "attention.squared"), (Form::Paper, "attention.positive")] {
            let maps = tch::no_grad(|| attention(&mut linearization, &of_both_classes, form));
            worst.note(name, precision, bound * 10.0, &maps.get(1).narrow(0, 0, 1), &case[name]);
        }
    }
    worst.print_and_check("two crops");
}

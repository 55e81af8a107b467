//! The plain way under `benches/plain` gives attrax's numbers: what it is compared with in speed
//! does the same work.

#[path = "../../benches/support/network.rs"]
#[allow(dead_code, reason = "the rest is for the benchmarks")]
mod network;
#[path = "../../benches/plain/mod.rs"]
mod plain;
#[path = "../../benches/support/scene.rs"]
#[allow(dead_code, reason = "the files are for the benchmarks")]
mod scene;

use attrax_tracker::internals::backbone::Backbone;
use attrax_tracker::internals::crop;
use attrax_tracker::internals::learning::attention;
use attrax_tracker::internals::learning::head::{Head, PARAMETER_NAMES};
use attrax_tracker::internals::learning::regression::BoxRegression;
use attrax_tracker::internals::learning::train::cross_entropy;
use attrax_tracker::{Attention, Config, CropFormat, Model, Resampling, Tracker};
use attrax_tracker::{Form, Initialization, Reduction};
use network::{ARCHITECTURES, Architecture};
use plain::network::Network;
use tch::{Device, Kind, Tensor};

use crate::networks::head;

/// Largest relative difference of float32 stages.
const CLOSE: f64 = 1e-4;

/// Size of the frames, pixels.
const SIZE: (u32, u32) = (160, 120);

fn networks(kind: Kind) -> [(Network, Backbone); 2] {
    ARCHITECTURES.map(|architecture| {
        let parameters = architecture.parameters().with_kind(kind);
        (Network::new(&parameters).unwrap(), Backbone::new(&parameters).unwrap())
    })
}

fn assert_close(what: &str, ours: &Tensor, plain: &Tensor) {
    assert_eq!(ours.size(), plain.size(), "{what}");
    let error = (ours - plain).norm().double_value(&[]) / plain.norm().double_value(&[]).max(1e-30);
    assert!(error < CLOSE, "{what}: {error:.1e}");
}

#[test]
fn crops_and_features_are_equal() {
    let _alone = crate::alone();
    let (frame, boxes) = (scene::frame(SIZE, 0), scene::boxes(SIZE, 40));
    for (network, backbone) in networks(Kind::Float) {
        let format = backbone.format();
        assert_eq!(network.format(), format);
        let ours = crop(&frame, &boxes, format, Device::Cpu);
        let image = plain::crops::frame_tensor(&frame, format);
        let items: Vec<_> = boxes.iter().map(|b| (image.shallow_clone(), *b)).collect();
        let crops = plain::crops::crop_each(&items, format.size);
        assert_close(&format!("{} crops", backbone.name()), &ours, &crops);
        let features = tch::no_grad(|| network.features(&crops));
        assert_close(&format!("{} features", backbone.name()), &backbone.features(&ours), &features);
    }
}

/// Crops of smooth noise, centred as the network wants them. In flat colour, as outside a frame,
/// places of a window tie for its maximum, and which of them the gradient flows to is rounding's
/// choice.
fn smooth_crops(count: i64, format: CropFormat) -> Tensor {
    tch::manual_seed(7);
    let (coarse, side) = (Tensor::randn([count, 3, 9, 9], (Kind::Double, Device::Cpu)), format.size as i64);
    coarse.upsample_bilinear2d([side, side], false, None, None) * (60.0 * f64::from(format.scale))
}

/// Gradients of the loss of some crops at the head's parameters, in attrax's way.
fn gradients(backbone: &Backbone, head: &Head, crops: &Tensor, positives: i64, config: &Attention) -> Vec<Tensor> {
    let mut linearization = tch::no_grad(|| backbone.linearize(crops));
    let scored = head.score_with_gradients(linearization.features(), None);
    let at_scores = scored.gradients.detach();
    let r = tch::no_grad(|| {
        attention::regularizer(&mut linearization, &at_scores, positives, config.form, config.reduction)
    });
    let product = (&scored.gradients * &r.derivative).sum(None::<Kind>) * config.lambda;
    let loss = cross_entropy(&scored.scores, positives) + product;
    Tensor::run_backward(&[&loss], &head.parameters().each_ref(), false, false)
}

/// The two forms of the regulariser.
fn forms() -> [Attention; 2] {
    [(Form::Released, Reduction::Batch), (Form::Paper, Reduction::PerSample)].map(|(form, reduction)| Attention {
        form,
        reduction,
        ..Config::released().attention
    })
}

#[test]
fn gradients_of_the_loss_are_equal() {
    let _alone = crate::alone();
    let positives = 3;
    // In double precision: in single, an activation that is nearly zero may pass its gradient in
    // one and not in the other.
    for (network, backbone) in networks(Kind::Double) {
        let head = head(&backbone);
        let crops = smooth_crops(6, backbone.format());
        for config in forms() {
            let loss = plain::learner::loss(&network, &head, &crops, positives, None, &config);
            let expected = Tensor::run_backward(&[&loss], &head.parameters().each_ref(), false, false);
            let ours = gradients(&backbone, &head, &crops, positives, &config);
            for (name, (ours, expected)) in PARAMETER_NAMES.iter().zip(ours.iter().zip(&expected)) {
                assert_close(&format!("{} {:?} {name}", backbone.name(), config.form), ours, expected);
            }
        }
    }
}

#[test]
fn gradients_by_kernels_are_those_in_double_precision() {
    let _alone = crate::alone();
    let embedded = |kind| Backbone::new(&Architecture::EfficientNet.parameters().with_kind(kind)).unwrap();
    let (single, double) = (embedded(Kind::Float), embedded(Kind::Double));
    let exact = head(&double);
    let rounded = Head::from_tensors(exact.parameters().each_ref().map(|p| p.detach().to_kind(Kind::Float)));
    let crops = smooth_crops(8, double.format());
    for config in forms() {
        // Each crop for itself: in some of them a number within rounding of a limit passes its
        // gradient in one alone.
        let mut errors: Vec<f64> = (0..8)
            .map(|place| {
                let crop = crops.narrow(0, place, 1);
                let expected = gradients(&double, &exact, &crop, 1, &config);
                let found = gradients(&single, &rounded, &crop.to_kind(Kind::Float), 1, &config);
                let error = |(a, b): (&Tensor, &Tensor)| ((a - b).norm() / b.norm()).double_value(&[]);
                found.iter().zip(&expected).map(error).fold(0.0, f64::max)
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        assert!(errors[3] < CLOSE && errors[7] < 0.02, "{:?}: {errors:?}", config.form);
    }
}

#[test]
fn box_regression_is_equal() {
    let _alone = crate::alone();
    tch::manual_seed(9);
    let (boxes, target) = (scene::boxes(SIZE, 90), scene::truth(SIZE, 0));
    for length in [30, 200] {
        let features = Tensor::randn([90, length], (Kind::Double, Device::Cpu));
        let (weights, intercept) = plain::regression::fit(&features, &boxes, target, 10.0);
        let ours = BoxRegression::fit(&features, &boxes, target, 10.0).unwrap();
        assert_close("weights", ours.weights(), &weights);
        assert_close("intercept", ours.intercept(), &intercept);
    }
}

#[test]
fn whole_trackers_give_the_same_boxes() {
    let _alone = crate::alone();
    let mut config = Config { resampling: Resampling::Bilinear, ..Config::released() };
    config.head.draw = Initialization::He;
    (config.candidates, config.mined_from, config.regression_samples) = (64, 64, 64);
    (config.batch_positives, config.batch_negatives) = (8, 8);
    (config.initial_samples.positives, config.initial_samples.negatives) = (64, 128);
    (config.update_samples.positives, config.update_samples.negatives) = (16, 32);
    (config.initial_training.iterations, config.update_training.iterations, config.long_interval) = (20, 3, 2);
    let embedded = Architecture::EfficientNet.parameters();
    let truth = |number| scene::truth(SIZE, number);
    let frame = |number| scene::frame(SIZE, number);
    let model = Model::new(&embedded, config.clone(), 2).unwrap();
    let mut ours = Tracker::with_stream(&model, &frame(0), truth(0), 1).unwrap();
    let network = Network::new(&embedded).unwrap();
    let mut plain = plain::tracker::PlainTracker::new(network, config, &frame(0), truth(0), 1);
    for number in 1..=4 {
        let (a, (b, _)) = (ours.track(&frame(number)).unwrap().bounding_box, plain.track(&frame(number)));
        let far = [a.x - b.x, a.y - b.y, a.width - b.width, a.height - b.height].map(f64::abs);
        assert!(far.iter().all(|d| *d < 0.5), "frame {number}: {a} against {b}");
        assert!(a.overlap(truth(number)) > 0.5, "frame {number}: {a}");
    }
}

//! The attention maps, the regulariser and its gradient against libtorch's own double backward, in
//! float64.

use attrax_tracker::internals::backbone::Backbone;
use attrax_tracker::internals::learning::attention;
use attrax_tracker::internals::learning::head::Head;
use attrax_tracker::internals::learning::train::cross_entropy;
use attrax_tracker::{Form, Initialization, Reduction};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::networks::{efficientnet, head, vgg_m};

const FORMS: [Form; 2] = [Form::Paper, Form::Released];
const REDUCTIONS: [Reduction; 2] = [Reduction::PerSample, Reduction::Batch];
const POSITIVES: i64 = 2;
const SAMPLES: i64 = 3;

/// Crops of smooth noise, centred as the network wants them.
fn crops(backbone: &Backbone) -> Tensor {
    let size = backbone.format().size as i64;
    let coarse = Tensor::randn([SAMPLES, 3, 9, 9], (Kind::Double, Device::Cpu));
    let smooth = coarse.upsample_bilinear2d([size, size], false, None, None);
    smooth * (60.0 * f64::from(backbone.format().scale))
}

fn relative_error(ours: &Tensor, theirs: &Tensor) -> f64 {
    let distance = (ours - theirs).norm().double_value(&[]);
    distance / theirs.norm().double_value(&[]).max(1e-300)
}

/// Attention of one class by autograd, differentiable once more.
fn attention_by_autograd(backbone: &Backbone, head: &Head, crops: &Tensor, class: i64, form: Form) -> Tensor {
    let conv1 = backbone.first_convolution(crops).detach().set_requires_grad(true);
    let score = head.scores(&backbone.features_of_first_convolution(&conv1)).select(1, class).sum(Kind::Double);
    let gradient = &Tensor::run_backward(&[&score], &[&conv1], true, true)[0];
    attention::map_of(gradient, form)
}

/// `R` of some samples of one label by autograd.
fn regularizer_by_autograd(
    (backbone, head): (&Backbone, &Head),
    crops: &Tensor,
    label: i64,
    form: Form,
    reduction: Reduction,
) -> Tensor {
    let moments = |class: i64| {
        let map = attention_by_autograd(backbone, head, crops, class, form).flatten(1, 2);
        (map.mean_dim([1i64].as_slice(), false, Kind::Double), map.std_dim([1i64].as_slice(), false, false))
    };
    let ((own_mu, own_sigma), (other_mu, other_sigma)) = (moments(label), moments(1 - label));
    match reduction {
        Reduction::PerSample => (own_sigma / own_mu + other_mu / other_sigma).mean(Kind::Double),
        Reduction::Batch => {
            own_sigma.sum(Kind::Double) / own_mu.sum(Kind::Double)
                + other_mu.sum(Kind::Double) / other_sigma.sum(Kind::Double)
        }
    }
}

/// Checks one network: maps, value of `R`, and gradients of `R` alone and of the loss at every
/// parameter of the head.
fn check(backbone: &Backbone) {
    let (crops, head) = (crops(backbone), head(backbone));
    let mut linearization = tch::no_grad(|| backbone.linearize(&crops));
    let scored = head.score_with_gradients(linearization.features(), None);
    assert!(relative_error(&scored.scores, &head.scores(&backbone.features(&crops))) < 1e-12);
    let at_scores = scored.gradients.detach();
    for form in FORMS {
        let maps = tch::no_grad(|| attention::attention(&mut linearization, &at_scores, form));
        for class in 0..2 {
            let expected = attention_by_autograd(backbone, &head, &crops, class, form);
            let error = relative_error(&maps.get(class), &expected);
            assert!(error < 1e-10, "{} attention {form:?} of class {class}: {error:e}", backbone.name());
        }
        for reduction in REDUCTIONS {
            let ours =
                tch::no_grad(|| attention::regularizer(&mut linearization, &at_scores, POSITIVES, form, reduction));
            let network = (backbone, &head);
            let expected = regularizer_by_autograd(network, &crops.narrow(0, 0, POSITIVES), 1, form, reduction)
                + regularizer_by_autograd(
                    network,
                    &crops.narrow(0, POSITIVES, SAMPLES - POSITIVES),
                    0,
                    form,
                    reduction,
                );
            let name = format!("{} {form:?} {reduction:?}", backbone.name());
            assert!(relative_error(&ours.value, &expected) < 1e-10, "{name}: R {ours:?} against {expected:?}");
            let fresh = head.score_with_gradients(linearization.features(), None);
            let surrogate = (&fresh.gradients * &ours.derivative).sum(Kind::Double);
            let entropy = cross_entropy(&fresh.scores, POSITIVES);
            let entropy_by_autograd = cross_entropy(&head.scores(&backbone.features(&crops)), POSITIVES);
            let pairs = [
                ("R", surrogate.shallow_clone(), expected.shallow_clone()),
                ("loss", entropy + &surrogate * 5.0, entropy_by_autograd + &expected * 5.0),
            ];
            for (what, ours, theirs) in pairs {
                // fc6's bias does not reach the maps: there is no gradient of R alone there, on
                // either side.
                let reached = if what == "R" { vec![0, 2, 4] } else { vec![0, 1, 2, 3, 4, 5] };
                let parameters: Vec<&Tensor> = reached.iter().map(|i| &head.parameters()[*i]).collect();
                let ours = Tensor::run_backward(&[&ours], &parameters, true, false);
                let theirs = Tensor::run_backward(&[&theirs], &parameters, true, false);
                for ((place, ours), theirs) in reached.iter().zip(&ours).zip(&theirs) {
                    assert!(
                        theirs.norm().double_value(&[]) > 0.0,
                        "{name}: no gradient of {what} at parameter {place}"
                    );
                    let error = relative_error(ours, theirs);
                    assert!(error < 1e-9, "{name}: gradient of {what} at parameter {place}: {error:e}");
                }
            }
        }
    }
}

#[test]
fn vgg_m_equals_autograd() {
    let _alone = crate::alone();
    tch::manual_seed(11);
    check(&vgg_m(Kind::Double));
}

#[test]
fn efficientnet_lite0_equals_autograd() {
    let _alone = crate::alone();
    tch::manual_seed(12);
    check(&efficientnet(Kind::Double));
}

#[test]
fn the_regularizer_does_not_depend_on_the_scale_of_the_maps() {
    let _alone = crate::alone();
    let maps = Tensor::rand([2, SAMPLES, 13, 13], (Kind::Double, Device::Cpu));
    for reduction in REDUCTIONS {
        let (value, slope) = attention::ratios(&maps, POSITIVES, reduction);
        let (scaled, _) = attention::ratios(&(&maps * 1e4), POSITIVES, reduction);
        assert!(relative_error(&scaled, &value) < 1e-12);
        // Euler: a function that scaling leaves alone has no slope along its argument.
        let along = (&slope * &maps).sum(Kind::Double).double_value(&[]);
        assert!(along.abs() < 1e-12, "{along}");
    }
}

#[test]
fn maps_without_attention_give_finite_numbers() {
    let _alone = crate::alone();
    let maps = Tensor::zeros([2, SAMPLES, 5, 5], (Kind::Float, Device::Cpu));
    for reduction in REDUCTIONS {
        let (value, slope) = attention::ratios(&maps, POSITIVES, reduction);
        assert!(value.double_value(&[]).is_finite());
        assert_eq!(slope.isfinite().all().int64_value(&[]), 1);
    }
}

#[test]
fn a_step_along_the_gradient_lowers_the_regularizer() {
    let _alone = crate::alone();
    tch::manual_seed(13);
    let backbone = efficientnet(Kind::Double);
    let (crops, head) = (crops(&backbone), head(&backbone));
    for form in FORMS {
        let mut linearization = tch::no_grad(|| backbone.linearize(&crops));
        let mut regularizer = |head: &Head| {
            let scored = head.score_with_gradients(linearization.features(), None);
            let at_scores = scored.gradients.detach();
            let r = tch::no_grad(|| {
                attention::regularizer(&mut linearization, &at_scores, POSITIVES, form, Reduction::PerSample)
            });
            (scored, r)
        };
        let (scored, before) = regularizer(&head);
        let surrogate = (&scored.gradients * &before.derivative).sum(Kind::Double);
        let weights: Vec<&Tensor> = [0, 2, 4].iter().map(|i| &head.parameters()[*i]).collect();
        let slopes = Tensor::run_backward(&[&surrogate], &weights, false, false);
        let norm = slopes.iter().map(|g| g.norm().double_value(&[]).powi(2)).sum::<f64>().sqrt();
        let stepped: Vec<Tensor> = (0..6)
            .map(|i| {
                let parameter = head.parameters()[i].detach();
                if i % 2 == 0 { parameter - &slopes[i / 2] * (1e-3 / norm) } else { parameter }
            })
            .collect();
        let stepped = Head::from_tensors(stepped.try_into().unwrap());
        let after = regularizer(&stepped).1;
        assert!(after.value.double_value(&[]) < before.value.double_value(&[]), "{form:?}");
    }
}

#[test]
fn weights_of_attention_have_mean_one_and_follow_the_gradient() {
    let _alone = crate::alone();
    let head =
        Head::random(36, (Initialization::He, 0.0), None, Kind::Double, Device::Cpu, &mut ChaCha8Rng::seed_from_u64(2));
    let features = Tensor::rand([5, 36], (Kind::Double, Device::Cpu)) + 0.1;
    let at = features.detach().set_requires_grad(true);
    let score = head.scores(&at).select(1, 1).sum(Kind::Double);
    let gradient = Tensor::run_backward(&[&score], &[&at], false, false)[0].view([5, 4, 9]);
    for form in FORMS {
        let weighed = attention::weigh(&head, &features, 9, form);
        let weights = (weighed / &features).view([5, 4, 9]);
        let channel = weights.select(1, 0);
        assert!(relative_error(&weights, &channel.unsqueeze(1).expand_as(&weights)) < 1e-12, "one weight a cell");
        let mean = channel.mean_dim([1i64].as_slice(), false, Kind::Double);
        assert!(relative_error(&mean, &mean.ones_like()) < 1e-12);
        let map = match form {
            Form::Paper => gradient.relu(),
            Form::Released => &gradient * &gradient,
        };
        let map = map.sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
        let expected = &map / map.mean_dim([1i64].as_slice(), true, Kind::Double);
        assert!(relative_error(&channel, &expected) < 1e-10);
    }
    let [w4, b4, w5, b5, w6, b6] = head.parameters().each_ref().map(Tensor::zeros_like);
    let blind = Head::from_tensors([w4, b4, w5, b5, w6, b6]);
    assert_eq!(attention::weigh(&blind, &features, 9, Form::Paper), features, "no attention, no weights");
}

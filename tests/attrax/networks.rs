//! The networks and the head that several tests look at.

use std::collections::BTreeMap;

use attrax_tracker::Initialization;
use attrax_tracker::internals::backbone::{Backbone, Parameters};
use attrax_tracker::internals::learning::head::Head;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

/// VGG-M with random weights, small enough to keep activations in range.
pub fn vgg_m(kind: Kind) -> Backbone {
    let normal = |shape: &[i64], deviation: f64| Tensor::randn(shape, (kind, Device::Cpu)) * deviation;
    let tensors = [
        ("conv1.weight", normal(&[96, 3, 7, 7], 0.02)),
        ("conv1.bias", normal(&[96], 0.5)),
        ("conv2.weight", normal(&[256, 96, 5, 5], 0.02)),
        ("conv2.bias", normal(&[256], 0.5)),
        ("conv3.weight", normal(&[512, 256, 3, 3], 0.02)),
        ("conv3.bias", normal(&[512], 0.2)),
    ];
    let tensors = tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor));
    Backbone::new(&Parameters::new("random", tensors, BTreeMap::new(), kind, Device::Cpu)).unwrap()
}

/// The embedded network.
pub fn efficientnet(kind: Kind) -> Backbone {
    let file = attrax_tracker::weights::embedded().unwrap();
    Backbone::new(&Parameters::from_file(&file, kind, Device::Cpu).unwrap()).unwrap()
}

/// A head in double precision, the same for every network of as many features.
pub fn head(backbone: &Backbone) -> Head {
    Head::random(
        backbone.feature_length(),
        (Initialization::He, 0.0),
        None,
        Kind::Double,
        Device::Cpu,
        &mut ChaCha8Rng::seed_from_u64(5),
    )
}

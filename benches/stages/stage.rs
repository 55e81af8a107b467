//! The stages that are measured, each by attrax and by the plain tracker.

use std::hint::black_box;

use attrax_kernels::Width;
use attrax_session::decode::{DecodeLimits, Depth, decode_bytes};
use attrax_tracker::Initialization;
use attrax_tracker::internals::backbone::Backbone;
use attrax_tracker::internals::crop;
use attrax_tracker::internals::learning::head::Head;
use attrax_tracker::internals::learning::memory::{FrameSamples, Pool};
use attrax_tracker::internals::learning::regression::BoxRegression;
use attrax_tracker::internals::learning::train::{self as learner};
use attrax_tracker::{BoundingBox, Config, CropFormat, Frame, Schedule};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::block::{Block, blocks};
use super::windows;
use crate::plain;
use crate::plain::network::Network;
use crate::support::floor::Floor;
use crate::support::network::{ARCHITECTURES, Architecture};
use crate::support::{THREADS, round_trip, scene};

/// Weights as MDNet draws them.
const INITIAL: (Initialization, f64) = (Initialization::Normal, 0.01);

/// Name of the passes over windows; with it, `efficientnet` filters them in.
const WINDOWS: &str = "windows of a frame efficientnet-lite0";

/// Crops of a frame, as many as candidates are drawn.
const CROPS: usize = 256;
/// Crops that are cut at a time: as many as then go through the first layers.
const CHUNK: usize = 2;
/// Positive samples of a mini-batch; as many are negative.
const HALF: usize = 32;
/// Negative samples that are mined in each iteration.
const MINED: usize = 1024;
/// Samples that box regression is fitted on.
const REGRESSION: usize = 1000;
/// Default size of the frames, pixels.
const SIZE: (u32, u32) = (640, 480);

/// A stage of the tracker.
#[derive(Clone, Copy, PartialEq)]
pub enum Stage {
    /// Features of 256 crops.
    Forward(Architecture),
    /// The passes over windows of a frame of the default, with the embedded network.
    Windows,
    /// One iteration of reciprocative learning: mining, 64 crops, attention of both classes, one
    /// step.
    Iteration(Architecture),
    /// A block of the embedded network by its kernel.
    Block(Block),
    /// Box regression on 1000 samples.
    Ridge(Architecture),
    /// 256 crops of a frame of a size.
    Crops((u32, u32)),
    /// A JPEG of 640 x 480.
    Decode,
    /// A request that names a file, and its answer.
    RoundTrip,
}

type Work = Box<dyn FnMut()>;

impl Stage {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let of_networks = ARCHITECTURES.map(|a| [Self::Forward(a), Self::Iteration(a), Self::Ridge(a)]);
        let crops = [(320, 240), (640, 480), (1280, 720)].map(Self::Crops);
        // Some blocks of the network are alike.
        let mut different = Vec::new();
        for block in blocks().into_iter().filter(|_| matches!(Width::chosen(), Ok(Some(_)))) {
            if !different.contains(&block) {
                different.push(block);
            }
        }
        of_networks
            .into_iter()
            .flatten()
            .chain([Self::Windows])
            .chain(different.into_iter().map(Self::Block))
            .chain(crops)
            .chain([Self::Decode, Self::RoundTrip])
            .collect()
    }

    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Forward(network) => format!("forward {}", network.name()),
            Self::Windows => WINDOWS.into(),
            Self::Iteration(network) => format!("iteration {}", network.name()),
            Self::Block(block) => block.name(),
            Self::Ridge(network) => format!("ridge {}", network.name()),
            Self::Crops((width, height)) => format!("crops {width}x{height}"),
            Self::Decode => "decode 640x480".into(),
            Self::RoundTrip => "trax".into(),
        }
    }

    /// Whether libtorch has operators for it.
    pub fn has_plain_way(self) -> bool {
        !matches!(self, Self::Windows | Self::Block(_) | Self::Decode | Self::RoundTrip)
    }

    /// The floor of its cost.
    pub fn floor(self) -> Floor {
        match self {
            Self::Forward(network) => {
                let (first, rest) = operations(network);
                Floor::Operations(CROPS as f64 * (first + rest))
            }
            Self::Iteration(network) => {
                let ((first, rest), length) = (operations(network), feature_length(network));
                // Forward once; after the first convolution, the adjoint and the derivative once
                // for each class.
                let crops = 2 * HALF;
                let head = 2.0 * (length * 512.0 + 512.0 * 512.0 + 512.0 * 2.0);
                // The head on the mined; on the mini-batch scores, their gradients, and both once
                // more backward for weights and inputs.
                let heads = (MINED + 6 * crops) as f64 * head;
                Floor::Operations(crops as f64 * (first + 5.0 * rest) + heads)
            }
            Self::Windows => Floor::Operations(windows::operations()),
            Self::Block(block) => Floor::Operations(block.operations()),
            Self::Ridge(network) => {
                let (samples, length) = (REGRESSION as f64, feature_length(network));
                let smaller = samples.min(length);
                Floor::Operations(2.0 * samples * length * smaller + smaller.powi(3) / 3.0)
            }
            Self::Crops((width, height)) => {
                let side = Architecture::EfficientNet.crop_format().size;
                Floor::Bytes((CROPS * side * side * 3 * 4) as f64 + f64::from(width * height * 3))
            }
            Self::Decode => Floor::Bytes(scene::jpeg(SIZE, 0).len() as f64 + f64::from(SIZE.0 * SIZE.1 * 3)),
            Self::RoundTrip => Floor::Pipes,
        }
    }

    /// attrax's stage, ready to run.
    pub fn attrax(self) -> Work {
        match self {
            Self::Forward(network) => {
                let backbone = backbone(network);
                let crops = crop(&scene::frame(SIZE, 0), &scene::boxes(SIZE, CROPS), backbone.format(), Device::Cpu);
                Box::new(move || drop(black_box(backbone.features(&crops))))
            }
            Self::Windows => {
                let backbone = backbone(Architecture::EfficientNet);
                windows::work(&backbone, scene::frame(SIZE, 0), scene::truth(SIZE, 0))
            }
            Self::Iteration(network) => iteration(backbone(network)),
            Self::Block(block) => block.work().expect("a kernel"),
            Self::Ridge(network) => {
                let (features, boxes, target) = regression(network);
                Box::new(move || {
                    drop(black_box(BoxRegression::fit(&features, &boxes, target, 1000.0).expect("solvable")));
                })
            }
            Self::Crops(size) => {
                // Shared among threads as the tracker does it, but without later work.
                let (frame, boxes) = (scene::frame(size, 0), scene::boxes(size, CROPS));
                let format = Architecture::EfficientNet.crop_format();
                Box::new(move || crop_on_threads(&frame, &boxes, format))
            }
            Self::Decode => {
                let bytes = scene::jpeg(SIZE, 0);
                Box::new(move || {
                    let image = decode_bytes(&bytes, &DecodeLimits::default(), &mut Depth::default());
                    drop(black_box(image.expect("an image")));
                })
            }
            Self::RoundTrip => round_trip::session(),
        }
    }

    /// The plain stage, ready to run.
    pub fn plain(self) -> Option<Work> {
        Some(match self {
            Self::Forward(architecture) => {
                let network = network(architecture);
                let crops = plain_crops(SIZE, network.format());
                Box::new(move || drop(black_box(tch::no_grad(|| network.features(&crops)))))
            }
            Self::Iteration(architecture) => plain_iteration(network(architecture)),
            Self::Ridge(network) => {
                let (features, boxes, target) = regression(network);
                Box::new(move || drop(black_box(plain::regression::fit(&features, &boxes, target, 1000.0))))
            }
            Self::Crops(size) => {
                let (frame, format) = (scene::frame(size, 0), Architecture::EfficientNet.crop_format());
                let boxes = scene::boxes(size, CROPS);
                Box::new(move || {
                    let image = plain::crops::frame_tensor(&frame, format);
                    let items: Vec<_> = boxes.iter().map(|b| (image.shallow_clone(), *b)).collect();
                    drop(black_box(plain::crops::crop_each(&items, format.size)));
                })
            }
            Self::Windows | Self::Block(_) | Self::Decode | Self::RoundTrip => return None,
        })
    }
}

fn backbone(architecture: Architecture) -> Backbone {
    Backbone::new(&architecture.parameters()).expect("its own parameters").with_threads(THREADS)
}

fn network(architecture: Architecture) -> Network {
    Network::new(&architecture.parameters()).expect("its own parameters")
}

fn operations(architecture: Architecture) -> (f64, f64) {
    network(architecture).operations()
}

fn feature_length(architecture: Architecture) -> f64 {
    architecture.feature_length() as f64
}

/// Two threads, half of the crops each, as many at a time as go through the network.
fn crop_on_threads(frame: &Frame, boxes: &[BoundingBox], format: CropFormat) {
    std::thread::scope(|scope| {
        for part in boxes.chunks(boxes.len().div_ceil(THREADS)) {
            scope.spawn(move || {
                part.chunks(CHUNK).for_each(|chunk| drop(black_box(crop(frame, chunk, format, Device::Cpu))));
            });
        }
    });
}

fn plain_crops(size: (u32, u32), format: CropFormat) -> Tensor {
    let image = plain::crops::frame_tensor(&scene::frame(size, 0), format);
    let items: Vec<_> = scene::boxes(size, CROPS).into_iter().map(|b| (image.shallow_clone(), b)).collect();
    plain::crops::crop_each(&items, format.size)
}

/// Features of 1000 samples, their boxes and the target's.
fn regression(architecture: Architecture) -> (Tensor, Vec<BoundingBox>, BoundingBox) {
    tch::manual_seed(5);
    let features = Tensor::randn([REGRESSION as i64, architecture.feature_length()], (Kind::Float, Device::Cpu));
    (features, scene::boxes(SIZE, REGRESSION), scene::truth(SIZE, 0))
}

/// Boxes of the mini-batch's positive samples, and those that are mined.
fn samples() -> (Vec<BoundingBox>, Vec<BoundingBox>) {
    let mut boxes = scene::boxes(SIZE, HALF + MINED);
    let negatives = boxes.split_off(HALF);
    (boxes, negatives)
}

fn one_iteration() -> Schedule {
    Schedule { iterations: 1, rate: 2e-4, enough: 0.0 }
}

fn iteration(backbone: Backbone) -> Work {
    let frame = scene::frame(SIZE, 0);
    let (positive, negative) = samples();
    let pool = |boxes: Vec<BoundingBox>| {
        let features = backbone.describe(&boxes.iter().map(|b| (&frame, *b)).collect::<Vec<_>>());
        // A pool borrows its samples, and both live as long as the work.
        let samples: &'static FrameSamples =
            Box::leak(Box::new(FrameSamples { frame: frame.clone(), boxes, features: Some(features) }));
        Pool::new(&[samples]).expect("there are samples")
    };
    let (positives, negatives) = (pool(positive), pool(negative));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let head = Head::random(backbone.feature_length(), INITIAL, None, Kind::Float, Device::Cpu, &mut rng);
    let config = Config::released();
    Box::new(move || {
        let pools = (&positives, Some(&negatives));
        let _ = learner::train(&head, &backbone, &config, &one_iteration(), pools, None, &mut rng);
    })
}

fn plain_iteration(network: Network) -> Work {
    let image = plain::crops::frame_tensor(&scene::frame(SIZE, 0), network.format());
    let (positive, negative) = samples();
    let pool = |boxes: Vec<BoundingBox>| {
        let items: Vec<_> = boxes.into_iter().map(|b| (image.shallow_clone(), b)).collect();
        let crops = plain::crops::crop_each(&items, network.format().size);
        let features = tch::no_grad(|| network.features(&crops));
        plain::learner::Pool { items, features }
    };
    let (positives, negatives) = (pool(positive), pool(negative));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let head = Head::random(network.feature_length(), INITIAL, None, Kind::Float, Device::Cpu, &mut rng);
    let config = Config::released();
    Box::new(move || {
        let mut velocity = plain::learner::at_rest(&head);
        let pools = (&positives, Some(&negatives));
        plain::learner::train(&network, &head, &config, &one_iteration(), pools, &mut velocity, &mut rng);
    })
}

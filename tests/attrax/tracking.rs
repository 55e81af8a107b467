//! The tracker on a rendered sequence: it follows, repeats itself exactly, and refuses what it
//! cannot track.

use std::sync::Arc;

use attrax_tracker::Use;
use attrax_tracker::internals::backbone::Parameters;
use attrax_tracker::internals::force_gpu;

use attrax_tracker::{
    BoundingBox, Config, Estimate, Frame, Model, Precision, Resampling, Tracker, TrackerError, Windows,
};
use tch::{Device, Kind};

const SIZE: (u32, u32) = (160, 120);
const SIDE: f64 = 32.0;

/// A few iterations on a few samples: enough for a conspicuous target, and quick.
fn small() -> Config {
    let mut config = Config::released();
    config.candidates = 64;
    config.batch_positives = 8;
    config.batch_negatives = 8;
    config.mined_from = 64;
    config.regression_samples = 64;
    (config.initial_samples.positives, config.initial_samples.negatives) = (64, 256);
    (config.update_samples.positives, config.update_samples.negatives) = (16, 32);
    config.initial_training.iterations = 20;
    config.update_training.iterations = 3;
    config.long_interval = 3;
    config
}

fn model(config: Config, threads: usize) -> Arc<Model> {
    let file = attrax_tracker::weights::embedded().unwrap();
    let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
    Model::new(&parameters, config, threads).unwrap()
}

/// Whether products of bfloat16 are instructions here.
fn computes_bfloat16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Where the target is in a frame.
fn truth(number: usize) -> BoundingBox {
    BoundingBox::new(40.0 + 4.0 * number as f64, 40.0 + 2.0 * number as f64, SIDE, SIDE)
}

/// A chequered square over a textured background.
fn frame(number: usize) -> Frame {
    let target = truth(number);
    let mut pixels = Vec::new();
    for y in 0..SIZE.1 {
        for x in 0..SIZE.0 {
            let (u, v) = (f64::from(x) + 0.5 - target.x, f64::from(y) + 0.5 - target.y);
            if (0.0..SIDE).contains(&u) && (0.0..SIDE).contains(&v) {
                let dark = ((u / 8.0) as u32 + (v / 8.0) as u32).is_multiple_of(2);
                pixels.extend(if dark { [200, 30, 30] } else { [240, 220, 40] });
            } else {
                let wave = ((f64::from(x) / 9.0).sin() + (f64::from(y) / 7.0).cos()) * 30.0;
                let noise = f64::from((x * 31 + y * 17 + x * y * 7) % 23);
                let grey = (90.0 + wave + noise) as u8;
                pixels.extend([grey, grey.saturating_add(12), grey]);
            }
        }
    }
    Frame::from_rgb8(SIZE.0, SIZE.1, pixels).unwrap()
}

/// The estimates of the frames after the first.
fn follow(model: &Arc<Model>, stream: u64, frames: usize) -> Vec<Estimate> {
    let mut tracker = Tracker::with_stream(model, &frame(0), truth(0), stream).unwrap();
    (1..=frames).map(|number| tracker.track(&frame(number)).unwrap()).collect()
}

/// Trackers may change threads, and models may be used by several.
const _: () = {
    const fn moves<T: Send>() {}
    const fn is_shared<T: Send + Sync>() {}
    moves::<Tracker>();
    is_shared::<Model>();
    is_shared::<Frame>();
    is_shared::<attrax_tracker::profile::Profiler>();
};

#[test]
fn trackers_on_threads_share_a_model_and_give_the_boxes_that_each_gives_alone() {
    let _alone = crate::alone();
    for threads in [1, 2] {
        let model = model(small(), threads);
        let expected = [0, 1].map(|stream| follow(&model, stream, 4));
        assert_ne!(expected[0], expected[1]);
        let found = std::thread::scope(|scope| {
            let model = &model;
            // The first is learnt here and goes on there.
            let mut moved = Tracker::new(model, &frame(0), truth(0)).unwrap();
            let moved = scope.spawn(move || (1..=4).map(|n| moved.track(&frame(n)).unwrap()).collect::<Vec<_>>());
            let other = scope.spawn(move || follow(model, 1, 4));
            [moved.join().unwrap(), other.join().unwrap()]
        });
        assert_eq!(found, expected, "{threads} threads");
    }
}

#[test]
fn a_program_keeps_its_number_of_threads_of_libtorch() {
    let _alone = crate::alone();
    let before = tch::get_num_threads();
    tch::set_num_threads(3);
    let _ = follow(&model(small(), 2), 0, 1);
    let kept = tch::get_num_threads();
    tch::set_num_threads(before);
    assert_eq!(kept, 3);
}

#[test]
fn follows_a_target_and_repeats_itself_on_any_number_of_threads() {
    let _alone = crate::alone();
    let estimates = follow(&model(small(), 1), 0, 7);
    for (place, estimate) in estimates.iter().enumerate() {
        let overlap = estimate.bounding_box.overlap(truth(place + 1));
        assert!(overlap > 0.6, "frame {}: overlap {overlap:.2}, {estimate:?}", place + 1);
    }
    assert_eq!(estimates, follow(&model(small(), 1), 0, 7), "the same seed");
    assert_eq!(estimates, follow(&model(small(), 3), 0, 7), "another number of threads");
    assert_ne!(estimates, follow(&model(small(), 1), 1, 7), "another initialisation draws other samples");
    let mut config = small();
    config.seed = 1;
    assert_ne!(estimates, follow(&model(config, 1), 0, 7), "another seed");
}

#[test]
fn goes_on_from_a_box_that_is_given() {
    let _alone = crate::alone();
    for grid in [0, 8] {
        let mut config = small();
        (config.grid, config.attention.lambda) = (grid, 0.0);
        let model = model(config, 1);
        let mut tracker = Tracker::new(&model, &frame(0), truth(0)).unwrap();
        // The target is far away at once.
        assert!(tracker.track(&frame(18)).unwrap().bounding_box.overlap(truth(18)) < 0.01);
        let outside = BoundingBox::new(1000.0, 0.0, 5.0, 5.0);
        assert!(matches!(tracker.correct(&frame(19), outside), Err(TrackerError::Region { .. })));
        tracker.correct(&frame(19), truth(19)).unwrap();
        let estimate = tracker.track(&frame(20)).unwrap();
        assert!(estimate.success && estimate.bounding_box.overlap(truth(20)) > 0.6, "{estimate:?}");
    }
}

#[test]
fn follows_a_target_with_attention_as_a_weight_of_the_features() {
    let _alone = crate::alone();
    let mut config = small();
    config.attention.role = Use::Weight;
    let weighed = follow(&model(config.clone(), 1), 0, 4);
    for (place, estimate) in weighed.iter().enumerate() {
        assert!(estimate.bounding_box.overlap(truth(place + 1)) > 0.6, "frame {}: {estimate:?}", place + 1);
    }
    config.attention.lambda = 0.0;
    assert_eq!(weighed, follow(&model(config.clone(), 1), 0, 4), "the regulariser has no part in it");
    config.attention.role = Use::Regularizer;
    assert_ne!(weighed, follow(&model(config, 1), 0, 4), "weights change the scores");
}

#[test]
fn follows_a_target_with_shared_passes_and_in_half_precision() {
    let _alone = crate::alone();
    let mut config = small();
    config.grid = 8;
    config.attention.samples = 4;
    let shared = follow(&model(config.clone(), 1), 0, 7);
    for (place, estimate) in shared.iter().enumerate() {
        assert!(estimate.bounding_box.overlap(truth(place + 1)) > 0.6, "frame {}: {estimate:?}", place + 1);
    }
    assert_eq!(shared, follow(&model(config.clone(), 3), 0, 7), "another number of threads");
    let alone = model(small(), 1);
    assert_eq!(shared, follow(&alone.with_config(config.clone()).unwrap(), 0, 7), "set later");
    let mut changed = config.clone();
    changed.scale_reach = 0.3;
    let near = follow(&alone.with_config(changed).unwrap(), 0, 4);
    assert_ne!(near, shared[..4], "other scales near the best of the target's own alone");
    for (place, estimate) in near.iter().enumerate() {
        assert!(estimate.bounding_box.overlap(truth(place + 1)) > 0.6, "frame {}: {estimate:?}", place + 1);
    }
    if !computes_bfloat16() {
        // Maps in half precision take minutes on such a processor.
        eprintln!("no AVX-512 BF16 here: half precision is tried without the regulariser");
        config.attention.lambda = 0.0;
    }
    let single = follow(&alone.with_config(config.clone()).unwrap(), 0, 3);
    config.precision = Precision::Bfloat16;
    let half = follow(&alone.with_config(config).unwrap(), 0, 3);
    assert_ne!(half, single, "another precision");
    for (place, estimate) in half.iter().enumerate() {
        assert!(estimate.bounding_box.overlap(truth(place + 1)) > 0.6, "frame {}: {estimate:?}", place + 1);
    }
}

#[test]
fn a_gpus_plan_gives_the_boxes_of_the_cpus() {
    /// Ends the plan of a GPU.
    struct Forced;
    impl Drop for Forced {
        fn drop(&mut self) {
            force_gpu(false);
        }
    }
    let _alone = crate::alone();
    tch::set_num_threads(1);
    let mut config = small();
    config.attention.samples = 2;
    config.initial_training.iterations = 5;
    config.initial_windows = Windows { near: 3, around: 1, anywhere: 2 };
    let bilinear = Config { resampling: Resampling::Bilinear, grid: 8, scale_reach: 0.25, ..config.clone() };
    let shared =
        Config { resampling: Resampling::Averaged, search_grid: 16, shared_background: true, ..bilinear.clone() };
    for config in [config, bilinear, shared] {
        let expected = follow(&model(config.clone(), 2), 0, 2);
        let found = {
            let _forced = Forced;
            force_gpu(true);
            follow(&model(config.clone(), 2), 0, 2)
        };
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let (a, b) = (found.bounding_box, expected.bounding_box);
            let apart = [a.x - b.x, a.y - b.y, a.width - b.width, a.height - b.height];
            let largest = apart.iter().fold(0.0f64, |largest, apart| largest.max(apart.abs()));
            assert!(largest < 1e-3, "frame {}, {:?} by {}: {a} and {b}", place + 1, config.resampling, config.grid);
        }
    }
}

#[test]
fn one_iteration_in_several_is_regularized() {
    let _alone = crate::alone();
    let scores = |interval: usize, lambda: f64| {
        let mut config = small();
        (config.grid, config.attention.samples) = (8, 2);
        (config.attention.interval, config.attention.lambda) = (interval, lambda);
        config.initial_training.iterations = 3;
        follow(&model(config, 1), 0, 1)
    };
    let [all, two, one, none] = [scores(1, 50.0), scores(2, 50.0), scores(3, 50.0), scores(1, 0.0)];
    assert!(all != two && two != one && one != none, "{all:?}, {two:?}, {one:?}, {none:?}");
    assert_eq!(one, scores(100, 50.0), "the first iteration is regularised");
}

#[test]
fn a_distance_penalty_keeps_the_box_near() {
    let _alone = crate::alone();
    let travelled = |distance_penalty: f64| {
        let mut config = small();
        (config.grid, config.attention.lambda, config.distance_penalty) = (8, 0.0, distance_penalty);
        config.regression_samples = 0;
        let mut tracker = Tracker::new(&model(config, 1), &frame(0), truth(0)).unwrap();
        let ((x, y), (u, v)) = (tracker.track(&frame(3)).unwrap().bounding_box.centre(), truth(0).centre());
        (x - u).hypot(y - v)
    };
    assert!(travelled(1e6) < 0.5 * travelled(0.0), "a penalty above every score leaves the nearest candidates");
}

#[test]
fn a_target_that_is_gone_keeps_its_last_box() {
    let _alone = crate::alone();
    let model = model(small(), 1);
    let mut tracker = Tracker::new(&model, &frame(0), truth(0)).unwrap();
    let before = tracker.track(&frame(1)).unwrap();
    // By then the target has left the frame, and only the background is there.
    let gone = tracker.track(&frame(1000)).unwrap();
    assert!(before.success && !gone.success, "{before:?}, {gone:?}");
    assert_eq!(gone.bounding_box, before.bounding_box);
}

#[test]
fn a_frame_of_another_size_is_refused_and_changes_nothing() {
    let _alone = crate::alone();
    let model = model(small(), 1);
    let track = |interrupted: bool| {
        let mut tracker = Tracker::new(&model, &frame(0), truth(0)).unwrap();
        if interrupted {
            let other = Frame::from_rgb8(10, 10, vec![0; 300]).unwrap();
            assert!(matches!(tracker.track(&other), Err(TrackerError::FrameSize { .. })));
        }
        tracker.track(&frame(1)).unwrap()
    };
    assert_eq!(track(true), track(false));
}

#[test]
fn odd_targets_are_tracked_without_a_panic() {
    let _alone = crate::alone();
    let model = model(small(), 1);
    for region in [
        BoundingBox::new(80.0, 60.0, 1.0, 1.0),
        BoundingBox::new(-500.0, -500.0, 5000.0, 5000.0),
        BoundingBox::new(0.0, 0.0, 160.0, 2.0),
    ] {
        let mut tracker = Tracker::new(&model, &frame(0), region).unwrap();
        let found = tracker.track(&frame(1)).unwrap().bounding_box;
        assert!(found.is_valid(), "{region}");
        assert!(region.width > 1.0 || found.width.max(found.height) < 3.0, "a box of a pixel stays small: {found}");
    }
    let outside = Tracker::new(&model, &frame(0), BoundingBox::new(500.0, 0.0, 9.0, 9.0));
    assert!(matches!(outside, Err(TrackerError::Region { .. })));
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let _alone = crate::alone();
    let file = attrax_tracker::weights::embedded().unwrap();
    let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
    let mut config = small();
    config.attention.lambda = f64::NAN;
    let error = Model::new(&parameters, config, 1).unwrap_err().to_string();
    assert!(error.contains("attention.lambda"), "{error}");
}

#[test]
fn weights_of_another_network_are_refused_by_tensor() {
    let _alone = crate::alone();
    let mut file = attrax_tracker::weights::embedded().unwrap();
    file.tensors.remove("blocks.3.expand.weight");
    let parameters = Parameters::from_file(&file, Kind::Float, Device::Cpu).unwrap();
    let error = Model::new(&parameters, small(), 1).unwrap_err().to_string();
    assert!(error.contains("blocks.3.expand.weight"), "{error}");
}

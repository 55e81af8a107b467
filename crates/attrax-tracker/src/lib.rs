#![doc = include_str!("../README.md")]
//! ## Frames in memory
//!
//! ```
//! use attrax_tracker::{BoundingBox, Config, Frame, Model, Parameters, Tracker};
//! use tch::{Device, Kind};
//!
//! # // A bright square before a pattern.
//! # let pixels = |shift: usize| -> Vec<u8> {
//! #     let near = |place: usize, middle: usize| place.abs_diff(middle) < 12;
//! #     let bright = |i: usize| near(i / 3 % 160, 70 + shift) && near(i / 480, 60);
//! #     (0..120 * 160 * 3).map(|i| if bright(i) { 220 } else { (i % 97) as u8 }).collect()
//! # };
//! # let (first, second) = (pixels(0), pixels(2));
//! let parameters = Parameters::from_file(&attrax_tracker::weights::embedded()?, Kind::Float, Device::Cpu)?;
//! let config = Config::fast().with_value("attention.lambda", "0")?;
//! let model = Model::new(&parameters, config, 2)?;
//! // Interleaved RGB; boxes are left, top, width and height in pixels.
//! let target = BoundingBox::new(58.0, 48.0, 24.0, 24.0);
//! let mut tracker = Tracker::new(&model, &Frame::from_rgb8(160, 120, first)?, target)?;
//! let estimate = tracker.track(&Frame::from_rgb8(160, 120, second)?)?;
//! assert!(estimate.bounding_box.overlap(target) > 0.3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(feature = "document-features", doc = "## Feature flags\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![deny(unsafe_code)]

mod backbone;
mod config;
mod crops;
mod device;
mod engine;
mod error;
mod frame;
mod geometry;
mod learner;
mod learning;
mod maps;
mod model;
mod parallel;
mod plan;
mod precision;
pub mod profile;
mod region;
mod sampling;
mod target;
pub mod weights;

pub use self::backbone::Parameters;
pub use self::config::{
    Anywhere, Around, Aspect, Attention, Config, Explanation, Failure, Features, Form, Head, Initialization, Precision,
    Reduction, Resampling, Samples, Schedule, Spreads, Use, Windows,
};
pub use self::crops::{CONTEXT, CropFormat};
pub use self::device::{NO_CUDA_LIBRARIES, device};
pub use self::error::{TrackerError, is_libtorch_failure};
pub use self::frame::Frame;
pub use self::geometry::BoundingBox;
pub use self::maps::{Map, Maps};
pub use self::model::{Estimate, Model};
pub use self::target::Tracker;

/// The inner modules, for this project's tests and benchmarks alone.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use crate::crops::{crop, crop_each};
    pub use crate::geometry::{confined, least_sides};
    pub use crate::plan::force_gpu;
    pub use crate::sampling::{Accept, Inside, Sampler, Spread};

    pub mod backbone {
        //! The frozen networks.
        pub use crate::backbone::*;
    }

    pub mod learning {
        //! What is trained for each target.
        pub mod attention {
            //! Attention and the regulariser.
            pub use crate::learning::attention::*;
        }
        pub mod head {
            //! fc4, fc5 and fc6.
            pub use crate::learning::head::*;
        }
        pub mod memory {
            //! Remembered samples.
            pub use crate::learning::memory::*;
        }
        pub mod regression {
            //! Box regression.
            pub use crate::learning::regression::*;
        }
        pub mod train {
            //! Trainings.
            pub use crate::learning::gradients::cross_entropy;
            pub use crate::learning::train::*;
        }
    }
}

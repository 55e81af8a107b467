//! The tracking core: DAT on libtorch. It knows nothing of TraX, of files or of the command line.
//!
//! A [`Model`] shares whole chunks of crops among threads of its own. libtorch's threads meet at the end of every
//! operator instead, and where another program has taken a core all of them wait for it: a program that tracks should
//! set libtorch to one thread.
//!
//! On a GPU there is one thread, which gives the GPU its work and waits for it once a frame. Frames are brought there once
//! and stay as long as samples of them are remembered; crops are cut from them there.

pub mod backbone;
mod config;
mod crops;
mod error;
mod frame;
mod geometry;
pub mod learning;
mod maps;
mod model;
mod parallel;
mod plan;
mod precision;
pub mod profile;
mod sampling;
mod start;
mod target;

pub use self::config::{Anywhere, Around, Aspect, Attention, Config, Failure, Head, Samples, Schedule, Spreads};
pub use self::crops::{CONTEXT, CropFormat, Resampling, crop, crop_each};
pub use self::error::TrackerError;
pub use self::frame::Frame;
pub use self::geometry::BoundingBox;
pub use self::maps::{Map, Maps};
pub use self::model::{Estimate, Model};
pub use self::precision::Precision;
pub use self::sampling::{Accept, Inside, Sampler, Spread};
pub use self::target::Tracker;

//! The tracking core: DAT on libtorch. It knows nothing of TraX, of files or of the command line.
//!
//! An [`Engine`] shares whole chunks of crops among threads of its own. libtorch's threads meet at the end of every
//! operator instead, and where another program has taken a core all of them wait for it: a program that tracks should
//! set libtorch to one thread.
//!
//! On a GPU there is one thread, which gives the GPU its work and waits for it once a frame. Frames are brought there once
//! and stay as long as samples of them are remembered; crops are cut from them there.

pub mod attention;
pub mod backbone;
mod config;
mod crops;
mod engine;
mod error;
mod frame;
mod gathering;
mod geometry;
pub mod head;
pub mod learner;
mod overrides;
mod parallel;
mod precision;
pub mod profile;
pub mod regression;
mod resident;
mod sampler;
pub mod samples;
mod shared;
mod target;

pub use self::config::{Attention, Config, Samples, Schedule};
pub use self::crops::{CONTEXT, CropFormat, crop, crop_each};
pub use self::engine::{Engine, Estimate};
pub use self::error::TrackerError;
pub use self::frame::Frame;
pub use self::geometry::BoundingBox;
pub use self::precision::Precision;
pub use self::sampler::{Accept, Sampler, Spread};
pub use self::target::Tracker;

//! Deep Attentive Tracking (DAT, NeurIPS 2018) on libtorch, behind a TraX server for the VOT toolkit.
//!
//! - [`trax`]: the TraX protocol, for any tracker: a crate of its own.
//! - [`tracker`]: the tracking core; it knows nothing of TraX (feature `tracker`, needs libtorch).
//! - [`weights`]: files of network weights (feature `weights`).
//! - [`session`] and [`decode`]: what connects a tracking core to TraX clients (feature `session`).

#![deny(unsafe_code)]

#[cfg(feature = "session")]
pub mod decode;
#[cfg(feature = "tracker")]
#[allow(unsafe_code, reason = "calls C functions")]
pub mod native;
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "tracker")]
pub mod tracker;
#[cfg(feature = "weights")]
pub mod weights;
#[cfg(feature = "session")]
pub use trax;

//! Deep Attentive Tracking (DAT, NeurIPS 2018) on libtorch, behind a TraX server for the VOT toolkit.
//!
//! - [`trax`]: the TraX protocol, for any tracker (feature `trax`).
//! - [`tracker`]: the tracking core; it knows nothing of TraX (feature `tracker`, needs libtorch).
//! - [`weights`]: files of network weights (feature `weights`).
//! - [`session`] and [`decode`]: what connects a tracking core to TraX clients (feature `session`).

#[cfg(feature = "session")]
pub mod decode;
#[cfg(feature = "tracker")]
pub mod native;
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "tracker")]
pub mod tracker;
#[cfg(feature = "trax")]
pub mod trax;
#[cfg(feature = "weights")]
pub mod weights;

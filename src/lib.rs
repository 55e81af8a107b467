//! Deep Attentive Tracking behind a TraX server.
#[cfg(feature = "tracker")]
pub mod tracker;

//! attrax: Deep Attentive Tracking behind a TraX server.

#[cfg(feature = "session")]
pub mod decode;
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "trax")]
pub mod trax;

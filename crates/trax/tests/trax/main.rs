//! The crate as its users see it.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod alone;
mod documented;
mod errors;
mod out_of_step;
mod recordings;
mod sessions;

//! Every quantity of the tracker against independent statements of the same numerics.
//!
//! `live` runs a float64 oracle on random cases where it is beside the project; `golden` compares with what the oracle,
//! and the package that the embedded network comes from, gave when they were asked.

#![cfg(feature = "tracker")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed test may panic")]

mod compare;
mod golden;
mod live;
mod worst;

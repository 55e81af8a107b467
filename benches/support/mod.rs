//! What the benchmarks share; each uses a part of it.

#![allow(dead_code, reason = "each benchmark uses a part")]
#![allow(clippy::expect_used, reason = "a failed benchmark may panic")]

pub mod floor;
pub mod network;
pub mod round_trip;
pub mod scene;
pub mod sequence;
pub mod summary;
pub mod worker;

/// Threads of attrax and of the plain tracker, as in the bars.
pub const THREADS: usize = 2;

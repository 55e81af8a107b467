//! Files of weights: the crate's own format, the formats that people have, and damaged files.
#![cfg(feature = "weights")]
#![allow(clippy::unwrap_used)]

mod damage;
mod imports;
mod own;
mod scratch;

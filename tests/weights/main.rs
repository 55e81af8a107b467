//! Files of weights: the crate's own format, the formats that people have, and damaged files.
#![cfg(feature = "weights")]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "cli")]
mod commands;
mod damage;
#[cfg(feature = "fetch")]
mod download;
mod imports;
mod own;
mod scratch;
#[cfg(feature = "fetch")]
mod server;

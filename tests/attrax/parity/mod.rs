//! Every quantity of the tracker against independent statements of the same numerics.
//!
//! `live` runs a float64 oracle on random cases where it is beside the project; `golden` compares
//! with what the oracle, and the package that the embedded network comes from, gave when they were
//! asked.

mod compare;
mod golden;
mod live;
mod worst;

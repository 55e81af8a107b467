//! What is learnt online: fc4-fc6 with reciprocative learning, the samples that they are trained
//! on, and box regression.

pub mod attention;
pub(crate) mod box_head;
mod descent;
pub(crate) mod gradients;
pub mod head;
pub mod memory;
pub(crate) mod ranking;
pub mod regression;
pub mod train;

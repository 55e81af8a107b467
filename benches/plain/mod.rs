//! The plain tracker: a competent but unoptimised port of DAT to libtorch.
//!
//! Every stage is written directly on libtorch's own operators: crops one by one by its sampling
//! operator, tensors contiguous in channel order, normalisation by its pooling, attention by
//! differentiating twice through the network, whose features are computed again from the crops in
//! each iteration, and libtorch's own threads in each operator. Like the known ports of MDNet it
//! keeps the features of samples for the mining of negatives, and goes through candidates in
//! batches of 256.
//!
//! Parameters, random draws and geometry are attrax's, so that both give the same boxes up to
//! rounding.

#![allow(dead_code, reason = "each benchmark and test uses a part")]

pub mod crops;
pub mod learner;
pub mod network;
pub mod regression;
pub mod tracker;

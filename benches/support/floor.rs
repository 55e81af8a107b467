//! The machine's peak rates, measured between the compared stages.

use std::time::Instant;

use tch::{Device, Kind, Tensor};

use super::{THREADS, round_trip};

/// What bounds a stage from below.
#[derive(Clone, Copy)]
pub enum Floor {
    /// Floating-point operations, at the rate of a large matrix product.
    Operations(f64),
    /// Bytes read and written, at the rate of a large copy.
    Bytes(f64),
    /// A hundred bytes through a pipe to another thread, and back.
    Pipes,
}

impl Floor {
    /// Seconds that it would take at the rate measured now.
    pub fn seconds(self) -> f64 {
        match self {
            Self::Operations(count) => count / operations_a_second(),
            Self::Bytes(count) => count / bytes_a_second(),
            Self::Pipes => round_trip::pipes_alone(),
        }
    }

    /// Its description for the page.
    pub fn describe(self) -> String {
        match self {
            Self::Operations(count) => format!("{:.2} GFLOP at the GEMM rate", count / 1e9),
            Self::Bytes(count) => format!("{:.2} MB at the copy rate", count / 1e6),
            Self::Pipes => "100 bytes through a pipe and back".into(),
        }
    }
}

/// Rate of a product of two square matrices, on all threads.
pub fn operations_a_second() -> f64 {
    let side = 1536;
    let a = Tensor::ones([side, side], (Kind::Float, Device::Cpu));
    let out = a.zeros_like();
    (2 * side.pow(3)) as f64 / on_all_threads(|| drop(out.f_mm_out(&a, &a)))
}

/// Rate of a copy that is much larger than the caches, reading and writing counted, on all threads.
pub fn bytes_a_second() -> f64 {
    let length = 32 << 20;
    let from = Tensor::ones([length], (Kind::Float, Device::Cpu));
    let mut to = from.zeros_like();
    (2 * 4 * length) as f64 / on_all_threads(|| to.copy_(&from))
}

/// Seconds that some work takes, the second time.
fn on_all_threads(mut work: impl FnMut()) -> f64 {
    let before = tch::get_num_threads();
    tch::set_num_threads(THREADS as i32);
    work();
    let begun = Instant::now();
    work();
    let seconds = begun.elapsed().as_secs_f64();
    tch::set_num_threads(before);
    seconds
}

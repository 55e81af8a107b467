//! Device-dependent choices: batch sizes, where frames are stored, and the layout of tensors.
//!
//! Only this module checks whether there is a GPU.

use std::sync::atomic::{AtomicBool, Ordering};

use tch::{Device, Kind, Tensor};

/// Samples that one thread scores at a time, on the CPU, at most; and up to how many are not worth
/// sharing.
const CPU_ROWS: i64 = 512;
const CPU_FEW_ROWS: i64 = 64;

/// Crops that go through the network at a time on the CPU: large enough to keep the arithmetic
/// busy, small enough that most activations stay in the last-level cache.
const CPU_CHUNK: usize = 16;

/// Crops that go through the network at a time on a GPU: bounds its memory.
const GPU_CHUNK: usize = 256;

/// Whether the CPU follows the plan of a GPU (`force_gpu`).
static FORCED: AtomicBool = AtomicBool::new(false);

/// Lets the CPU follow the plan of a GPU, for tests on machines without one: models that are made
/// from now on have a GPU's operators and layouts.
#[cfg(feature = "internals")]
pub fn force_gpu(forced: bool) {
    FORCED.store(forced, Ordering::Relaxed);
}

/// How work is laid out on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether operators run on a GPU: few large operators are faster there than many small ones.
    pub gpu: bool,
    /// Whether there is a GPU: some operators exist there alone.
    pub cuda: bool,
}

impl Plan {
    /// The plan for a device.
    pub fn on(device: Device) -> Self {
        let cuda = device.is_cuda();
        Self { gpu: cuda || FORCED.load(Ordering::Relaxed), cuda }
    }

    /// The plan for the device that a tensor is on.
    pub fn of(tensor: &Tensor) -> Self {
        Self::on(tensor.device())
    }

    /// Threads that take chunks of crops: on a GPU there is always one.
    pub fn threads(self, threads: usize) -> usize {
        if self.gpu { 1 } else { threads }
    }

    /// Chunks in which `crops` crops go through the network. On the CPU they are nearly of one size
    /// and their number is a multiple of four, so that several threads finish together. The number
    /// of threads has no influence, because no result may depend on it. Below eight crops, the
    /// kernels' preparation of the weights is no longer small compared with the arithmetic.
    pub fn chunks(self, crops: usize) -> usize {
        if self.gpu {
            return crops.div_ceil(GPU_CHUNK);
        }
        crops.div_ceil(CPU_CHUNK).next_multiple_of(4).min(crops.div_ceil(CPU_CHUNK / 2))
    }

    /// Crops that go through the first layers at a time: on the CPU few enough that the previous
    /// layer's output is still in the core's cache. In bfloat16 crops are half as large and
    /// preparing a pass costs more, so more go at a time.
    pub fn piece(self, kind: Kind) -> i64 {
        match (self.gpu, kind) {
            (true, _) => GPU_CHUNK as i64,
            (false, Kind::BFloat16) => 8,
            (false, _) => 2,
        }
    }

    /// Samples that are scored at a time, of `samples`: on the CPU in an even number of equal
    /// parts, so that two threads finish together. The number of threads has no influence, because
    /// no result may depend on it.
    pub fn rows(self, samples: i64) -> i64 {
        if self.gpu || samples <= CPU_FEW_ROWS {
            return samples.max(1);
        }
        let parts = (samples as u64).div_ceil(CPU_ROWS as u64).next_multiple_of(2);
        (samples as u64).div_ceil(parts) as i64
    }

    /// The same values in the memory order that is fastest: channels-last on the CPU.
    pub fn arranged(self, tensor: &Tensor) -> Tensor {
        if self.gpu {
            return tensor.contiguous();
        }
        tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
    }
}

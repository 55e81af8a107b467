//! The structures and functions of `block.c`.

use std::ffi::c_long;

use crate::Width;
#[cfg(target_arch = "x86_64")]
use crate::dispatch::declared;
use crate::dispatch::for_each_width;

/// C's value for masks in place of `ReLU6`.
pub(super) const MASKED: c_long = 2;

/// `struct attrax_block` of `block.c`.
#[repr(C)]
pub(super) struct RawBlock {
    pub expand: *const f32,
    pub expand_bias: *const f32,
    pub depthwise: *const f32,
    pub depthwise_bias: *const f32,
    pub project: *const f32,
    pub project_bias: *const f32,
    pub input: c_long,
    pub middle: c_long,
    pub output: c_long,
    pub kernel: c_long,
    pub stride: c_long,
    pub dilation: c_long,
    pub padding: c_long,
    pub transposed: c_long,
    pub residual: c_long,
}

/// `struct attrax_pass` of `block.c`.
#[repr(C)]
pub(super) struct RawPass {
    pub input: *const f32,
    pub output: *mut f32,
    pub expanded: *mut f32,
    pub filtered: *mut f32,
    pub rounded: *mut f32,
    pub expanded_bits: *mut u8,
    pub filtered_bits: *mut u8,
    pub height: c_long,
    pub width: c_long,
    pub out_width: c_long,
    pub begin: c_long,
    pub end: c_long,
    pub top: c_long,
    pub rows: c_long,
    pub left: c_long,
    pub side: c_long,
    pub mode: c_long,
}

for_each_width! {
    /// Runs a block on a strip.
    ///
    /// # Safety
    /// As [`run`].
    unsafe fn run_unrounded(block: &RawBlock, pass: &RawPass) = "attrax_block_";
}

/// Runs a block on a strip, `rounded` with products of bfloat16 (AVX-512 alone).
///
/// # Safety
/// The processor has the vectors, and for a rounded block AVX-512 BF16. Every pointer leads to as
/// many numbers as `block.c` reads or writes there.
pub(super) unsafe fn run(width: Width, rounded: bool, block: &RawBlock, pass: &RawPass) {
    #[cfg(target_arch = "x86_64")]
    if rounded {
        declared!(avx512bf16, "attrax_block_avx512bf16", RawBlock, RawPass);
        // SAFETY: as the caller promises.
        return unsafe { avx512bf16(block, pass) };
    }
    debug_assert!(!rounded, "other processors have no rounded blocks");
    // SAFETY: as the caller promises.
    unsafe { run_unrounded(width, block, pass) }
}

#[cfg(all(test, attrax_kernels))]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    unsafe extern "C" {
        static attrax_block_layout_portable: [usize; 7];
    }

    #[test]
    fn structures_are_laid_out_as_in_c() {
        let expected = [
            size_of::<RawBlock>(),
            offset_of!(RawBlock, input),
            offset_of!(RawBlock, residual),
            size_of::<RawPass>(),
            offset_of!(RawPass, expanded_bits),
            offset_of!(RawPass, height),
            offset_of!(RawPass, mode),
        ];
        // SAFETY: a constant array of this length in `block.c`.
        assert_eq!(unsafe { attrax_block_layout_portable }, expected);
    }
}

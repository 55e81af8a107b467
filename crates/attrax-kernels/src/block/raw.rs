//! The structures and functions of `block.c`.

use std::ffi::c_long;

use crate::Width;

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

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    fn attrax_block_avx512bf16(block: *const RawBlock, pass: *const RawPass);
    fn attrax_block_avx512(block: *const RawBlock, pass: *const RawPass);
    fn attrax_block_avx2(block: *const RawBlock, pass: *const RawPass);
    fn attrax_block_sse2(block: *const RawBlock, pass: *const RawPass);
}
#[cfg(target_arch = "aarch64")]
unsafe extern "C" {
    fn attrax_block_neon(block: *const RawBlock, pass: *const RawPass);
}
#[cfg(attrax_kernels)]
unsafe extern "C" {
    fn attrax_block_portable(block: *const RawBlock, pass: *const RawPass);
    #[cfg(test)]
    static attrax_block_layout_portable: [usize; 7];
}

/// Runs a block on a strip, `rounded` with products of bfloat16 (AVX-512 alone). On processors
/// without kernels there is no width to call it with.
///
/// # Safety
/// The processor has the vectors, and for a rounded block AVX-512 BF16. Every pointer leads to as
/// many numbers as `block.c` reads or writes there.
#[cfg_attr(not(attrax_kernels), expect(unused_variables, reason = "there are no kernels for this processor"))]
pub(super) unsafe fn run(width: Width, rounded: bool, block: &RawBlock, pass: &RawPass) {
    // SAFETY: as the caller promises.
    #[cfg(attrax_kernels)]
    unsafe {
        match width {
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 if rounded => attrax_block_avx512bf16(block, pass),
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => attrax_block_avx512(block, pass),
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => attrax_block_avx2(block, pass),
            #[cfg(target_arch = "x86_64")]
            Width::Sse2 => attrax_block_sse2(block, pass),
            #[cfg(target_arch = "aarch64")]
            Width::Neon => attrax_block_neon(block, pass),
            _ => attrax_block_portable(block, pass),
        }
    }
}

#[cfg(all(test, attrax_kernels))]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

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

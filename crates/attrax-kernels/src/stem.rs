//! The first convolution of a network (`stem.c`), on slices of numbers.

use std::cell::RefCell;
use std::ffi::c_long;
use std::ops::Range;

use super::dispatch::for_each_width;
use super::lines::Lines;
use super::{Plane, Values, Width};

/// The shape of a convolution with the same kernel side, stride and padding along both axes.
#[derive(Clone, Copy, Debug)]
pub struct StemShape {
    /// Channels of the input.
    pub input: usize,
    /// Channels of the output.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Pixels between two windows.
    pub stride: usize,
    /// Zeros on each side of the input.
    pub padding: usize,
    /// Whether the input is rotated by 180 degrees first.
    pub rotated: bool,
}

/// A convolution, ready to run.
#[derive(Debug)]
pub struct Stem {
    width: Width,
    shape: StemShape,
    weights: Lines,
    bias: Lines,
}

/// `struct attrax_stem` of `stem.c`.
#[repr(C)]
struct RawStem {
    weights: *const f32,
    bias: *const f32,
    input: c_long,
    output: c_long,
    kernel: c_long,
    stride: c_long,
    padding: c_long,
    rotated: c_long,
}

/// `struct attrax_stem_pass` of `stem.c`.
#[repr(C)]
struct RawPass {
    input: *const f32,
    output: *mut f32,
    lines: *mut f32,
    height: c_long,
    width: c_long,
    out_width: c_long,
    begin: c_long,
    end: c_long,
    side: c_long,
}

for_each_width! {
    /// Runs the convolution.
    ///
    /// # Safety
    /// The processor has the vectors, and every pointer leads to as many numbers as `stem.c` reads
    /// or writes there.
    unsafe fn run(stem: &RawStem, pass: &RawPass) = "attrax_stem_";
}

thread_local! {
    /// Rows of the input, whose memory stays.
    static SCRATCH: RefCell<Lines> = RefCell::default();
}

impl Stem {
    /// A convolution of weights `(output, kernel, kernel, input)` and biases `(output)`, or `None`
    /// if the processor lacks the vectors.
    ///
    /// # Panics
    /// If the weights' length does not match the shape.
    #[must_use]
    pub fn new(width: Width, shape: StemShape, weights: &[f32], bias: &[f32]) -> Option<Self> {
        let depth = shape.kernel * shape.kernel * shape.input;
        assert_eq!((weights.len(), bias.len()), (shape.output * depth, shape.output), "weights of another shape");
        let whole = depth > 0 && shape.output > 0 && shape.stride > 0;
        (whole && Width::all().contains(&width)).then(|| Self {
            width,
            shape,
            weights: Lines::panels(weights, depth, width),
            bias: Lines::padded(bias, width),
        })
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> StemShape {
        self.shape
    }

    /// Some rows of the output for one input, both dense NHWC. Windows outside the plane see zeros.
    ///
    /// # Panics
    /// If a slice's length does not match its plane.
    pub fn run<'v>(
        &self,
        input: impl Into<Values<'v>>,
        (plane, out): (Plane, Plane),
        rows: Range<usize>,
        output: &mut [f32],
    ) {
        let input = input.into();
        let StemShape { input: channels, output: out_channels, kernel, stride, padding, rotated } = self.shape;
        assert_eq!(input.len(), plane.pixels() * channels, "the input's length");
        assert_eq!(output.len(), rows.len() * out.width * out_channels, "the output's length");
        if output.is_empty() {
            return;
        }
        let side = (out.width.max(1) - 1) * stride + kernel.max(padding);
        let stem = RawStem {
            weights: self.weights.as_ptr(),
            bias: self.bias.as_ptr(),
            input: channels as c_long,
            output: out_channels as c_long,
            kernel: kernel as c_long,
            stride: stride as c_long,
            padding: padding as c_long,
            rotated: c_long::from(rotated),
        };
        SCRATCH.with_borrow_mut(|lines| {
            lines.reserve(kernel * side * channels);
            let pass = RawPass {
                input: input.as_ptr(),
                output: output.as_mut_ptr(),
                lines: lines.as_mut_ptr(),
                height: plane.height as c_long,
                width: plane.width as c_long,
                out_width: out.width as c_long,
                begin: rows.start as c_long,
                end: rows.end as c_long,
                side: side as c_long,
            };
            // SAFETY: the processor has the vectors, or there were no stem. Weights, planes and the
            // rows' memory are as long as the shape says, which was asserted; rows outside the
            // plane are not read. Nothing else has the output or the scratch.
            unsafe { run(self.width, &stem, &pass) };
        });
    }
}

#[cfg(all(test, attrax_kernels))]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    unsafe extern "C" {
        static attrax_stem_layout_portable: [usize; 6];
    }

    #[test]
    fn structures_are_laid_out_as_in_c() {
        let expected = [
            size_of::<RawStem>(),
            offset_of!(RawStem, input),
            offset_of!(RawStem, rotated),
            size_of::<RawPass>(),
            offset_of!(RawPass, height),
            offset_of!(RawPass, side),
        ];
        // SAFETY: a constant array of this length in `stem.c`.
        assert_eq!(unsafe { attrax_stem_layout_portable }, expected);
    }
}

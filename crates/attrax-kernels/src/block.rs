//! An inverted residual block, its derivative and its adjoint (`block.c`), on slices of numbers.

mod raw;

use std::cell::RefCell;
use std::ffi::c_long;
use std::ops::Range;
use std::ptr;

use self::raw::{MASKED, RawBlock, RawPass};
use super::lines::Lines;
use super::{Values, Width};

/// The shape of an inverted residual block, or of its adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Channels of the input.
    pub input: usize,
    /// Channels of the depthwise convolution: a multiple of 16.
    pub middle: usize,
    /// Channels of the output: a multiple of 8.
    pub output: usize,
    /// Side of the depthwise convolution's kernel: 7 at most.
    pub kernel: usize,
    /// Its stride.
    pub stride: usize,
    /// Pixels between its taps.
    pub dilation: usize,
    /// Zeros on each side of its input.
    pub padding: usize,
    /// Whether it is transposed: then there is no dilation.
    pub transposed: bool,
    /// Whether the input is added to the output.
    pub residual: bool,
}

/// A block's weights, each with an optional bias.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `(middle, input)`; without them the input has the middle channels.
    pub expand: Option<&'a [f32]>,
    /// `(middle)`.
    pub expand_bias: Option<&'a [f32]>,
    /// `(kernel, kernel, middle)`.
    pub depthwise: &'a [f32],
    /// `(middle)`.
    pub depthwise_bias: Option<&'a [f32]>,
    /// `(output, middle)`; without them the output has the middle channels.
    pub project: Option<&'a [f32]>,
    /// `(output)`.
    pub project_bias: Option<&'a [f32]>,
}

/// Rows and columns of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Plane {
    /// The output plane of windows with side `window`, stride and padding.
    #[must_use]
    pub fn convolved(self, window: usize, stride: usize, padding: usize) -> Self {
        let along = |length: usize| (length + 2 * padding).saturating_sub(window) / stride.max(1) + 1;
        Self { height: along(self.height), width: along(self.width) }
    }

    /// Pixels.
    #[must_use]
    pub fn pixels(self) -> usize {
        self.height * self.width
    }
}

/// What is between the products and the depthwise convolution. There is a bit for each number,
/// [`Kernel::bits`] bytes of them.
#[derive(Debug)]
pub enum Activation<'a> {
    /// `ReLU6`.
    Relu6,
    /// `ReLU6`, and where it passes: where its input is strictly between 0 and 6, of the expanded
    /// and of the filtered channels.
    Recorded(&'a mut [u8], &'a mut [u8]),
    /// What was recorded: zero where `ReLU6` did not pass.
    Mask(&'a [u8], &'a [u8]),
}

/// A block, ready to run.
#[derive(Debug)]
pub struct Kernel {
    width: Width,
    shape: Shape,
    expand: Option<Lines>,
    expand_bias: Option<Lines>,
    depthwise: Lines,
    depthwise_bias: Option<Lines>,
    project: Option<Lines>,
    project_bias: Option<Lines>,
    /// Whether the factors of both products are bfloat16.
    rounded: bool,
}

/// Numbers in the strip of a plane that is worked on at a time: they fit a core's L2 cache with
/// room for weights.
const STRIP: usize = 320 * 1024;

/// Side of the largest kernel.
const LARGEST: usize = 7;

thread_local! {
    /// The strip's memory, which stays.
    static SCRATCH: RefCell<[Lines; 3]> = RefCell::default();
}

impl Kernel {
    /// A block of these weights. `None` if there is no kernel for its shape or the processor lacks
    /// the vectors.
    ///
    /// # Panics
    /// If the weights' length does not match the shape.
    #[must_use]
    pub fn new(width: Width, shape: Shape, weights: &Weights<'_>) -> Option<Self> {
        let Shape { input, middle, output, kernel, stride, dilation, transposed, .. } = shape;
        let whole = middle.is_multiple_of(16) && output.is_multiple_of(8) && input > 0 && output > 0 && middle > 0;
        let known = (1..=LARGEST).contains(&kernel) && stride > 0 && dilation > 0 && !(transposed && dilation > 1);
        // The projection adds the input.
        let added = !shape.residual || (input == output && stride == 1 && weights.project.is_some());
        if !Width::all().contains(&width) || !whole || !known || !added || shape.padding >= kernel * dilation {
            return None;
        }
        let length = |numbers: Option<&[f32]>, expected: usize| {
            assert!(numbers.is_none_or(|numbers| numbers.len() == expected), "weights of another shape");
        };
        length(weights.expand, middle * input);
        length(weights.expand_bias, middle);
        length(Some(weights.depthwise), kernel * kernel * middle);
        length(weights.depthwise_bias, middle);
        length(weights.project, output * middle);
        length(weights.project_bias, output);
        assert!(weights.expand.is_some() || input == middle, "channels of the input");
        assert!(weights.project.is_some() || output == middle, "channels of the output");
        let padded = |numbers: Option<&[f32]>| numbers.map(|numbers| Lines::padded(numbers, width));
        Some(Self {
            width,
            shape,
            expand: weights.expand.map(|matrix| Lines::panels(matrix, input, width)),
            expand_bias: padded(weights.expand_bias),
            depthwise: Lines::padded(weights.depthwise, width),
            depthwise_bias: padded(weights.depthwise_bias),
            project: weights.project.map(|matrix| Lines::panels(matrix, middle, width)),
            project_bias: padded(weights.project_bias),
            rounded: false,
        })
    }

    /// The same block with the factors of its two products, weights and activations, rounded to
    /// bfloat16, about twice as fast. Sums, biases, the depthwise convolution, the residual and the
    /// output stay in 32 bits. For [`Activation::Relu6`] alone.
    ///
    /// The block as it was, if the processor lacks AVX-512 BF16, the width is another than
    /// AVX-512, or there is no second product.
    #[must_use]
    pub fn rounded(self) -> Self {
        let even = self.expand.is_none() || self.shape.input.is_multiple_of(2);
        if self.rounded || !self.width.rounds() || self.project.is_none() || !even {
            return self;
        }
        let Shape { input, middle, output, .. } = self.shape;
        let pairs = |lines: Option<Lines>, out, depth| lines.map(|lines| lines.pairs(out, depth, self.width));
        Self {
            expand: pairs(self.expand, middle, input),
            project: pairs(self.project, output, middle),
            rounded: true,
            ..self
        }
    }

    /// Bytes of the bits for a plane of the middle channels.
    #[must_use]
    pub fn bits(&self, plane: Plane) -> usize {
        plane.pixels() * self.shape.middle / 8
    }

    /// Some rows of the output for one input, both dense NHWC.
    ///
    /// # Panics
    /// If a slice's length does not match its plane, or the input's plane is empty.
    pub fn run<'v>(
        &self,
        input: impl Into<Values<'v>>,
        (plane, out): (Plane, Plane),
        rows: Range<usize>,
        activation: Activation<'_>,
        output: &mut [f32],
    ) {
        let input = input.into();
        let Shape { input: channels, middle, output: out_channels, residual, .. } = self.shape;
        assert_eq!(input.len(), plane.pixels() * channels, "the input's length");
        assert_eq!(output.len(), rows.len() * out.width * out_channels, "the output's length");
        assert!(rows.end <= out.height && (!residual || plane == out), "the output's rows");
        let recorded = !matches!(activation, Activation::Relu6);
        assert!(!(self.rounded && recorded), "a rounded block has no derivative");
        let (expanded_bits, filtered_bits, mode) = match activation {
            Activation::Relu6 => (ptr::null_mut(), ptr::null_mut(), 0),
            Activation::Recorded(expanded, filtered) => {
                assert_eq!((expanded.len(), filtered.len()), (self.bits(plane), self.bits(out)), "the bits' length");
                (expanded.as_mut_ptr(), filtered.as_mut_ptr(), 1)
            }
            // They are only read.
            Activation::Mask(expanded, filtered) => {
                assert_eq!((expanded.len(), filtered.len()), (self.bits(plane), self.bits(out)), "the bits' length");
                (expanded.as_ptr().cast_mut(), filtered.as_ptr().cast_mut(), MASKED)
            }
        };
        if output.is_empty() {
            return;
        }
        assert!(plane.pixels() > 0, "the input's plane is empty");
        let (columns, panel) = (self.input_range(&(0..out.width)), self.width.panel());
        let (left, right) = ((-columns.start).max(0) as usize, (columns.end - plane.width as isize).max(0) as usize);
        let side = left + plane.width + right;
        // What a row of the output adds to a strip.
        let row = self.input_range(&(0..2)).end - self.input_range(&(0..1)).end;
        let row_length = row.max(1) as usize * side * panel + out.width * middle;
        let most = (STRIP / row_length.max(1)).max(1);
        let strips = rows.len().div_ceil(most);
        let block = self.raw(mode != MASKED);
        SCRATCH.with_borrow_mut(|[expanded, filtered, rounded]| {
            for strip in 0..strips {
                let at = |strip: usize| rows.start + strip * rows.len() / strips;
                let (begin, end) = (at(strip), at(strip + 1));
                let needed = self.input_range(&(begin..end));
                let top = needed.start.clamp(0, plane.height as isize) as usize;
                let bottom = needed.end.clamp(top as isize, plane.height as isize) as usize;
                expanded.reserve((bottom - top) * side * panel);
                filtered.reserve((end - begin) * out.width * middle.next_multiple_of(panel));
                if self.rounded {
                    rounded.reserve(((bottom - top) * plane.width * channels).div_ceil(2));
                }
                let done = (begin - rows.start) * out.width * out_channels;
                let pass = RawPass {
                    input: input.as_ptr(),
                    output: output[done..].as_mut_ptr(),
                    expanded: expanded.as_mut_ptr(),
                    filtered: filtered.as_mut_ptr(),
                    rounded: rounded.as_mut_ptr(),
                    expanded_bits,
                    filtered_bits,
                    height: plane.height as c_long,
                    width: plane.width as c_long,
                    out_width: out.width as c_long,
                    begin: begin as c_long,
                    end: end as c_long,
                    top: top as c_long,
                    rows: (bottom - top) as c_long,
                    left: left as c_long,
                    side: side as c_long,
                    mode,
                };
                // SAFETY: the processor has the vectors (`Width::all`), and those of a rounded
                // block (`Width::rounds`). Weights, planes and bits are as long as the shape says,
                // which was asserted, and no plane is empty; the scratch has room for the strip's
                // rows with their zeros, and all taps of the output's rows that are in the plane
                // are in the strip. Nothing else has the output, the recorded bits or the scratch.
                unsafe { raw::run(self.width, self.rounded, &block, &pass) };
            }
        });
    }

    /// The positions of the input, along one axis, that positions of the output need, those outside
    /// the plane among them.
    fn input_range(&self, out: &Range<usize>) -> Range<isize> {
        let Shape { kernel, stride, dilation, padding, transposed, .. } = self.shape;
        let [first, last, kernel, stride, dilation, padding] =
            [out.start, out.end.saturating_sub(1), kernel, stride, dilation, padding].map(|number| number as isize);
        if transposed {
            let up = first + padding - (kernel - 1);
            return -(-up).div_euclid(stride)..(last + padding).div_euclid(stride) + 1;
        }
        first * stride - padding..last * stride + (kernel - 1) * dilation - padding + 1
    }

    /// The block for C; a derivative has no biases.
    fn raw(&self, biased: bool) -> RawBlock {
        let pointer = |lines: &Option<Lines>| lines.as_ref().map_or(ptr::null(), Lines::as_ptr);
        let bias = |lines: &Option<Lines>| if biased { pointer(lines) } else { ptr::null() };
        let Shape { input, middle, output, kernel, stride, dilation, padding, transposed, residual } = self.shape;
        RawBlock {
            expand: pointer(&self.expand),
            expand_bias: bias(&self.expand_bias),
            depthwise: self.depthwise.as_ptr(),
            depthwise_bias: bias(&self.depthwise_bias),
            project: pointer(&self.project),
            project_bias: bias(&self.project_bias),
            input: input as c_long,
            middle: middle as c_long,
            output: output as c_long,
            kernel: kernel as c_long,
            stride: stride as c_long,
            dilation: dilation as c_long,
            padding: padding as c_long,
            transposed: c_long::from(transposed),
            residual: c_long::from(residual),
        }
    }
}

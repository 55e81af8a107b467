//! The inverted residual blocks of the embedded network by their kernels, each alone.

use attrax_kernels::{Activation, Kernel, Plane, Shape, Weights, Width};
use attrax_tracker::internals::backbone::BlockShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::THREADS;
use crate::support::network::Architecture;

/// Inputs of each thread, one after the other: their planes find the weights in the cache.
const INPUTS: usize = 512;

/// A block: channels of the input, in the middle and of the output, kernel, stride, and the side of
/// its input.
#[derive(Clone, Copy, PartialEq)]
pub struct Block(usize, usize, usize, usize, usize, usize);

/// Side of the first block's input, pixels.
const SIDE: usize = 56;

/// The blocks of the embedded network, in order.
pub fn blocks() -> Vec<Block> {
    let shapes = BlockShape::of(&Architecture::EfficientNet.parameters()).expect("the embedded blocks are valid");
    let mut side = SIDE;
    let block = |BlockShape { input, middle, output, kernel, stride }: BlockShape| {
        let [input, middle, output, kernel, stride] =
            [input, middle, output, kernel, stride].map(|length| length as usize);
        let block = Block(input, middle, output, kernel, stride, side);
        side = side.div_ceil(stride);
        block
    };
    shapes.into_iter().map(block).collect()
}

impl Block {
    /// Products in a pass over a window of `side` pixels whose boxes are `step` pixels apart: with
    /// 8, planes of 7 x 7 for a crop of 112 have twice as many positions along each axis.
    pub fn products(self, side: usize, step: usize) -> usize {
        let Self(input, middle, output, kernel, stride, crop_side) = self;
        let positions = |cells: usize| {
            let apart = (112 / cells).min(step);
            (side / apart).pow(2)
        };
        let first = if input == middle { 0 } else { positions(crop_side) * input * middle };
        first + positions(crop_side / stride) * middle * (kernel * kernel + output)
    }

    /// Its name.
    pub fn name(self) -> String {
        let Self(input, _, output, kernel, stride, side) = self;
        format!("block {side}x{side}x{input} to {output}, {kernel}x{kernel} by {stride}")
    }

    fn shape(self) -> Shape {
        let Self(input, middle, output, kernel, stride, _) = self;
        let residual = stride == 1 && input == output;
        Shape { input, middle, output, kernel, stride, dilation: 1, padding: kernel / 2, transposed: false, residual }
    }

    fn planes(self) -> (Plane, Plane) {
        let (Shape { kernel, stride, padding, .. }, side) = (self.shape(), self.5);
        let plane = Plane { height: side, width: side };
        (plane, plane.convolved(kernel, stride, padding))
    }

    /// Floating-point operations of a run, two for each product and sum.
    pub fn operations(self) -> f64 {
        let (Shape { input, middle, output, kernel, .. }, (plane, out)) = (self.shape(), self.planes());
        let first = if input == middle { 0 } else { plane.pixels() * input * middle };
        (2 * INPUTS * THREADS * (first + out.pixels() * middle * (kernel * kernel + output))) as f64
    }

    /// A run: some inputs in each thread. `None` if this processor has no kernel.
    pub fn work(self) -> Option<Box<dyn FnMut()>> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut numbers = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.random_range(-0.2..0.2)).collect() };
        let shape @ Shape { input, middle, output, kernel, .. } = self.shape();
        let (first, depthwise, second) =
            (numbers(middle * input), numbers(kernel * kernel * middle), numbers(output * middle));
        let (wide, narrow) = (numbers(middle), numbers(output));
        let expands = input != middle;
        let weights = Weights {
            expand: expands.then_some(first.as_slice()),
            expand_bias: expands.then_some(wide.as_slice()),
            depthwise: &depthwise,
            depthwise_bias: Some(&wide),
            project: Some(&second),
            project_bias: Some(&narrow),
        };
        let kernel = Kernel::new(Width::chosen().ok()??, shape, &weights)?;
        let (plane, out) = self.planes();
        let mut planes: Vec<_> =
            (0..THREADS).map(|_| (numbers(plane.pixels() * input), vec![0.0; out.pixels() * output])).collect();
        // Threads that stay, as the tracker's do: each keeps the memory of its strips.
        let threads = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().ok()?;
        Some(Box::new(move || {
            threads.scope(|scope| {
                for (input, output) in &mut planes {
                    let kernel = &kernel;
                    scope.spawn(move |_| {
                        for _ in 0..INPUTS {
                            kernel.run(&*input, (plane, out), 0..out.height, Activation::Relu6, output);
                        }
                    });
                }
            });
        }))
    }
}

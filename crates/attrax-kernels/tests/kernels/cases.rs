//! Random cases around the kernels' tile sizes.

use attrax_kernels::{Plane, Shape, StemShape};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::reference::BlockWeights;

pub fn numbers(rng: &mut ChaCha8Rng, count: usize, reach: f32) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-reach..reach)).collect()
}

/// Planes of few rows whose width is near a tile's.
fn plane(rng: &mut ChaCha8Rng) -> Plane {
    Plane { height: rng.random_range(1..9), width: rng.random_range(1..33) }
}

/// A block and the planes of its input and output.
pub fn block(rng: &mut ChaCha8Rng) -> (Shape, BlockWeights, (Plane, Plane)) {
    loop {
        let kernel = [1, 3, 3, 3, 5, 5, 7][rng.random_range(0..7)];
        let (stride, dilation) = ([1, 1, 2, 3][rng.random_range(0..4)], [1, 1, 1, 2][rng.random_range(0..4)]);
        let (expands, residual) = (rng.random_bool(0.8), stride == 1 && rng.random_bool(0.4));
        let middle = 16 * rng.random_range(1..7);
        let output = 8 * rng.random_range(1..8);
        let input = if !expands {
            middle
        } else if residual {
            output
        } else {
            rng.random_range(1..50)
        };
        let output = if residual { input } else { output };
        if output % 8 != 0 {
            continue;
        }
        let span = (kernel - 1) * dilation;
        let padding = if residual { span / 2 } else { rng.random_range(0..=span / 2) };
        let shape = Shape { input, middle, output, kernel, stride, dilation, padding, transposed: false, residual };
        let plane = plane(rng);
        if plane.height.min(plane.width) + 2 * padding < span + 1 {
            continue;
        }
        let weights = BlockWeights {
            expand: expands.then(|| numbers(rng, middle * input, 2.0 / (input as f32).sqrt())),
            expand_bias: expands.then(|| numbers(rng, middle, 2.0)),
            depthwise: numbers(rng, kernel * kernel * middle, 1.0),
            depthwise_bias: Some(numbers(rng, middle, 2.0)),
            project: Some(numbers(rng, output * middle, 1.0 / (middle as f32).sqrt())),
            project_bias: Some(numbers(rng, output, 1.0)),
        };
        return (shape, weights, (plane, plane.convolved(span + 1, stride, padding)));
    }
}

/// The adjoint of a block without dilation: the products change places.
pub fn adjoint(shape: Shape, weights: &BlockWeights) -> (Shape, BlockWeights) {
    let transposed = |matrix: &[f32], rows: usize| -> Vec<f32> {
        let columns = matrix.len() / rows;
        (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
    };
    let expand = weights.project.as_deref().map(|matrix| transposed(matrix, shape.output));
    let project = weights.expand.as_deref().map(|matrix| transposed(matrix, shape.middle));
    let swapped = Shape { input: shape.output, output: shape.input, transposed: true, ..shape };
    (swapped, BlockWeights { expand, depthwise: weights.depthwise.clone(), project, ..BlockWeights::default() })
}

/// A first convolution, its weights and biases, and its planes.
pub fn stem(rng: &mut ChaCha8Rng) -> (StemShape, [Vec<f32>; 2], (Plane, Plane)) {
    loop {
        let shape = StemShape {
            input: rng.random_range(1..5),
            output: rng.random_range(1..40),
            kernel: rng.random_range(1..8),
            stride: rng.random_range(1..4),
            padding: rng.random_range(0..3),
            rotated: rng.random_bool(0.5),
        };
        let plane = plane(rng);
        if plane.height.min(plane.width) + 2 * shape.padding < shape.kernel {
            continue;
        }
        let depth = shape.kernel * shape.kernel * shape.input;
        let weights = [numbers(rng, shape.output * depth, 0.5), numbers(rng, shape.output, 1.0)];
        return (shape, weights, (plane, plane.convolved(shape.kernel, shape.stride, shape.padding)));
    }
}

/// The columns of a crop: where the first of two neighbours begins in a row, and their weights.
type Columns = Vec<(usize, [f32; 2])>;

/// The columns of a crop, which are up to four pixels apart, the mean, and two lines that end where
/// the last column does or later.
pub fn crop(rng: &mut ChaCha8Rng) -> (Columns, f32, [Vec<u8>; 2]) {
    let mut first = 3 * rng.random_range(0..4);
    let pixels = (0..rng.random_range(1..70)).map(|_| {
        first += 3 * rng.random_range(0..5);
        (first, [rng.random_range(0.0..0.01), rng.random_range(0.0..0.01)])
    });
    let pixels: Columns = pixels.collect();
    let length = first + 6 + 3 * rng.random_range(0..4);
    let lines = [(); 2].map(|()| (0..length).map(|_| rng.random_range(0..=255)).collect());
    (pixels, rng.random_range(0.0..255.0), lines)
}

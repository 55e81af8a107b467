//! The kernels' arithmetic in plain loops and double precision.

use attrax_kernels::{Line, Plane, Shape, StemShape};

/// A block's weights, in the layout of [`attrax_kernels::Weights`].
#[derive(Clone, Debug, Default)]
pub struct BlockWeights {
    pub expand: Option<Vec<f32>>,
    pub expand_bias: Option<Vec<f32>>,
    pub depthwise: Vec<f32>,
    pub depthwise_bias: Option<Vec<f32>>,
    pub project: Option<Vec<f32>>,
    pub project_bias: Option<Vec<f32>>,
}

/// What is between the products: `ReLU6`, or masks of the expanded and of the filtered channels.
#[derive(Clone, Copy, Debug)]
pub enum Between<'a> {
    Relu6,
    Mask(&'a [u8], &'a [u8]),
}

/// A block's output, and the inputs of its two activations.
pub struct BlockPass {
    pub output: Vec<f64>,
    pub expanded: Vec<f64>,
    pub filtered: Vec<f64>,
}

/// Whether a bit is set.
pub fn bit(bits: &[u8], place: usize) -> bool {
    bits[place / 8] >> (place % 8) & 1 == 1
}

fn activated(values: &[f64], mask: Option<&[u8]>) -> Vec<f64> {
    let one = |(place, value): (usize, &f64)| match mask {
        Some(bits) => f64::from(u8::from(bit(bits, place))) * value,
        None => value.clamp(0.0, 6.0),
    };
    values.iter().enumerate().map(one).collect()
}

/// A product with a matrix `(out, depth)`, pixel by pixel; without one, the input.
fn product(input: &[f64], depth: usize, matrix: Option<&[f32]>, bias: Option<&[f32]>) -> Vec<f64> {
    let Some(matrix) = matrix else { return input.to_vec() };
    let mut output = Vec::new();
    for pixel in input.chunks_exact(depth) {
        for (channel, row) in matrix.chunks_exact(depth).enumerate() {
            let sum: f64 = row.iter().zip(pixel).map(|(weight, value)| f64::from(*weight) * value).sum();
            output.push(sum + bias.map_or(0.0, |bias| f64::from(bias[channel])));
        }
    }
    output
}

/// The place of the input that a tap of an output's place reads, if it is inside.
fn source(shape: &Shape, place: usize, tap: usize, length: usize) -> Option<usize> {
    let from = if shape.transposed {
        let shifted = (place + shape.padding).checked_sub(tap)?;
        shifted.is_multiple_of(shape.stride).then(|| shifted / shape.stride)?
    } else {
        (place * shape.stride + tap * shape.dilation).checked_sub(shape.padding)?
    };
    (from < length).then_some(from)
}

/// A whole block; a derivative (masks) has no biases.
pub fn block(
    shape: &Shape,
    weights: &BlockWeights,
    input: &[f32],
    (plane, out): (Plane, Plane),
    between: Between<'_>,
) -> BlockPass {
    let (masks, biased) = match between {
        Between::Relu6 => ([None, None], true),
        Between::Mask(expanded, filtered) => ([Some(expanded), Some(filtered)], false),
    };
    let bias = |bias: &Option<Vec<f32>>| bias.clone().filter(|_| biased);
    let input: Vec<f64> = input.iter().copied().map(f64::from).collect();
    let expanded = product(&input, shape.input, weights.expand.as_deref(), bias(&weights.expand_bias).as_deref());
    let active = activated(&expanded, masks[0]);
    let depthwise_bias = bias(&weights.depthwise_bias);
    let mut filtered = Vec::new();
    for row in 0..out.height {
        for column in 0..out.width {
            for channel in 0..shape.middle {
                let mut sum = depthwise_bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
                for ky in 0..shape.kernel {
                    for kx in 0..shape.kernel {
                        let places = source(shape, row, ky, plane.height).zip(source(shape, column, kx, plane.width));
                        let Some((y, x)) = places else { continue };
                        let weight = weights.depthwise[(ky * shape.kernel + kx) * shape.middle + channel];
                        sum += f64::from(weight) * active[(y * plane.width + x) * shape.middle + channel];
                    }
                }
                filtered.push(sum);
            }
        }
    }
    let active = activated(&filtered, masks[1]);
    let mut output = product(&active, shape.middle, weights.project.as_deref(), bias(&weights.project_bias).as_deref());
    if shape.residual {
        output.iter_mut().zip(&input).for_each(|(value, input)| *value += input);
    }
    BlockPass { output, expanded, filtered }
}

/// A first convolution of weights `(output, kernel, kernel, input)`.
pub fn stem(
    shape: &StemShape,
    (weights, bias): (&[f32], &[f32]),
    input: &[f32],
    (plane, out): (Plane, Plane),
) -> Vec<f64> {
    let at = |y: usize, x: usize, channel: usize| {
        let (y, x) = if shape.rotated { (plane.height - 1 - y, plane.width - 1 - x) } else { (y, x) };
        f64::from(input[(y * plane.width + x) * shape.input + channel])
    };
    let mut output = Vec::new();
    for row in 0..out.height {
        for column in 0..out.width {
            for (filter, bias) in weights.chunks_exact(shape.kernel * shape.kernel * shape.input).zip(bias) {
                let mut sum = f64::from(*bias);
                for (place, weight) in filter.iter().enumerate() {
                    let (tap, channel) = (place / shape.input, place % shape.input);
                    let inside = |at: usize, tap: usize, length: usize| {
                        (at * shape.stride + tap).checked_sub(shape.padding).filter(|place| *place < length)
                    };
                    let y = inside(row, tap / shape.kernel, plane.height);
                    let Some((y, x)) = y.zip(inside(column, tap % shape.kernel, plane.width)) else { continue };
                    sum += f64::from(*weight) * at(y, x, channel);
                }
                output.push(sum);
            }
        }
    }
    output
}

/// A row of a crop: the blend of two lines, and of it for each pixel the blend of two neighbours.
pub fn crop_row(pixels: &[(usize, [f32; 2])], line: &Line<'_>) -> Vec<f64> {
    let centred = |which: usize, place: usize| f64::from(line.lines[which][place]) - f64::from(line.mean);
    let blended =
        |place: usize| f64::from(line.weights[0]) * centred(0, place) + f64::from(line.weights[1]) * centred(1, place);
    let pixel = |(first, [left, right]): &(usize, [f32; 2])| {
        let (first, left, right) = (*first, f64::from(*left), f64::from(*right));
        [0, 1, 2].map(|channel| left * blended(first + channel) + right * blended(first + 3 + channel))
    };
    pixels.iter().flat_map(pixel).collect()
}

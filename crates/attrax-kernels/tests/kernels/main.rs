//! Every kernel, for every vector width that this processor runs, against plain loops in double
//! precision.

#![allow(clippy::unwrap_used, missing_docs, reason = "a failed test may panic")]

mod cases;
mod reference;

use attrax_kernels::{Activation, Columns, Kernel, Line, Plane, Shape, Stem, Weights, Width};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use reference::{Between, BlockWeights, bit};

const CASES: u64 = 120;

fn kernel(width: Width, shape: Shape, weights: &BlockWeights) -> Option<Kernel> {
    let weights = Weights {
        expand: weights.expand.as_deref(),
        expand_bias: weights.expand_bias.as_deref(),
        depthwise: &weights.depthwise,
        depthwise_bias: weights.depthwise_bias.as_deref(),
        project: weights.project.as_deref(),
        project_bias: weights.project_bias.as_deref(),
    };
    Kernel::new(width, shape, &weights)
}

/// Asserts that numbers are those of the reference but for rounding.
fn agree(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = 2e-5 * (1.0 + expected.abs());
        assert!((f64::from(*found) - expected).abs() < allowed, "{what}, number {place}: {found} and {expected}");
    }
}

/// Asserts that bits say where values are strictly between 0 and 6, but for values that rounding
/// decides on.
fn recorded(bits: &[u8], values: &[f64], what: &str) {
    for (place, value) in values.iter().enumerate() {
        if value.abs() > 1e-4 && (value - 6.0).abs() > 1e-4 {
            assert_eq!(bit(bits, place), (0.0..6.0).contains(value), "{what}, bit {place}: {value}");
        }
    }
}

#[test]
fn every_width_computes_what_loops_do() {
    for (seed, width) in (0..CASES).flat_map(|seed| Width::all().iter().map(move |width| (seed, *width))) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (shape, weights, planes @ (plane, out)) = cases::block(&mut rng);
        let what = format!("{width:?}, seed {seed}, {shape:?}, {planes:?}");
        let input = cases::numbers(&mut rng, plane.pixels() * shape.input, 2.0);
        let expected = reference::block(&shape, &weights, &input, planes, Between::Relu6);
        let kernel = kernel(width, shape, &weights).unwrap();
        let mut output = vec![f32::NAN; out.pixels() * shape.output];
        kernel.run(&input, planes, 0..out.height, Activation::Relu6, &mut output);
        agree(&output, &expected.output, &what);

        let [mut expanded, mut filtered] = [plane, out].map(|plane| vec![0; kernel.bits(plane)]);
        let recording = Activation::Recorded(&mut expanded, &mut filtered);
        let mut again = vec![f32::NAN; output.len()];
        kernel.run(&input, planes, 0..out.height, recording, &mut again);
        assert_eq!(again, output, "{what}: recording changes nothing");
        // Rows after the last window are not looked at.
        let reach = ((out.height - 1) * shape.stride + (shape.kernel - 1) * shape.dilation + 1 - shape.padding)
            .min(plane.height);
        recorded(&expanded, &expected.expanded[..reach * plane.width * shape.middle], &what);
        recorded(&filtered, &expected.filtered, &what);

        // The derivative, and strips of its rows.
        let change = cases::numbers(&mut rng, input.len(), 2.0);
        let masks = Between::Mask(&expanded, &filtered);
        let expected = reference::block(&shape, &weights, &change, planes, masks);
        let mut pushed = vec![f32::NAN; output.len()];
        let row = out.width * shape.output;
        for (place, strip) in pushed.chunks_mut(row * 2).enumerate() {
            let rows = place * 2..(place * 2 + strip.len() / row.max(1));
            kernel.run(&change, planes, rows, Activation::Mask(&expanded, &filtered), strip);
        }
        agree(&pushed, &expected.output, &format!("{what}, derivative"));
        if shape.dilation == 1 && shape.input.is_multiple_of(8) {
            adjoint_agrees(width, (shape, &weights), planes, (&expanded, &filtered), (&change, &pushed), &what);
        }
    }
}

#[test]
fn a_rounded_block_is_near_to_what_loops_do() {
    let width = Width::all()[0];
    let mut worst: f64 = 0.0;
    for seed in (0..CASES).filter(|_| width.rounds()) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (shape, weights, planes @ (plane, out)) = cases::block(&mut rng);
        let what = format!("seed {seed}, {shape:?}, {planes:?}");
        let input = cases::numbers(&mut rng, plane.pixels() * shape.input, 2.0);
        let expected = reference::block(&shape, &weights, &input, planes, Between::Relu6).output;
        let kernel = kernel(width, shape, &weights).unwrap().rounded();
        let mut output = vec![f32::NAN; out.pixels() * shape.output];
        kernel.run(&input, planes, 0..out.height, Activation::Relu6, &mut output);
        let distance: f64 = output.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
        let error = (distance / expected.iter().map(|number| number * number).sum::<f64>()).sqrt();
        assert!(error < 0.01, "{what}: {error}");
        worst = worst.max(error);
        let row = out.width * shape.output;
        let mut strips = vec![f32::NAN; output.len()];
        for (place, strip) in strips.chunks_mut(row * 2).enumerate() {
            let rows = place * 2..(place * 2 + strip.len() / row.max(1));
            kernel.run(&input, planes, rows, Activation::Relu6, strip);
        }
        assert_eq!(strips, output, "{what}: strips");
    }
    assert_eq!(worst > 1e-4, width.rounds(), "products of bfloat16 are rounded: {worst}");
}

/// The adjoint's numbers, and the property that makes it one: `<D x, y> = <x, D* y>`.
fn adjoint_agrees(
    width: Width,
    (shape, weights): (Shape, &BlockWeights),
    (plane, out): (Plane, Plane),
    (expanded, filtered): (&[u8], &[u8]),
    (change, pushed): (&[f32], &[f32]),
    what: &str,
) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let gradient = cases::numbers(&mut rng, pushed.len(), 1.0);
    let (swapped, transposed) = cases::adjoint(shape, weights);
    let Some(adjoint) = kernel(width, swapped, &transposed) else {
        // The projection would add the input, and there is none.
        assert!(shape.residual && weights.expand.is_none(), "{what}");
        return;
    };
    let masks = Between::Mask(filtered, expanded);
    let expected = reference::block(&swapped, &transposed, &gradient, (out, plane), masks);
    let mut pulled = vec![f32::NAN; change.len()];
    adjoint.run(&gradient, (out, plane), 0..plane.height, Activation::Mask(filtered, expanded), &mut pulled);
    agree(&pulled, &expected.output, &format!("{what}, adjoint"));
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let (one, other) = (product(pushed, &gradient), product(change, &pulled));
    assert!((one - other).abs() < 1e-3 * (1.0 + one.abs()), "{what}: {one} and {other}");
}

#[test]
fn every_width_convolves_as_loops_do() {
    for (seed, width) in (0..CASES).flat_map(|seed| Width::all().iter().map(move |width| (seed, *width))) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (shape, [weights, bias], planes @ (plane, out)) = cases::stem(&mut rng);
        let input = cases::numbers(&mut rng, plane.pixels() * shape.input, 2.0);
        let stem = Stem::new(width, shape, &weights, &bias).unwrap();
        let mut output = vec![f32::NAN; out.pixels() * shape.output];
        stem.run(&input, planes, 0..out.height, &mut output);
        let expected = reference::stem(&shape, (&weights, &bias), &input, planes);
        agree(&output, &expected, &format!("{width:?}, seed {seed}, {shape:?}, {planes:?}"));
    }
}

#[test]
fn every_width_crops_as_loops_do() {
    for (seed, width) in (0..CASES).flat_map(|seed| Width::all().iter().map(move |width| (seed, *width))) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (pixels, mean, lines) = cases::crop(&mut rng);
        let length = lines[0].len();
        let line = Line { lines: lines.each_ref().map(Vec::as_slice), weights: [0.3, 0.7], mean };
        let columns = Columns::new(width, &pixels, length).unwrap();
        let (mut row, mut out) = (vec![f32::NAN; Columns::scratch(length)], vec![f32::NAN; 3 * pixels.len()]);
        columns.row(&line, &mut row, &mut out);
        agree(&out, &reference::crop_row(&pixels, &line), &format!("{width:?}, seed {seed}, {length} numbers"));
    }
}

#[test]
fn an_empty_output_is_no_work_and_an_empty_input_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (shape, weights, _) = cases::block(&mut rng);
    let shape = Shape { residual: false, ..shape };
    for width in Width::all() {
        let kernel = kernel(*width, shape, &weights).unwrap();
        let (empty, some) = (Plane { height: 3, width: 0 }, Plane { height: 2, width: 2 });
        kernel.run(&vec![], (empty, empty), 0..3, Activation::Relu6, &mut []);
        let mut output = vec![0.0; some.pixels() * shape.output];
        let run = || kernel.run(&vec![], (empty, some), 0..2, Activation::Relu6, &mut output);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }
}

#[test]
fn lines_of_another_length_are_refused() {
    for width in Width::all() {
        let columns = Columns::new(*width, &[(0, [0.5, 0.5]), (3, [0.25, 0.75])], 12).unwrap();
        let mut row = vec![0.0; Columns::scratch(12)];
        let lines = [[9; 12].as_slice(), [200; 12].as_slice()];
        let line = Line { lines, weights: [0.5, 0.5], mean: 4.5 };
        let mut out = [f32::NAN; 6];
        columns.row(&line, &mut row, &mut out);
        assert!(out.iter().all(|value| (value - 100.0).abs() < 1e-4), "{width:?}: {out:?}");
        let short = Line { lines: lines.map(|line| &line[..6]), ..line };
        let run = || columns.row(&short, &mut row, &mut out);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }
}

//! The first convolution, by a kernel.

use tch::Tensor;

use super::convolution::Convolution;
use super::planes::{each, numbers, plane_of, rows_among};
use crate::parallel::Workers;
use attrax_kernels::{Stem, StemShape, Width};

/// The kernel of a first convolution, if there is one for its shape. It rotates its input if
/// `rotated`.
pub(super) fn stem(first: &Convolution, rotated: bool, width: Width) -> Option<Stem> {
    let size: Vec<usize> = first.weight.size().iter().map(|length| *length as usize).collect();
    let (&[output, input, kernel, _], 1) = (size.as_slice(), first.dilation) else { return None };
    let (stride, padding) = (first.stride as usize, first.padding as usize);
    let weights = numbers(&first.weight.permute([0, 2, 3, 1]));
    Stem::new(width, StemShape { input, output, kernel, stride, padding, rotated }, &weights, &numbers(&first.bias))
}

/// The first convolution's output for crops `(n, channels, height, width)`. The rows of a single
/// one are shared among threads where there are some.
pub(super) fn run_stem(stem: &Stem, input: &Tensor, workers: Option<&Workers>) -> Tensor {
    let (plane, StemShape { output: channels, kernel, stride, padding, .. }) = (plane_of(input), stem.shape());
    let out = plane.convolved(kernel, stride, padding);
    each(input, channels, out, |sample, output, _| {
        rows_among(workers.filter(|_| input.size()[0] == 1), out, output, |rows, strip| {
            stem.run(sample, (plane, out), rows, strip);
        });
    })
}

#[cfg(test)]
mod tests {
    use super::super::convolution::arranged;
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn a_stem_computes_what_its_convolution_does() {
        let options = (Kind::Float, Device::Cpu);
        for (output, stride, padding, height, width) in [(32, 2, 1, 112, 112), (24, 2, 0, 31, 47), (16, 1, 1, 5, 9)] {
            let weight = Tensor::randn([output, 3, 3, 3], options);
            let first = Convolution::new(&weight, &Tensor::randn([output], options), stride, padding, 1);
            let crops = arranged(&Tensor::randn([2, 3, height, width], options));
            for (width, rotated) in Width::all().iter().flat_map(|width| [(*width, false), (*width, true)]) {
                let kernel = stem(&first, rotated, width).unwrap();
                let seen = if rotated { crops.flip([2, 3]) } else { crops.shallow_clone() };
                let expected = first.run(&seen, Some(&first.bias));
                let found = run_stem(&kernel, &crops, None);
                let error = ((&found - &expected).norm() / expected.norm()).double_value(&[]);
                assert!(found.size() == expected.size() && error < 1e-6, "{width:?}, rotated {rotated}: {error:.1e}");
                let shared = run_stem(&kernel, &crops.narrow(0, 0, 1), Some(&Workers::new(3)));
                assert!(shared.equal(&found.narrow(0, 0, 1)));
            }
        }
    }
}

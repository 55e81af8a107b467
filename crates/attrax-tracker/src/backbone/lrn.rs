//! Local response normalisation across channels, in matrix form.

use tch::{Kind, Tensor};

use super::convolution::{arranged, product};
use crate::plan::Plan;

/// `y = x / d^beta` with `d = kappa + alpha * (sum of x^2 over a window of neighbouring channels)`.
///
/// `alpha` is not divided by the window's size, as in `MatConvNet`. The sum over the window is a 1
/// x 1 convolution with a banded matrix of ones, which runs at the speed of a matrix product.
#[derive(Debug)]
pub(super) struct Lrn {
    kappa: f64,
    beta: f64,
    /// `alpha` on a band: `(channels, channels, 1, 1)`.
    band: Tensor,
    /// Its transpose, for the adjoint; the band is not symmetric where the window's size is even.
    transposed: Tensor,
}

/// The derivative of the normalisation at one input `x`.
#[derive(Debug)]
pub(super) struct LrnDerivative {
    lrn: Lrn,
    /// `d^-beta`.
    gain: Tensor,
    /// The input `x`.
    pub input: Tensor,
    /// `2 beta x d^(-beta - 1)`.
    slope: Tensor,
}

impl Lrn {
    /// A normalisation over `size` channels around each of `channels`; `like` gives device and
    /// precision.
    pub fn new(channels: i64, size: i64, kappa: f64, alpha: f64, beta: f64, like: &Tensor) -> Self {
        let (before, after) = (size / 2, size - 1 - size / 2);
        let ones = Tensor::ones([channels, channels], (like.kind(), like.device()));
        let band = (ones.tril(after).triu(-before) * alpha).view([channels, channels, 1, 1]);
        let transposed = arranged(&band.transpose(0, 1));
        Self { kappa, beta, band: arranged(&band), transposed }
    }

    /// The same normalisation, its matrices shared.
    pub fn share(&self) -> Self {
        Self { band: self.band.shallow_clone(), transposed: self.transposed.shallow_clone(), ..*self }
    }

    /// The normalised input, and its derivative where that is asked for.
    pub fn forward(&self, x: &Tensor, derivative: bool) -> (Tensor, Option<LrnDerivative>) {
        let mut sum = window(&(x * x), &self.band);
        let d = sum.g_add_scalar_(self.kappa);
        let gain = self.power(&d);
        let output = x * &gain;
        let derivative = derivative.then(|| {
            let slope = (&output / &d) * (2.0 * self.beta);
            LrnDerivative { lrn: self.share(), gain, input: x.shallow_clone(), slope }
        });
        (output, derivative)
    }

    /// `d^-beta`; for the published beta of 3/4 as `r sqrt(r)` with `r = 1 / sqrt(d)`, which needs
    /// no logarithm.
    fn power(&self, d: &Tensor) -> Tensor {
        if (self.beta - 0.75).abs() < 1e-12 && d.kind() != Kind::Double {
            let root = d.rsqrt();
            root.sqrt() * root
        } else {
            d.pow_tensor_scalar(-self.beta)
        }
    }
}

impl LrnDerivative {
    /// `dy = d^-beta dx - slope * window(alpha x dx)`, for a batch `(n, ...)` or several `(k, n,
    /// ...)`.
    pub fn forward(&self, dx: &Tensor) -> Tensor {
        let window = window(&(&self.input * dx), &self.lrn.band);
        (&self.gain * dx).addcmul(&window, &self.slope.neg())
    }

    /// `dx = d^-beta g - x * window'(alpha slope g)`, likewise.
    pub fn backward(&self, g: &Tensor) -> Tensor {
        let window = window(&(&self.slope * g), &self.lrn.transposed);
        (&self.gain * g).addcmul(&window, &self.input.neg())
    }
}

/// Sums over neighbouring channels, in the shape of the values: `(..., channels, height, width)`.
fn window(values: &Tensor, band: &Tensor) -> Tensor {
    let size = values.size();
    let planes = values.flatten(0, size.len() as i64 - 4);
    let sums = if Plan::of(&planes).gpu {
        // Not a convolution, which would round the squares.
        product(&band.flatten(1, 3).unsqueeze(0), &planes, None)
    } else {
        planes.conv2d(band, None::<&Tensor>, [1, 1], [0, 0], [1, 1], 1)
    };
    sums.view(size.as_slice())
}

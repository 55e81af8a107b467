//! Bounding-box regression (Girshick et al., CVPR 2014, appendix C; Nam & Han, CVPR 2016, section
//! 4).

use tch::{Kind, Tensor};

use crate::error::of_libtorch;
use crate::profile::{self, Stage};
use crate::{BoundingBox, TrackerError};

/// Ridge regression from features of a box to its offset from the target: shift of the centre in
/// widths and heights, and logarithms of the ratios of the sides.
#[derive(Debug)]
pub struct BoxRegression {
    /// `(features, 4)`.
    weights: Tensor,
    /// `(4)`.
    intercept: Tensor,
}

impl BoxRegression {
    /// Fits the regression on features `(N, length)` of boxes in the first frame, in which the
    /// target's box is known.
    ///
    /// With fewer samples than features the dual form is solved, `N x N` instead of `length x
    /// length`: the weights are the same.
    ///
    /// # Errors
    /// [`TrackerError::Libtorch`] if the system cannot be solved, which only happens with
    /// non-finite features.
    pub fn fit(
        features: &Tensor,
        boxes: &[BoundingBox],
        target: BoundingBox,
        alpha: f64,
    ) -> Result<Self, TrackerError> {
        let _span = profile::span(Stage::Regression);
        let goals: Vec<f64> = boxes.iter().flat_map(|b| offset(*b, target)).collect();
        let options = (features.kind(), features.device());
        let y = Tensor::from_slice(&goals).view([-1, 4]).to_device(options.1).to_kind(options.0);
        let dim = [0i64].as_slice();
        let (x_mean, y_mean) = (features.mean_dim(dim, false, None::<Kind>), y.mean_dim(dim, false, None::<Kind>));
        let (x, y) = (features - &x_mean, y - &y_mean);
        let (samples, length) = features.size2().map_err(|e| of_libtorch(&e.to_string()))?;
        let dual = samples < length;
        let gram = if dual { x.matmul(&x.tr()) } else { x.tr().matmul(&x) };
        let system = gram + Tensor::eye(samples.min(length), options) * alpha;
        let factor = system.f_linalg_cholesky(false).map_err(|e| of_libtorch(&e.to_string()))?;
        let weights = if dual {
            x.tr().matmul(&y.cholesky_solve(&factor, false))
        } else {
            x.tr().matmul(&y).cholesky_solve(&factor, false)
        };
        let intercept = y_mean - x_mean.matmul(&weights);
        Ok(Self { weights, intercept })
    }

    /// The weights, `(features, 4)`.
    #[cfg(feature = "internals")]
    pub fn weights(&self) -> &Tensor {
        &self.weights
    }

    /// The intercept, `(4)`.
    #[cfg(feature = "internals")]
    pub fn intercept(&self) -> &Tensor {
        &self.intercept
    }

    /// Offsets of the target from boxes with these features, `(N, length)` to `(N, 4)` in float64.
    pub fn predict(&self, features: &Tensor) -> Tensor {
        let _span = profile::span(Stage::Regression);
        (features.matmul(&self.weights) + &self.intercept).to_kind(Kind::Double)
    }
}

/// The box moved and resized by a predicted offset; `None` where there are not four finite numbers,
/// or nothing is left of it.
#[must_use]
pub fn refined(region: BoundingBox, offset: &[f64]) -> Option<BoundingBox> {
    let [dx, dy, wider, higher] = *offset else { return None };
    let (cx, cy) = region.centre();
    let centre = (cx + dx * region.width, cy + dy * region.height);
    let moved = BoundingBox::from_centre(centre, region.width * wider.exp(), region.height * higher.exp());
    moved.is_valid().then_some(moved)
}

/// `(dx / w, dy / h, log dw, log dh)` from a box to the target.
fn offset(from: BoundingBox, to: BoundingBox) -> [f64; 4] {
    let ((fx, fy), (tx, ty)) = (from.centre(), to.centre());
    [(tx - fx) / from.width, (ty - fy) / from.height, (to.width / from.width).ln(), (to.height / from.height).ln()]
}

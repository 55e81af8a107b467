//! Box regression by the normal equations.

use attrax_tracker::BoundingBox;
use tch::{Kind, Tensor};

/// Weights `(features, 4)` and intercept `(4)` of the ridge regression from features to offsets.
pub fn fit(features: &Tensor, boxes: &[BoundingBox], target: BoundingBox, alpha: f64) -> (Tensor, Tensor) {
    let offsets: Vec<f64> = boxes.iter().flat_map(|b| offset(*b, target)).collect();
    let y = Tensor::from_slice(&offsets).view([-1, 4]).to_kind(features.kind());
    let mean = |t: &Tensor| t.mean_dim([0i64].as_slice(), true, None::<Kind>);
    let (x_mean, y_mean) = (mean(features), mean(&y));
    let (x, y) = (features - &x_mean, y - &y_mean);
    let ridge = Tensor::eye(x.size()[1], (x.kind(), x.device())) * alpha;
    let weights = Tensor::linalg_solve(&(x.tr().matmul(&x) + ridge), &x.tr().matmul(&y), true);
    let intercept = (y_mean - x_mean.matmul(&weights)).squeeze_dim(0);
    (weights, intercept)
}

/// Boxes moved and resized by what the regression predicts.
pub fn refine((weights, intercept): &(Tensor, Tensor), features: &Tensor, boxes: &[BoundingBox]) -> Vec<BoundingBox> {
    let predicted = (features.matmul(weights) + intercept).to_kind(Kind::Double);
    let refined = boxes.iter().enumerate().map(|(row, b)| {
        let value = |column: i64| predicted.double_value(&[row as i64, column]);
        let (cx, cy) = b.centre();
        let centre = (cx + value(0) * b.width, cy + value(1) * b.height);
        BoundingBox::from_centre(centre, b.width * value(2).exp(), b.height * value(3).exp())
    });
    refined.filter(|b| b.is_valid()).collect()
}

fn offset(from: BoundingBox, to: BoundingBox) -> [f64; 4] {
    let ((fx, fy), (tx, ty)) = (from.centre(), to.centre());
    [(tx - fx) / from.width, (ty - fy) / from.height, (to.width / from.width).ln(), (to.height / from.height).ln()]
}

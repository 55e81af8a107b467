//! Tensors as plain memory.

/// A tensor of 32-bit floats in row-major order, whatever precision and order the file used.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The size of every dimension, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements; as many as the product of `shape`.
    pub data: Vec<f32>,
}

/// A summary of an [`Array`]'s values, for people who want to see what a file holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// The smallest finite value, or 0 where there is none.
    pub minimum: f32,
    /// The largest finite value, or 0 where there is none.
    pub maximum: f32,
    /// The mean of the finite values.
    pub mean: f64,
    /// Their standard deviation (divided by their number, not by one less).
    pub deviation: f64,
    /// How many values are infinite or not a number.
    pub not_finite: usize,
}

impl Array {
    /// The number of values that are infinite or not a number.
    #[must_use]
    pub fn not_finite(&self) -> usize {
        self.data.iter().filter(|value| !value.is_finite()).count()
    }

    /// Minimum, maximum, mean and standard deviation of the values.
    ///
    /// ```
    /// use attrax::weights::Array;
    ///
    /// let array = Array { shape: vec![4], data: vec![1.0, 3.0, f32::NAN, 5.0] };
    /// let statistics = array.statistics();
    /// assert_eq!((statistics.minimum, statistics.maximum, statistics.mean), (1.0, 5.0, 3.0));
    /// assert_eq!(statistics.not_finite, 1);
    /// ```
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let finite = || self.data.iter().copied().filter(|value| value.is_finite());
        let count = finite().count();
        if count == 0 {
            let not_finite = self.data.len();
            return Statistics { minimum: 0.0, maximum: 0.0, mean: 0.0, deviation: 0.0, not_finite };
        }
        let mean = finite().map(f64::from).sum::<f64>() / count as f64;
        let variance = finite().map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count as f64;
        Statistics {
            minimum: finite().fold(f32::INFINITY, f32::min),
            maximum: finite().fold(f32::NEG_INFINITY, f32::max),
            mean,
            deviation: variance.sqrt(),
            not_finite: self.data.len() - count,
        }
    }
}

/// The number of elements of a shape, or `None` where it does not fit a `usize`.
pub(super) fn elements(shape: &[usize]) -> Option<usize> {
    // A zero anywhere makes the tensor empty, however large the other dimensions claim to be.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

//! The worst relative error of each quantity.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

/// Worst relative error of each quantity, by precision, and its bound.
#[derive(Default)]
pub struct Worst(BTreeMap<(String, &'static str), (f64, f64)>);

impl Worst {
    /// Notes `|ours - theirs| / |theirs|`. Where `theirs` has fewer numbers it is a digest: every n-th of all.
    pub fn note(&mut self, quantity: &str, precision: &'static str, bound: f64, ours: &Tensor, theirs: &Tensor) {
        let ours = ours.to_device(Device::Cpu).to_kind(Kind::Double);
        let theirs = theirs.to_kind(Kind::Double).flatten(0, -1);
        let step = (ours.numel() / theirs.numel()).max(1) as i64;
        let ours = ours.contiguous().view([-1]).slice(0, 0, theirs.numel() as i64 * step, step);
        let norm = theirs.norm().double_value(&[]);
        let distance = (ours - &theirs).norm().double_value(&[]);
        let error = if norm == 0.0 { distance } else { distance / norm };
        let entry = self.0.entry((quantity.to_string(), precision)).or_insert((0.0, bound));
        // Not `max`, which would forget a NaN.
        if error.is_nan() || error > entry.0 {
            entry.0 = error;
        }
    }

    /// Prints the table, and fails where a bound is exceeded.
    pub fn print_and_check(&self, about: &str) {
        println!("worst relative error over {about}\n{:<34}{:<10}{:>10}{:>10}", "quantity", "", "error", "bound");
        for ((quantity, precision), (error, bound)) in &self.0 {
            println!("{quantity:<34}{precision:<10}{error:>10.1e}{bound:>10.0e}");
        }
        let bad: Vec<_> = self.0.iter().filter(|(_, (error, bound))| error.is_nan() || error > bound).collect();
        assert!(!self.0.is_empty() && bad.is_empty(), "beyond their bounds: {bad:?}");
    }
}

#[test]
fn a_digest_is_compared_with_the_numbers_that_it_was_taken_from() {
    super::compare::device();
    let ours = Tensor::arange(100, (Kind::Double, Device::Cpu));
    let mut worst = Worst::default();
    worst.note(
        "digest",
        "float64",
        1e-12,
        &ours,
        &Tensor::from_slice(&[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]),
    );
    worst.print_and_check("one digest");
    worst.note("digest", "float64", 1e-12, &(ours + 1.0), &Tensor::from_slice(&[0.0, 50.0]));
    assert!(std::panic::catch_unwind(|| worst.print_and_check("a wrong one")).is_err());
}

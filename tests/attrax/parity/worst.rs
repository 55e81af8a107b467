//! The worst relative error of each quantity.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

/// Places between the numbers of a digest; `tests/python/oracle_case.py` says why.
const STRIDE: i64 = 1_000_003;

/// So many of the numbers, as `tests/python/oracle_case.py` takes them.
fn digest(numbers: &Tensor, count: i64) -> Tensor {
    let places = Tensor::arange(count, (Kind::Int64, Device::Cpu)) * STRIDE;
    numbers.index_select(0, &places.remainder(numbers.numel() as i64))
}

/// Worst relative error of each quantity, by precision, and its bound.
#[derive(Default)]
pub struct Worst(BTreeMap<(String, &'static str), (f64, f64)>);

impl Worst {
    /// Notes `|ours - theirs| / |theirs|`. Where `theirs` has fewer numbers it is a digest of them.
    pub fn note(&mut self, quantity: &str, precision: &'static str, bound: f64, ours: &Tensor, theirs: &Tensor) {
        let ours = ours.to_device(Device::Cpu).to_kind(Kind::Double);
        let theirs = theirs.to_kind(Kind::Double).flatten(0, -1);
        let ours = ours.contiguous().view([-1]);
        let norm = theirs.norm().double_value(&[]);
        // A digest of zeros says nothing about numbers that are not all zeros.
        let silent = norm == 0.0 && ours.norm().double_value(&[]) != 0.0;
        let ours = if ours.numel() == theirs.numel() { ours } else { digest(&ours, theirs.numel() as i64) };
        let distance = (ours - &theirs).norm().double_value(&[]);
        let error = if silent {
            f64::INFINITY
        } else if norm == 0.0 {
            distance
        } else {
            distance / norm
        };
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
    let _alone = crate::alone();
    super::compare::device();
    let ours = Tensor::arange(100, (Kind::Double, Device::Cpu));
    let mut worst = Worst::default();
    // 1,000,003 places on are 3 of 100.
    let every_third = Tensor::arange(40, (Kind::Double, Device::Cpu)) * 3.0;
    worst.note("digest", "float64", 1e-12, &ours, &every_third.remainder(100.0));
    worst.print_and_check("one digest");
    worst.note("digest", "float64", 1e-12, &(ours + 1.0), &Tensor::from_slice(&[0.0, 3.0]));
    assert!(std::panic::catch_unwind(|| worst.print_and_check("a wrong one")).is_err());
    let mut silent = Worst::default();
    silent.note("zeros", "float64", 1e-12, &Tensor::from_slice(&[0.0, 1.0, 0.0]), &Tensor::from_slice(&[0.0]));
    assert!(std::panic::catch_unwind(|| silent.print_and_check("a digest of zeros")).is_err());
}

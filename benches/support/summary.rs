//! Numbers of a run and the files they go to.

use std::fs;
use std::path::PathBuf;

/// The middle one of some numbers.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The folder of results, `out/bench` of the project.
pub fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("out/bench");
    fs::create_dir_all(&folder).expect("the project's folder can be written to");
    folder
}

/// Writes the result of one benchmark, JSON that is ready.
pub fn write(name: &str, json: &str) {
    let path = folder().join(name);
    fs::write(&path, json).expect("the project's folder can be written to");
    println!("wrote {}", path.display());
}

/// A list of numbers as JSON; non-finite values are null.
pub fn list(numbers: &[f64]) -> String {
    let texts: Vec<String> = numbers.iter().map(|n| number(*n)).collect();
    format!("[{}]", texts.join(", "))
}

/// A number as JSON; non-finite values are null.
pub fn number(number: f64) -> String {
    if number.is_finite() { format!("{number:.6}") } else { "null".into() }
}

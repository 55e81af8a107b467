//! Every quantity of the tracker against an independent float64 statement of DAT's numerics, run
//! live.
//!
//! The oracle is a Python program beside the project (`../shared/oracle/dat_oracle.py`), run by the
//! interpreter that `ATTRAX_PYTHON` names. Without either the test says that it was skipped.
//! `ATTRAX_PARITY_SEEDS` is how many random cases are compared (1 by default); with `--nocapture`
//! the worst errors are printed as a table.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use tch::{Kind, Tensor};

use super::compare::{Case, check_boxes, check_crops, check_forward, check_gradients, device};
use super::worst::Worst;

const ORACLE: &str = "../shared/oracle/dat_oracle.py";
/// Makes the cases for maps and gradients; says why the oracle's own cases do not serve there.
const CASES: &str = "tests/python/oracle_case.py";
/// The tensors that a Python program writes into a file.
fn case_of(python: &OsStr, seed: usize, arguments: impl FnOnce(String) -> Vec<String>) -> Case {
    let file = std::env::temp_dir().join(format!("attrax-oracle-{}-{seed}.safetensors", std::process::id()));
    let ran = Command::new(python).args(arguments(file.display().to_string())).status().unwrap();
    assert!(ran.success(), "the oracle failed");
    let case = Tensor::read_safetensors(&file).unwrap().into_iter().collect();
    std::fs::remove_file(&file).unwrap();
    case
}

#[test]
fn every_quantity_equals_the_oracle() {
    let _alone = crate::alone();
    device();
    let Some(python) = std::env::var_os("ATTRAX_PYTHON") else {
        println!("SKIPPED: ATTRAX_PYTHON is not set (make setup sets it)");
        return;
    };
    if !Path::new(ORACLE).is_file() {
        println!("SKIPPED: the oracle {ORACLE} is not there");
        return;
    }
    let seeds = std::env::var("ATTRAX_PARITY_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut worst = Worst::default();
    for seed in 0..seeds {
        let number = seed.to_string();
        let dumped =
            case_of(&python, seed, |file| vec![ORACLE.into(), "dump".into(), file, "--seed".into(), number.clone()]);
        let smooth = case_of(&python, seed, |file| vec![CASES.into(), ORACLE.into(), file, number.clone()]);
        check_boxes(&dumped, &mut worst);
        for case in [&dumped, &smooth] {
            check_crops(case, &mut worst);
            check_forward(case, Kind::Double, "float64", &mut worst);
            check_forward(case, Kind::Float, "float32", &mut worst);
        }
        check_gradients(&smooth, Kind::Double, "float64", &mut worst);
        check_gradients(&smooth, Kind::Float, "float32", &mut worst);
    }
    worst.print_and_check(&format!("{seeds} random cases"));
}

//! `attrax weights` as people call it.

use std::path::Path;
use std::process::{Command, Output};

use attrax::weights::{Array, VGG_M_TENSORS, WeightFile};

use crate::scratch::{Scratch, tiny};
use crate::server::{Manner, Server};

/// Runs `attrax weights` in a folder.
fn attrax(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_attrax")).current_dir(folder).arg("weights").args(arguments).output().unwrap()
}

/// What a call that succeeds prints.
fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The one line that a call that fails prints on standard error.
fn complaint(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text:?} is not one line");
    text
}

/// VGG-M's convolutions, all zero.
fn network() -> WeightFile {
    let tensor = |(name, shape): (&str, &[usize])| {
        (name.to_owned(), Array { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] })
    };
    WeightFile {
        path: "network".into(),
        tensors: VGG_M_TENSORS.into_iter().map(tensor).collect(),
        metadata: [("architecture".to_owned(), "vgg-m".to_owned())].into(),
    }
}

#[test]
fn inspect_lists_tensors_and_says_whether_they_are_usable() {
    let scratch = Scratch::new("cli-inspect");
    let text = printed(attrax(&scratch.0, &["inspect", tiny("mdnet-zip.pth").to_str().unwrap()]));
    assert!(text.contains("PyTorch zip, 7 tensors"), "{text}");
    assert!(text.contains("shared_layers.conv1.0.weight  4 x 3 x 2 x 3"), "{text}");
    assert!(text.contains("not usable with --weights") && text.contains("expected [96, 3, 7, 7]"), "{text}");
    network().write(&scratch.file("good.safetensors")).unwrap();
    let text = printed(attrax(&scratch.0, &["inspect", "good.safetensors"]));
    assert!(text.contains("usable with --weights as vgg-m; response normalisation: size 5, kappa 2"), "{text}");
}

#[test]
fn convert_writes_what_the_tracker_takes_or_says_why_not() {
    let scratch = Scratch::new("cli-convert");
    network().write(&scratch.file("in.safetensors")).unwrap();
    let text = printed(attrax(&scratch.0, &["convert", "in.safetensors", "out.safetensors"]));
    assert!(text.contains("out.safetensors: 6 tensors"), "{text}");
    assert_eq!(WeightFile::read(&scratch.file("out.safetensors")).unwrap().tensors, network().tensors);

    for (input, fragment) in [(tiny("old-plain.mat"), "conv1.weight"), (scratch.file("absent.mat"), "No such file")] {
        let line = complaint(attrax(&scratch.0, &["convert", input.to_str().unwrap(), "never.safetensors"]));
        assert!(line.contains(input.to_str().unwrap()) && line.contains(fragment), "{line}");
    }
    let line = complaint(attrax(&scratch.0, &["convert", "in.safetensors", "./in.safetensors"]));
    assert!(line.contains("both"), "{line}");
    let line = complaint(attrax(&scratch.0, &["convert", "in.safetensors", "no/such/folder/out.safetensors"]));
    assert!(line.contains("no/such/folder"), "{line}");
    assert!(!scratch.file("never.safetensors").exists());
}

#[test]
fn fetch_downloads_verifies_and_fails_in_one_line() {
    let scratch = Scratch::new("cli-fetch");
    let server = Server::start(b"weights".to_vec(), vec![Manner::Proper]);
    let url = server.url();
    let line = complaint(attrax(&scratch.0, &["fetch", "vgg-m", "--url", &url]));
    assert!(line.contains("MD5") && line.contains("29294d5f62578c96a3533859514235f2"), "{line}");
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);

    let text = printed(attrax(&scratch.0, &["fetch", "vgg-m", "--url", &url, "--unverified", "--out", "w.mat"]));
    assert!(text.contains("w.mat: 7 bytes") && text.contains("not verified"), "{text}");
    // By sha256sum.
    assert!(text.contains("9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"), "{text}");
    assert_eq!(std::fs::read(scratch.file("w.mat")).unwrap(), b"weights");
    let line = complaint(attrax(&scratch.0, &["fetch", "vgg-m", "--url", &url, "--out", "w.mat"]));
    assert!(line.contains("there already"), "{line}");

    drop(server);
    let line = complaint(attrax(&scratch.0, &["fetch", "vgg-m", "--url", &url]));
    assert!(line.contains(&url) && line.contains("refused"), "{line}");
}

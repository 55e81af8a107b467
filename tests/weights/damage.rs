//! Damaged files of every format: an error, never a panic, never wrong numbers from a shortened file.

use std::path::Path;

use attrax::weights::{Format, WeightFile, WeightsError};

use crate::scratch::{Scratch, put, tiny};

const FILES: [&str; 9] = [
    "new-plain.mat",
    "new-compressed.mat",
    "old-plain.mat",
    "mdnet-plain.mat",
    "mdnet-zip.pth",
    "mdnet-old.pth",
    "views-zip.pth",
    "views-old.pth",
    "protocol4-zip.pth",
];

/// Numbers that look random and are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }
}

/// One of the ways in which files are damaged by disks, downloads and enemies.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let length = random.below(64).min(bytes.len() - at);
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = [0x00, 0x01, 0x7f, 0x80, 0xff][random.below(5)],
            2 => {
                let extreme = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, 1 << 24][random.below(6)].to_le_bytes();
                for (byte, new) in bytes[at..].iter_mut().zip(extreme) {
                    *byte = new;
                }
            }
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let copy = bytes[at..at + length].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => bytes[at..at + length].fill(0),
            _ => bytes.truncate(at),
        }
        if bytes.is_empty() {
            return;
        }
    }
}

#[test]
fn truncations_are_errors_or_lose_nothing() {
    let scratch = Scratch::new("truncated");
    let path = scratch.file("truncated");
    for name in FILES {
        let whole = std::fs::read(tiny(name)).unwrap();
        let tensors = WeightFile::inspect(&tiny(name)).unwrap().file.tensors;
        for length in 0..whole.len() {
            put(&path, &whole[..length]);
            match WeightFile::inspect(&path) {
                // A MATLAB file may end after any variable, and after the one that counts nothing is lost.
                Ok(inspection) => assert!(
                    inspection.format == Format::Matlab && inspection.file.tensors == tensors,
                    "{name}: {length} of {} bytes pass",
                    whole.len()
                ),
                Err(error) => assert_names_file(&error, &path),
            }
        }
    }
}

#[test]
fn random_damage_never_panics() {
    let scratch = Scratch::new("damaged");
    let path = scratch.file("damaged");
    let mut random = Random(1);
    let rounds = std::env::var("ATTRAX_DAMAGE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1500);
    let (mut refused, mut passed) = (0, 0);
    for name in FILES {
        let whole = std::fs::read(tiny(name)).unwrap();
        for _ in 0..rounds {
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut random);
            put(&path, &bytes);
            match (WeightFile::inspect(&path), WeightFile::read(&path)) {
                (Err(error), _) => {
                    assert_names_file(&error, &path);
                    refused += 1;
                }
                (Ok(_), _) => passed += 1,
            }
        }
    }
    // Both happen, or the damage is of the wrong kind: numbers may change unnoticed, lengths may not.
    assert!(refused > passed && passed > 0, "{refused} refused, {passed} passed");
}

#[test]
fn other_files_are_recognised_for_what_they_are() {
    let scratch = Scratch::new("recognised");
    let hdf5 = [&[b' '; 124][..], b"\x00\x02IM"].concat();
    let tar = [&[b'a'; 257][..], b"ustar\x0000"].concat();
    for (content, fragment) in [
        (&b""[..], "empty"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "LFS"),
        (&hdf5, "-v7"),
        (&tar, "tar"),
        (b"\x00\x01\x02\x03 no format at all", "neither"),
        // The length of a header that would end after the file.
        (b"\xff\x00\x00\x00\x00\x00\x00\x00{}", "neither"),
    ] {
        let path = scratch.file("other");
        put(&path, content);
        let error = WeightFile::read(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Unrecognised { .. }), "{error}");
        assert!(error.to_string().contains(fragment), "{error}");
        assert_names_file(&error, &path);
    }
}

fn assert_names_file(error: &WeightsError, path: &Path) {
    let message = error.to_string();
    assert!(message.starts_with(path.to_str().unwrap()), "{message:?} does not start with the file's name");
    assert!(!message.contains('\n'), "{message:?} is longer than one line");
}

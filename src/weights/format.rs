//! What a file is, from its first bytes.

use std::fmt;

use super::torch;

/// Bytes that are enough to tell: a tar archive says so at 257, HDF5 in a MATLAB file at 512.
pub(super) const PREFIX: usize = 520;

/// A format that weights come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face's format, which attrax writes.
    Safetensors,
    /// What `torch.save` writes since `PyTorch` 1.6: a zip archive.
    TorchZip,
    /// What `torch.save` wrote before.
    TorchOld,
    /// MATLAB 5, with or without compression.
    Matlab,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Format {
    /// The format in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "PyTorch zip",
            Self::TorchOld => "old PyTorch",
            Self::Matlab => "MATLAB 5",
        }
    }

    /// The format of a file of `length` bytes that starts with `prefix`, its first [`PREFIX`] bytes or fewer.
    ///
    /// # Errors
    /// What the file is instead, in words that continue "not a file of weights: ".
    pub(super) fn detect(prefix: &[u8], length: u64) -> Result<Self, &'static str> {
        let at = |start: usize, bytes: &[u8]| prefix.get(start..).is_some_and(|rest| rest.starts_with(bytes));
        let header = prefix.first_chunk().map(|&bytes| u64::from_le_bytes(bytes));
        let text = prefix.trim_ascii_start();
        if prefix.is_empty() {
            Err("it is empty")
        } else if at(0, b"PK\x03\x04") {
            Ok(Self::TorchZip)
        } else if at(0, torch::OLD_MAGIC) {
            Ok(Self::TorchOld)
        } else if at(124, b"\x00\x01IM") || at(124, b"\x01\x00MI") {
            Ok(Self::Matlab)
        } else if at(512, b"\x89HDF") || at(0, b"\x89HDF") || at(124, b"\x00\x02IM") {
            Err("it is a MATLAB 7.3 (HDF5) file; save it with -v7 instead")
        } else if header.is_some_and(|header| header <= length) && at(8, b"{") {
            Ok(Self::Safetensors)
        } else if at(257, b"ustar") {
            Err("it is a tar archive; where an early PyTorch wrote it, load and save it with a current one")
        } else if text.starts_with(b"<") {
            Err("it is a web page; the download went wrong")
        } else if at(0, b"version https://git-lfs") {
            Err("it is a Git LFS pointer; fetch the file itself with 'git lfs pull'")
        } else {
            Err("it is neither safetensors, nor PyTorch, nor MATLAB 5")
        }
    }
}

//! Which file a path from a message means.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The file that a path from a message means.
///
/// libtrax puts a path behind `file://` as it is, so `%` is a percent sign; other clients send proper addresses, in which `%20` is a
/// space. The path as it was sent wins if there is such a file, the decoded one is tried next.
///
/// ```
/// use std::path::Path;
/// assert_eq!(trax::local_file(Path::new("/dev/nul%6c")), Path::new("/dev/null"));
/// assert_eq!(trax::local_file(Path::new("/nowhere/100%25")), Path::new("/nowhere/100%25"));
/// ```
#[must_use]
pub fn local_file(path: &Path) -> PathBuf {
    if !path.exists()
        && let Some(decoded) = percent_decode(path.as_os_str().as_bytes())
        && decoded.exists()
    {
        return decoded;
    }
    path.to_owned()
}

/// The path with `%xx` replaced by the bytes they stand for; `None` if there is nothing to replace.
fn percent_decode(text: &[u8]) -> Option<PathBuf> {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        match (first, digit(after.first()), digit(after.get(1))) {
            (b'%', Some(high), Some(low)) if (high, low) != (0, 0) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    (bytes.len() != text.len()).then(|| OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded_once() {
        assert_eq!(percent_decode(b"/a%20b%25%C5%be"), Some("/a b%ž".into()));
        for text in [&b"/plain"[..], b"/100%", b"/%zz", b"/%0", b"/%00"] {
            assert_eq!(percent_decode(text), None);
        }
    }
}

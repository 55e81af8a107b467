//! Paths in messages, and which files they mean.
//!
//! On Unix a path is any bytes, and so it is in messages. Elsewhere it is Unicode there.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode;

/// The bytes of a path in a message; elsewhere than on Unix, what is not Unicode in it is lost.
pub(super) fn to_bytes(path: &Path) -> Cow<'_, [u8]> {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).into();
    #[cfg(not(unix))]
    let bytes = path.to_string_lossy().into_owned().into_bytes().into();
    bytes
}

/// The path that bytes in a message stand for; `None` if no file system can have it.
pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    if bytes.is_empty() || bytes.contains(&0) {
        return None;
    }
    #[cfg(unix)]
    let path = Some(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into());
    #[cfg(not(unix))]
    let path = String::from_utf8(bytes).ok().map(PathBuf::from);
    path
}

/// The file that a path from a message means.
///
/// libtrax puts a path after `file://` as it is, so `%` is a percent sign; other clients send
/// proper addresses, in which `%20` is a space. The path as it was sent wins if there is such a
/// file, the decoded one is tried next.
///
/// ```
/// use std::path::Path;
/// use trax::local_file;
///
/// let there = std::env::temp_dir().join("trax a.txt");
/// std::fs::write(&there, "")?;
/// assert_eq!(local_file(&there.with_file_name("trax%20a.tx%74")), there);
/// assert_eq!(local_file(Path::new("/nowhere/100%25")), Path::new("/nowhere/100%25"));
/// std::fs::remove_file(there)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn local_file(path: &Path) -> PathBuf {
    let decoded = || from_bytes(Cow::from(percent_decode(&to_bytes(path))).into_owned());
    if !path.exists()
        && let Some(decoded) = decoded()
        && decoded.exists()
    {
        return decoded;
    }
    path.to_owned()
}

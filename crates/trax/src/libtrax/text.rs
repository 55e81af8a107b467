//! Text for C.

use std::ffi::CString;

use crate::wire::ascii;

/// A C string of what [`ascii`] leaves of a text.
pub(super) fn c_string(text: &str) -> CString {
    // There is no zero byte in it, so this cannot fail.
    CString::new(ascii(text).as_bytes()).unwrap_or_default()
}

//! libtrax behind owned types: the only unsafe code.
//!
//! What comes in here is known to be safe for libtrax: no byte that the other side sent ever does, only counts and the values of
//! checked Rust types. libtrax reads a script that [`Handle`] writes for it, and what it writes is collected and sent in one piece.

mod handle;
mod metadata;
mod objects;

pub(crate) use handle::{Event, Handle};

use std::ffi::{CStr, CString};

use libtrax_sys as sys;

use crate::properties::Properties;

/// libtrax's own version.
pub(crate) fn version() -> String {
    // SAFETY: the function takes nothing and gives a string literal.
    unsafe { CStr::from_ptr(sys::trax_version()) }.to_string_lossy().into_owned()
}

/// A C string of ASCII characters only: libtrax's reader takes any byte above 127 for the end of its input, so other characters are
/// written as `\u{...}`, and what cannot be in a line's quotes (a zero byte, a carriage return) as well.
fn c_string(text: &str) -> CString {
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() && (!character.is_ascii_control() || character == '\n' || character == '\t') {
            ascii.push(character);
        } else {
            ascii.extend(character.escape_unicode());
        }
    }
    // There is no zero byte in it, so this cannot fail.
    CString::new(ascii).unwrap_or_default()
}

/// At least as many bytes as properties take: every character may be written as an escape of up to 11 bytes.
fn properties_bound(properties: &Properties) -> usize {
    properties.iter().map(|(key, value)| 4 + key.len() + 11 * value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_ascii_for_libtrax() {
        assert_eq!(c_string("a \"b\"\\\n\t").to_bytes(), b"a \"b\"\\\n\t");
        assert_eq!(c_string("ž\0\r😀").to_bytes(), b"\\u{17e}\\u{0}\\u{d}\\u{1f600}");
    }

    #[test]
    fn the_version_is_the_one_that_was_fetched() {
        assert_eq!(version(), "4.0.2");
    }
}

//! Messages as libtrax writes them, byte for byte.

use std::borrow::Cow;

use super::message::{Kind, PREFIX};

/// Appends a message as a line.
pub(crate) fn write<'a>(
    line: &mut Vec<u8>,
    kind: Kind,
    arguments: &[Vec<u8>],
    properties: impl Iterator<Item = (&'a str, &'a str)>,
) {
    line.extend_from_slice(PREFIX);
    line.extend_from_slice(kind.word().as_bytes());
    line.push(b' ');
    for argument in arguments {
        line.push(b'"');
        escape(argument, line);
        line.extend_from_slice(b"\" ");
    }
    // libtrax keeps them in 32 buckets, by the sum of the key's bytes.
    let mut properties: Vec<_> = properties.collect();
    properties.sort_by_key(|(key, _)| key.bytes().fold(5, |sum: u32, byte| sum + u32::from(byte)) % 32);
    for (key, value) in properties {
        line.push(b'"');
        line.extend_from_slice(key.as_bytes());
        line.push(b'=');
        escape(value.as_bytes(), line);
        line.extend_from_slice(b"\" ");
    }
    line.push(b'\n');
}

/// Appends `text` with the characters escaped that would end an item or a line.
fn escape(text: &[u8], line: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            _ => line.push(byte),
        }
    }
}

/// A text in the characters that every client can read: libtrax's takes any byte above 127 for the
/// end of its input, so other characters are written as `\u{...}`, and what cannot be in a line's
/// quotes (a zero byte, a carriage return) as well.
pub(crate) fn ascii(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii() && (!c.is_ascii_control() || c == '\n' || c == '\t');
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        if plain(character) {
            ascii.push(character);
        } else {
            ascii.extend(character.escape_unicode());
        }
    }
    Cow::Owned(ascii)
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;
    use crate::properties::Properties;

    #[test]
    fn what_is_written_is_read_back() {
        let mut properties = Properties::new();
        properties.insert("trax.reason", "a \"b\"\\\n=").unwrap();
        // "a=b..." alone would be read as a property: what is sent as an argument must not look
        // like one.
        let arguments = [&b"x:"[..], b"x:\\n", b"x:a=b=c:=\"", b"x:\xff\xc3 "].map(<[u8]>::to_vec).to_vec();
        let mut line = Vec::new();
        write(&mut line, Kind::Quit, &arguments, properties.iter());
        assert_eq!(line.pop(), Some(b'\n'));
        assert!(!line.contains(&b'\n'));
        let read = Message::parse(line.strip_prefix(PREFIX).unwrap(), 100).unwrap();
        assert_eq!(read, Message { kind: Kind::Quit, arguments, properties });
    }

    #[test]
    fn texts_for_clients_are_ascii() {
        assert_eq!(ascii("a \"b\"\\\n\t"), "a \"b\"\\\n\t");
        assert_eq!(ascii("ž\0\r😀"), "\\u{17e}\\u{0}\\u{d}\\u{1f600}");
    }
}

//! The lines that a session consists of.
//!
//! A message is one line: `@@TRAX:`, its kind, then arguments and `key=value` properties, each quoted or not, with `\` before a
//! quote or a backslash and `\n` for a line break. Other lines are not part of the protocol and are skipped. The grammar is
//! libtrax's, but stricter where libtrax goes on in silence: a message of an unknown kind, a quote that is not closed in its
//! line, or text stuck to a closing quote is an error here, and a line break never belongs to an argument.

mod lines;
mod message;

pub(crate) use lines::LineReader;
pub(crate) use message::{Kind, Message};

/// What every message begins with.
pub(crate) const PREFIX: &[u8] = b"@@TRAX:";

/// Where the first byte is that `wanted` holds for. Looks at many at a time, since payloads are long and such bytes are rare.
fn find(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    const BLOCK: usize = 64;
    let whole =
        bytes.chunks_exact(BLOCK).take_while(|block| !block.iter().fold(false, |any, &byte| any | wanted(byte)));
    let start = whole.count() * BLOCK;
    bytes[start..].iter().position(|&byte| wanted(byte)).map(|offset| start + offset)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_is_found_wherever_it_is() {
        for length in [0, 1, 63, 64, 65, 200] {
            let mut bytes = vec![b'x'; length];
            assert_eq!(find(&bytes, |byte| byte == b'y'), None);
            for index in (0..length).rev() {
                bytes[index] = b'y';
                assert_eq!(find(&bytes, |byte| byte == b'y'), Some(index));
            }
        }
    }
}

//! Base64 as TraX uses it: the standard alphabet, padded, without line breaks.

/// The digits in order of their values.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What [`VALUES`] holds for bytes that are no digits: more than any digit, alone or with others' bits.
const NONE: u8 = 0xff;

/// The value of each byte as a digit.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// How many bytes the text stands for, or `None` if its length or padding is wrong; the digits are not looked at.
pub(crate) fn decoded_len(text: &[u8]) -> Option<usize> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    (padding <= 2).then(|| text.len() / 4 * 3 - padding)
}

/// The bytes that the text stands for, or `None` if it is not base64.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let length = decoded_len(text)?;
    let mut bytes = vec![0; text.len() / 4 * 3];
    // Padding stands for nothing, and only here: as a digit it would be refused.
    let (body, tail) = text.split_at(text.len().saturating_sub(4));
    let mut last = [b'A'; 4];
    let digits = tail.len() - (bytes.len() - length);
    last[..digits].copy_from_slice(&tail[..digits]);
    // Looked at once at the end: with a way out in every round the loop takes twice as long.
    let mut seen = 0;
    for (quad, triple) in body.chunks_exact(4).chain(last.chunks_exact(4)).zip(bytes.chunks_exact_mut(3)) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|index| VALUES[quad[index] as usize]);
        seen |= a | b | c | d;
        triple.copy_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    bytes.truncate(length);
    (seen < DIGITS.len() as u8).then_some(bytes)
}

/// Appends the text that stands for the bytes.
pub(crate) fn encode(bytes: &[u8], text: &mut Vec<u8>) {
    text.reserve(bytes.len().div_ceil(3) * 4);
    for triple in bytes.chunks(3) {
        let at = |index: usize| triple.get(index).copied().unwrap_or(0);
        let (a, b, c) = (at(0), at(1), at(2));
        let digits = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        for (position, digit) in digits.into_iter().enumerate() {
            text.push(if position <= triple.len() { DIGITS[digit as usize] } else { b'=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            let mut encoded = Vec::new();
            encode(bytes.as_bytes(), &mut encoded);
            assert_eq!(encoded, text.as_bytes());
            assert_eq!(decode(text.as_bytes()).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn every_byte_comes_back() {
        for length in 0..260_usize {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 37 + length) as u8).collect();
            let mut text = Vec::new();
            encode(&bytes, &mut text);
            assert_eq!(decoded_len(&text), Some(length));
            assert_eq!(decode(&text).unwrap(), bytes);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["A", "AA", "AAA", "A===", "====", "AA=A", "A?AA", "Zg==Zg==", "AAAA\n"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}

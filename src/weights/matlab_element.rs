//! The elements that MATLAB 5 files are made of: a tag with kind and length, then data.

use std::io::{self, Read};

use super::error::Fault;
use super::numbers::Number;

/// Kinds of elements that are not numbers.
pub(super) struct Kind;

impl Kind {
    /// A variable or a part of one.
    pub(super) const MATRIX: u32 = 14;
    /// Another element inside a zlib stream.
    pub(super) const COMPRESSED: u32 = 15;
}

/// An element's tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    /// What the data are.
    pub(super) kind: u32,
    /// Bytes of data.
    pub(super) length: u64,
    /// The data themselves, where they are so few that they stand inside the tag.
    short: Option<[u8; 4]>,
}

impl Element {
    /// Whether the data stand inside the tag.
    pub(super) fn is_short(&self) -> bool {
        self.short.is_some()
    }

    /// How numbers or characters are stored in it.
    pub(super) fn number(&self) -> Result<Number, Fault> {
        Ok(match self.kind {
            1 => Number::I8,
            2 | 16 => Number::U8,
            3 => Number::I16,
            4 | 17 => Number::U16,
            5 => Number::I32,
            6 | 18 => Number::U32,
            7 => Number::F32,
            9 => Number::F64,
            12 => Number::I64,
            13 => Number::U64,
            _ => return Err(Fault::new("something else where numbers should be")),
        })
    }
}

/// A stretch of elements: a file, or the inside of one element. No read goes past its end.
pub(super) struct Scope<'a> {
    input: &'a mut (dyn Read + 'a),
    left: u64,
    /// Whether numbers have their most significant byte first.
    pub(super) big_endian: bool,
}

impl<'a> Scope<'a> {
    /// The next `length` bytes of `input`.
    pub(super) fn new(input: &'a mut (dyn Read + 'a), length: u64, big_endian: bool) -> Self {
        Self { input, left: length, big_endian }
    }

    /// Whether there is nothing left to read.
    pub(super) fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The tag of the next element, whose data are sure to be inside this stretch.
    pub(super) fn tag(&mut self) -> Result<Element, Fault> {
        let mut words = [[0; 4]; 2];
        for word in &mut words {
            self.claim(4)?;
            self.input.read_exact(word)?;
        }
        let [kind, length] = words.map(|word| self.integer(word));
        // A short element has its length in the upper half of the first word.
        match kind >> 16 {
            0 if u64::from(length) > self.left => Err(Fault::new(TOO_LONG)),
            0 => Ok(Element { kind, length: length.into(), short: None }),
            few @ 1..=4 => Ok(Element { kind: kind & 0xffff, length: few.into(), short: Some(words[1]) }),
            _ => Err(Fault::new("a short element that is too long")),
        }
    }

    /// The inside of the next element, a matrix; to be left with [`Scope::leave`].
    pub(super) fn enter(&mut self) -> Result<Scope<'_>, Fault> {
        let element = self.tag()?;
        if element.kind != Kind::MATRIX || element.is_short() {
            return Err(Fault::new("something else where a value should be"));
        }
        self.claim(element.length)?;
        Ok(Scope { input: &mut *self.input, left: element.length, big_endian: self.big_endian })
    }

    /// Passes over what has not been read.
    pub(super) fn leave(mut self) -> Result<(), Fault> {
        self.pass_over(self.left)
    }

    /// The data of the element whose tag was read last.
    pub(super) fn bytes(&mut self, element: Element) -> Result<Vec<u8>, Fault> {
        let length = element.length as usize;
        if let Some(short) = element.short {
            return Ok(short[..length].to_vec());
        }
        self.claim(element.length)?;
        // Grows with what is there, so that a lie about the length costs no memory.
        let mut bytes = Vec::new();
        self.input.take(element.length).read_to_end(&mut bytes)?;
        if bytes.len() != length {
            return Err(Fault::new(ENDS_EARLY));
        }
        self.pass_over(padding(element.length).min(self.left))?;
        Ok(bytes)
    }

    /// Passes over the data of the element whose tag was read last.
    pub(super) fn skip(&mut self, element: Element) -> Result<(), Fault> {
        if element.is_short() {
            return Ok(());
        }
        self.pass_over(element.length)?;
        self.pass_over(padding(element.length).min(self.left))
    }

    /// The data of the next element, at most `most` bytes.
    pub(super) fn raw(&mut self, most: u64) -> Result<Vec<u8>, Fault> {
        let element = self.tag()?;
        if element.length > most {
            return Err(Fault::new(format!("{} bytes where at most {most} belong", element.length)));
        }
        self.bytes(element)
    }

    /// The next element as 32-bit words, at most `most` bytes: flags, dimensions, widths.
    pub(super) fn integers(&mut self, most: u64) -> Result<Vec<u32>, Fault> {
        let bytes = self.raw(most)?;
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Fault::new("a part of a number"));
        }
        Ok(words.iter().map(|&word| self.integer(word)).collect())
    }

    /// The next element as text, at most `most` bytes; what is no character becomes U+FFFD.
    pub(super) fn text(&mut self, most: u64) -> Result<String, Fault> {
        let element = self.tag()?;
        if element.length > most {
            return Err(Fault::new(format!("{} bytes of text", element.length)));
        }
        let number = element.number()?;
        let bytes = self.bytes(element)?;
        if number.size() == 1 {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        // Characters up to U+FFFF are exact as 32-bit floats.
        let codes = number.decode(&bytes, self.big_endian)?;
        Ok(codes.into_iter().map(|code| char::from_u32(code as u32).unwrap_or('\u{fffd}')).collect())
    }

    fn integer(&self, word: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    }

    /// Takes `length` bytes from what is left.
    fn claim(&mut self, length: u64) -> Result<(), Fault> {
        self.left = self.left.checked_sub(length).ok_or_else(|| Fault::new(TOO_LONG))?;
        Ok(())
    }

    fn pass_over(&mut self, length: u64) -> Result<(), Fault> {
        self.claim(length)?;
        let passed = io::copy(&mut self.input.take(length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(Fault::new(ENDS_EARLY)) }
    }
}

const TOO_LONG: &str = "an element is longer than the one around it";
const ENDS_EARLY: &str = "it ends early";

/// Data are padded to whole groups of eight bytes.
fn padding(length: u64) -> u64 {
    length.wrapping_neg() % 8
}

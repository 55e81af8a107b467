//! MATLAB 5 files (`save -v6` and `-v7`): the tree of a file's variables.
//!
//! After a header of 128 bytes come elements, each a tag and data; a variable is an element of kind
//! matrix, or one of kind compressed around it. Files are read as a stream, so that arrays nobody
//! wants are passed over without ever being held: VGG-M's fully connected layers are 98 % of its
//! file. Every length is checked against the element around it, and the depth, number and total
//! size of values are bounded.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use super::array::elements;
use super::error::Fault;
use super::matlab_element::{Kind, Scope};

/// Nesting in a file of weights: struct, cell, struct, cell, array.
const DEEPEST: usize = 16;
/// Values in one file: a network has a few hundred.
const MOST_VALUES: usize = 1 << 18;
/// Names, options and other text are short.
const LONGEST_TEXT: u64 = 1 << 20;
/// Bytes of a field's name, with its padding; MATLAB allows 64.
const WIDEST_NAME: usize = 256;
/// Bytes of an array's dimensions, four each.
const MOST_DIMENSIONS: u64 = 4 * 32;

/// A value of a MATLAB file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Numbers, as 32-bit floats in column-major order: the first dimension varies fastest.
    Numbers { shape: Vec<usize>, data: Vec<f32> },
    /// Numbers that were too many to be wanted; only their shape is kept.
    Skipped { shape: Vec<usize> },
    /// A string.
    Text(String),
    /// A cell array's items, in column-major order.
    Cell(Vec<Value>),
    /// A struct array's elements, each with its fields in the file's order.
    Struct(Vec<Vec<(String, Value)>>),
    /// A sparse array, an object, a function: nothing that holds weights.
    Other,
}

impl Value {
    /// The field `name` of a struct with one element.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        let Self::Struct(elements) = self else {
            return None;
        };
        let [element] = elements.as_slice() else {
            return None;
        };
        element.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// As [`Value::field`], giving up the rest of the struct.
    pub(super) fn into_field(self, name: &str) -> Option<Value> {
        let Self::Struct(mut elements) = self else {
            return None;
        };
        let element = if elements.len() == 1 {
            elements.pop()?
        } else {
            return None;
        };
        element.into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }
}

/// How much of a file is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Arrays with more elements are passed over.
    pub(super) largest_array: usize,
    /// A file whose remaining arrays have more elements together is refused.
    pub(super) all_arrays: usize,
}

/// The variables of a MATLAB 5 file, from its first byte on.
///
/// # Errors
/// [`Fault`] where the file breaks the format's rules, ends early, or exceeds the limits.
pub(super) fn parse(mut input: impl Read, limits: Limits) -> Result<Vec<(String, Value)>, Fault> {
    let mut header = [0; 128];
    input.read_exact(&mut header)?;
    let big_endian = match &header[126..] {
        b"IM" => false,
        b"MI" => true,
        _ => return Err(Fault::new("its header has no byte-order mark")),
    };
    let mut parser = Parser { limits, values: 0, kept: 0 };
    let mut variables = Vec::new();
    while let Some(first) = next_byte(&mut input)? {
        let mut rest = io::Cursor::new([first]).chain(&mut input);
        // A variable's tag bounds what is in it; the file is bounded by its end alone.
        let element = Scope::new(&mut rest, u64::MAX, big_endian).tag()?;
        let mut data = (&mut input).take(element.length);
        variables.push(match element.kind {
            Kind::MATRIX if !element.is_short() => parser.variable(&mut data, element.length, big_endian)?,
            Kind::COMPRESSED if !element.is_short() => {
                let mut plain = ZlibDecoder::new(&mut data);
                let element = Scope::new(&mut plain, u64::MAX, big_endian).tag()?;
                if element.kind != Kind::MATRIX || element.is_short() {
                    return Err(Fault::new("a compressed element that is no variable"));
                }
                let variable = parser.variable(&mut plain, element.length, big_endian)?;
                // Reading to the stream's end makes the decoder check its checksum.
                if next_byte(&mut plain)?.is_some() {
                    return Err(Fault::new("data after a compressed variable"));
                }
                variable
            }
            _ => return Err(Fault::new("something else where a variable should be")),
        });
        if data.limit() != 0 {
            return Err(Fault::new("data after a variable, inside its element"));
        }
    }
    Ok(variables)
}

/// One byte, or `None` at the end.
fn next_byte(input: &mut impl Read) -> Result<Option<u8>, Fault> {
    let mut byte = [0];
    loop {
        match input.read(&mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What has been read so far, against the limits.
struct Parser {
    limits: Limits,
    values: usize,
    kept: usize,
}

impl Parser {
    /// Name and value of a variable whose element has `length` bytes of data, all of which are read.
    fn variable(&mut self, data: &mut dyn Read, length: u64, big_endian: bool) -> Result<(String, Value), Fault> {
        self.count_values(1)?;
        let mut scope = Scope::new(data, length, big_endian);
        let named = self.matrix(&mut scope, 0)?;
        scope.leave()?;
        Ok(named)
    }

    /// Name and value of the matrix whose data `scope` holds.
    fn matrix(&mut self, scope: &mut Scope<'_>, depth: usize) -> Result<(String, Value), Fault> {
        if depth > DEEPEST {
            return Err(Fault::new(format!("values are nested more than {DEEPEST} deep")));
        }
        // An empty array inside a cell is a matrix without any data.
        if scope.is_empty() {
            return Ok((String::new(), Value::Numbers { shape: vec![0, 0], data: Vec::new() }));
        }
        let flags = scope.integers(8)?;
        let class = flags.first().map_or(0, |flags| flags & 0xff);
        if !matches!(class, Class::CELL | Class::STRUCT | Class::CHAR | Class::FIRST_NUMERIC..=Class::LAST_NUMERIC) {
            return Ok((String::new(), Value::Other));
        }
        let shape = scope
            .integers(MOST_DIMENSIONS)?
            .into_iter()
            .map(|size| i32::try_from(size).ok().and_then(|size| usize::try_from(size).ok()))
            .collect::<Option<Vec<usize>>>()
            .ok_or_else(|| Fault::new("an array with a negative size"))?;
        let count = elements(&shape).ok_or_else(|| Fault::new("an array too large to count"))?;
        let name = scope.text(LONGEST_TEXT)?;
        let value = match class {
            Class::CELL => {
                self.count_values(count)?;
                let items = (0..count).map(|_| self.item(scope, depth)).collect::<Result<_, _>>()?;
                Value::Cell(items)
            }
            Class::STRUCT => Value::Struct(self.elements(scope, count, depth)?),
            Class::CHAR => Value::Text(scope.text(LONGEST_TEXT)?),
            _ => self.numbers(scope, shape, count)?,
        };
        Ok((name, value))
    }

    /// The next value inside a cell or a struct.
    fn item(&mut self, scope: &mut Scope<'_>, depth: usize) -> Result<Value, Fault> {
        let mut inside = scope.enter()?;
        let (_, value) = self.matrix(&mut inside, depth + 1)?;
        inside.leave()?;
        Ok(value)
    }

    /// The elements of a struct array.
    fn elements(
        &mut self,
        scope: &mut Scope<'_>,
        count: usize,
        depth: usize,
    ) -> Result<Vec<Vec<(String, Value)>>, Fault> {
        let width = scope.integers(4)?.first().map_or(0, |&width| width as usize);
        let names = scope.raw(LONGEST_TEXT)?;
        if !(1..=WIDEST_NAME).contains(&width) || !names.len().is_multiple_of(width) {
            return Err(Fault::new("a struct with broken field names"));
        }
        // Names are padded with zeros to the same width.
        let names: Vec<String> = names
            .chunks_exact(width)
            .map(|name| name.split(|&byte| byte == 0).next().unwrap_or_default())
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        self.count_values(count.saturating_mul(names.len()))?;
        let mut elements = Vec::new();
        for _ in 0..count {
            let mut fields = Vec::with_capacity(names.len());
            for name in &names {
                fields.push((name.clone(), self.item(scope, depth)?));
            }
            elements.push(fields);
        }
        Ok(elements)
    }

    /// Numbers; the imaginary part of complex ones is left unread.
    fn numbers(&mut self, scope: &mut Scope<'_>, shape: Vec<usize>, count: usize) -> Result<Value, Fault> {
        let element = scope.tag()?;
        let number = element.number()?;
        if element.length != (count as u64).saturating_mul(number.size() as u64) {
            return Err(Fault::new(format!("an array of shape {shape:?} with {} bytes", element.length)));
        }
        if count > self.limits.largest_array {
            scope.skip(element)?;
            return Ok(Value::Skipped { shape });
        }
        self.kept = self.kept.saturating_add(count);
        if self.kept > self.limits.all_arrays {
            return Err(Fault::new(format!("more than {} numbers", self.limits.all_arrays)));
        }
        let data = number.decode(&scope.bytes(element)?, scope.big_endian)?;
        Ok(Value::Numbers { shape, data })
    }

    fn count_values(&mut self, more: usize) -> Result<(), Fault> {
        self.values = self.values.saturating_add(more);
        if self.values > MOST_VALUES { Err(Fault::new(format!("more than {MOST_VALUES} values"))) } else { Ok(()) }
    }
}

/// Classes of arrays.
struct Class;

impl Class {
    const CELL: u32 = 1;
    const STRUCT: u32 = 2;
    const CHAR: u32 = 4;
    const FIRST_NUMERIC: u32 = 6;
    const LAST_NUMERIC: u32 = 15;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { largest_array: 4, all_arrays: 6 };

    /// A file of most significant bytes first with one variable `x` of whole numbers, one of them a byte.
    fn big_endian(numbers: &[u16]) -> Vec<u8> {
        let mut body = Vec::new();
        let words = |body: &mut Vec<u8>, words: &[u32]| body.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        words(&mut body, &[6, 8, 6, 0]);
        words(&mut body, &[5, 8, 1, numbers.len() as u32]);
        words(&mut body, &[1 << 16 | 1, u32::from_be_bytes(*b"x\0\0\0")]);
        words(&mut body, &[4, 2 * numbers.len() as u32]);
        body.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        body.resize(body.len().next_multiple_of(8), 0);
        let mut file = [&[b' '; 124][..], b"\x01\x00MI"].concat();
        words(&mut file, &[14, body.len() as u32]);
        [file, body].concat()
    }

    #[test]
    fn either_byte_order_is_read() {
        let variables = parse(big_endian(&[1, 500, 65535]).as_slice(), LIMITS).unwrap();
        assert_eq!(
            variables,
            [("x".to_owned(), Value::Numbers { shape: vec![1, 3], data: vec![1.0, 500.0, 65535.0] })]
        );
    }

    #[test]
    fn large_arrays_are_passed_over_and_many_small_ones_refused() {
        let variables = parse(big_endian(&[7; 5]).as_slice(), LIMITS).unwrap();
        assert_eq!(variables, [("x".to_owned(), Value::Skipped { shape: vec![1, 5] })]);
        let one = big_endian(&[1, 2, 3, 4]);
        let two = [&one[..], &one[128..]].concat();
        assert!(parse(two.as_slice(), LIMITS).is_err());
    }
}

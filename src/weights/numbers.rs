//! Bytes to 32-bit floats.

use super::error::Fault;

/// How a number is stored in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    F16,
    BF16,
    F32,
    F64,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
}

impl Number {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// All numbers in `bytes`, rounded to the nearest 32-bit float.
    ///
    /// # Errors
    /// [`Fault`] where the bytes do not make a whole number of numbers.
    pub(super) fn decode(self, bytes: &[u8], big_endian: bool) -> Result<Vec<f32>, Fault> {
        if !bytes.len().is_multiple_of(self.size()) {
            return Err(Fault::new(format!("{} bytes are not a whole number of {self:?} values", bytes.len())));
        }
        Ok(match self {
            Self::F16 => convert(bytes, big_endian, |b| half::f16::from_le_bytes(b).to_f32()),
            Self::BF16 => convert(bytes, big_endian, |b| half::bf16::from_le_bytes(b).to_f32()),
            Self::F32 => convert(bytes, big_endian, f32::from_le_bytes),
            Self::F64 => convert(bytes, big_endian, |b| f64::from_le_bytes(b) as f32),
            Self::I8 => convert(bytes, big_endian, |b| f32::from(i8::from_le_bytes(b))),
            Self::U8 => convert(bytes, big_endian, |b| f32::from(u8::from_le_bytes(b))),
            Self::I16 => convert(bytes, big_endian, |b| f32::from(i16::from_le_bytes(b))),
            Self::U16 => convert(bytes, big_endian, |b| f32::from(u16::from_le_bytes(b))),
            Self::I32 => convert(bytes, big_endian, |b| i32::from_le_bytes(b) as f32),
            Self::U32 => convert(bytes, big_endian, |b| u32::from_le_bytes(b) as f32),
            Self::I64 => convert(bytes, big_endian, |b| i64::from_le_bytes(b) as f32),
            Self::U64 => convert(bytes, big_endian, |b| u64::from_le_bytes(b) as f32),
        })
    }
}

/// Applies `number` to every group of `N` bytes, in little-endian order.
fn convert<const N: usize>(bytes: &[u8], big_endian: bool, number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (groups, _) = bytes.as_chunks::<N>();
    groups
        .iter()
        .map(|&group| {
            let mut group = group;
            if big_endian {
                group.reverse();
            }
            number(group)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_give_the_same_numbers() {
        for number in [1.5_f64, -2.0, 1e-3] {
            assert_eq!(Number::F64.decode(&number.to_le_bytes(), false).unwrap(), [number as f32]);
            assert_eq!(Number::F64.decode(&number.to_be_bytes(), true).unwrap(), [number as f32]);
        }
        assert_eq!(Number::F16.decode(&[0x00, 0x3c, 0x00, 0xc0], false).unwrap(), [1.0, -2.0]);
        assert_eq!(Number::BF16.decode(&[0x80, 0x3f], false).unwrap(), [1.0]);
        assert_eq!(Number::I16.decode(&[0xff, 0xfe], true).unwrap(), [-2.0]);
    }

    #[test]
    fn a_part_of_a_number_is_refused() {
        assert!(Number::F32.decode(&[0; 7], false).is_err());
    }
}

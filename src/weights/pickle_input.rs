//! Bytes that are read one after the other, never past their end.

use super::error::Fault;

/// A position in bytes.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let end = self.position.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| Fault::new("it ends early"))?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A length of eight bytes.
    pub(super) fn length(&mut self) -> Result<usize, Fault> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| Fault::new("it ends early"))
    }

    /// Bytes after their length in one byte.
    pub(super) fn short(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.byte()?;
        self.take(length.into())
    }

    /// Bytes after their length in four bytes.
    pub(super) fn medium(&mut self) -> Result<&'a [u8], Fault> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    /// Bytes after their length in eight bytes.
    pub(super) fn long(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.length()?;
        self.take(length)
    }

    /// Text up to the end of the line, without it.
    pub(super) fn line(&mut self) -> Result<String, Fault> {
        let rest = &self.bytes[self.position..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| Fault::new("it ends early"))?;
        self.position += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

//! Cuts a byte stream into the lines that are messages, under a limit.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memchr;

use super::message::PREFIX;
use crate::error::Error;

/// Bytes asked of the operating system at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Capacity that is kept between lines; a larger line's memory is given back once the next one is
/// read.
const KEPT_BYTES: usize = 1 << 20;

/// Reads messages' lines from a stream and skips every other line.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    longest: usize,
}

impl<R: Read> LineReader<R> {
    /// Reads from `input` lines of `longest` bytes at most.
    pub(crate) fn new(input: R, longest: usize) -> Self {
        Self { input: BufReader::with_capacity(BUFFER_BYTES, input), line: Vec::new(), longest }
    }

    /// The next message's line, without its prefix and its end; `None` once the stream has ended
    /// between messages.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if the stream ends within a message, [`Error::TooLarge`] for a line
    /// over the limit, be it a message's or not, and whatever reading gives.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        loop {
            let Some(ours) = self.read_line()? else { return Ok(None) };
            if ours {
                break;
            }
        }
        let end = self.line.len() - usize::from(self.line.ends_with(b"\r"));
        Ok(Some(&self.line[PREFIX.len().min(end)..end]))
    }

    /// Reads one line into `self.line` and says whether it is a message's; one that is not is read
    /// but not kept.
    fn read_line(&mut self) -> Result<Option<bool>, Error> {
        self.line.clear();
        self.line.shrink_to(KEPT_BYTES);
        let mut length = 0_usize;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::from_stream(error)),
            };
            if chunk.is_empty() {
                return if self.line.starts_with(PREFIX) { Err(Error::Truncated) } else { Ok(None) };
            }
            let end = memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            length = length.saturating_add(part.len());
            if length > self.longest {
                return Err(Error::TooLarge { what: "length of a line in bytes", limit: self.longest as u64 });
            }
            if self.line.starts_with(PREFIX) || self.line.len() == length - part.len() {
                self.line.extend_from_slice(part);
                if self.line.len() >= PREFIX.len() && !self.line.starts_with(PREFIX) {
                    self.line.truncate(PREFIX.len());
                }
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(self.line.starts_with(PREFIX)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of a given size, the last ones first being fewer.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(bytes: &[u8], piece: usize, longest: usize) -> (Vec<String>, Option<Error>) {
        let mut reader = LineReader::new(Pieces(bytes, piece), longest);
        let mut found = Vec::new();
        loop {
            match reader.next_line() {
                Ok(Some(line)) => found.push(String::from_utf8_lossy(line).into_owned()),
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error)),
            }
        }
    }

    #[test]
    fn other_lines_are_skipped_however_they_arrive() {
        let text =
            b"log\n@@TRA\n\n@@TRAX:a b\r\n@@TRAY:x\n x@@TRAX:y\n@@TRAX:\nlong log line @@TRAX:\n@@TRAX:quit\ntail";
        for piece in 1..text.len() {
            let (found, error) = lines(text, piece, 100);
            assert_eq!(found, ["a b", "", "quit"], "pieces of {piece}");
            assert!(error.is_none(), "{error:?}");
        }
    }

    #[test]
    fn an_end_within_a_message_is_an_error() {
        for piece in [1, 3, 100] {
            assert!(
                matches!(lines(b"@@TRAX:quit\n@@TRAX:fra", piece, 100), (found, Some(Error::Truncated)) if found.len() == 1)
            );
        }
    }

    #[test]
    fn endless_lines_are_refused() {
        let mut long = b"@@TRAX:".to_vec();
        long.resize(1000, b'x');
        for (bytes, limit) in [(long.clone(), 999), (vec![b'x'; 1000], 999), (long, 5)] {
            assert!(matches!(lines(&bytes, 10, limit).1, Some(Error::TooLarge { .. })));
        }
    }

    #[test]
    fn skipped_lines_take_no_memory() {
        let mut bytes = vec![b'x'; 1 << 20];
        bytes.extend_from_slice(b"\n@@TRAX:quit\n");
        let mut reader = LineReader::new(Pieces(&bytes, 4096), 1 << 21);
        assert_eq!(reader.next_line().unwrap(), Some(&b"quit"[..]));
        assert!(reader.line.capacity() < 100_000);
    }
}

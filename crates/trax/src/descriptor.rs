//! Descriptors that the parent process passes by number.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::error::Error;

/// The numbers that have been taken over, so that none is closed twice.
static TAKEN: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

/// Takes over the open descriptors of these numbers, a file for each; equal numbers share one
/// descriptor.
///
/// Opening `/dev/fd/N` would not do: it fails for sockets, starts at the beginning of regular
/// files, and leaves the descriptor open, so that the other side never sees the end of the stream.
/// Standard streams stay open, since they are std's.
///
/// # Errors
///
/// The name and the reason for a number that is not open, or has been taken before; nothing has
/// been taken then.
pub(crate) fn take(numbers: [(&'static str, RawFd); 2]) -> Result<[File; 2], Error> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let duplicated = |(name, number): (&'static str, RawFd)| {
        let file = if taken.contains(&number) {
            Err(io::Error::other("it has been taken over already"))
        } else {
            duplicate(number)
        };
        file.map_err(|error| Error::Environment { name, reason: format!("descriptor {number}: {error}") })
    };
    let files = [duplicated(numbers[0])?, duplicated(numbers[1])?];
    for number in BTreeSet::from(numbers.map(|(_, number)| number)) {
        if number > 2 {
            taken.insert(number);
            // SAFETY: the descriptor is open, as its duplicate shows. The environment says that it
            // is meant for this session, and it has not been taken before, so nothing else in the
            // process owns it.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
    }
    Ok(files)
}

/// A second descriptor of the same open file, which child processes do not inherit.
fn duplicate(number: RawFd) -> io::Result<File> {
    // SAFETY: the number, which is not -1, is borrowed for one call, which fails if it is not open;
    // nothing else in this process uses it.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().map(File::from)
}

/// Reads from a descriptor that may be non-blocking, as one is that the parent process has set a
/// timeout on.
pub(crate) struct Blocking(pub(crate) File);

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => wait(&self.0, PollFlags::IN)?,
                result => return result,
            }
        }
    }
}

/// Writes to a descriptor that may be non-blocking. A message that was written in part could not be
/// followed by anything.
pub(crate) fn write_blocking(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(file, PollFlags::OUT)?,
            result => return result,
        }
    }
}

/// Waits until a file can be read or written.
fn wait(file: &File, what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(file, what)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file is a socket.
pub(crate) fn is_socket(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

//! A connection whose other end is given a limited time, whatever kind of stream it is.

use std::fmt::{self, Debug, Formatter};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::options::ClientOptions;
use crate::error::Error;
use crate::transport::{Output, Transport};
use crate::wire::{LineReader, Message};

/// Messages that are read ahead; a tracker that says more without being asked has to wait.
const READ_AHEAD: usize = 4;

/// Both directions.
pub(super) enum Link {
    /// Two threads, one for each direction, since neither pipes nor sockets in general can be waited for with a limit.
    ///
    /// A thread that is stuck when the link is dropped ends when its stream does.
    Limited {
        timeout: Duration,
        messages: Receiver<Result<Message, Error>>,
        lines: SyncSender<Vec<u8>>,
        sent: Receiver<Result<(), Error>>,
    },
    /// Waits as long as it takes, which needs no threads.
    Unlimited { input: Input, output: Output },
}

impl Debug for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Takes the connection over.
    pub(super) fn new(transport: Transport, options: ClientOptions) -> Result<Self, Error> {
        let Transport { input, mut output } = transport;
        let limits = options.limits;
        let mut input = Input { lines: LineReader::new(input, limits.message_bytes), most_items: limits.message_items };
        if options.timeout == Duration::MAX {
            return Ok(Self::Unlimited { input, output });
        }
        let (found, messages) = sync_channel(READ_AHEAD);
        thread::Builder::new().name("trax-reader".into()).spawn(move || {
            loop {
                let message = input.next();
                let last = message.is_err();
                if found.send(message).is_err() || last {
                    return;
                }
            }
        })?;
        let (lines, work) = sync_channel::<Vec<u8>>(1);
        let (done, sent) = sync_channel(1);
        thread::Builder::new().name("trax-writer".into()).spawn(move || {
            while let Ok(line) = work.recv() {
                if done.send(write(&mut output, &line)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self::Limited { timeout: options.timeout, messages, lines, sent })
    }

    /// The next message.
    pub(super) fn receive(&mut self) -> Result<Message, Error> {
        match self {
            Self::Limited { timeout, messages, .. } => limited(messages, *timeout),
            Self::Unlimited { input, .. } => input.next(),
        }
    }

    /// Sends lines in one piece.
    pub(super) fn send(&mut self, text: Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Limited { timeout, lines, sent, .. } => {
                lines.try_send(text).map_err(|_| Error::Timeout(*timeout))?;
                limited(sent, *timeout)
            }
            Self::Unlimited { output, .. } => write(output, &text),
        }
    }
}

/// The messages that come in.
pub(super) struct Input {
    lines: LineReader<Box<dyn Read + Send>>,
    most_items: usize,
}

impl Input {
    /// The next one; the end of the stream is an error.
    fn next(&mut self) -> Result<Message, Error> {
        match self.lines.next_line()? {
            Some(line) => Message::parse(line, self.most_items),
            None => Err(Error::Disconnected),
        }
    }
}

/// Writes lines in one piece.
fn write(output: &mut Output, lines: &[u8]) -> Result<(), Error> {
    output.write_all(lines).and_then(|()| output.flush()).map_err(Error::from_stream)
}

/// What a thread gives out in time.
fn limited<T>(results: &Receiver<Result<T, Error>>, timeout: Duration) -> Result<T, Error> {
    match results.recv_timeout(timeout) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(timeout)),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Disconnected),
    }
}

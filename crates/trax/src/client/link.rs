//! A connection whose other end is given a limited time, whatever kind of stream it is.

use std::fmt::{self, Debug, Formatter};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::options::ClientOptions;
use crate::error::Error;
use crate::transport::{Output, Transport};
use crate::wire::{LineReader, Message};

/// Messages that are read ahead; a tracker that sends more without being asked has to wait.
const READ_AHEAD: usize = 4;

/// Both directions, and the error after which they cannot be used any more.
///
/// An answer carries no number that says which request it belongs to. After a timeout, a broken
/// answer or a request that was sent in part, the next answer could be that of any request, so
/// there is no way back.
pub(super) struct Link {
    streams: Streams,
    /// What an earlier exchange failed with.
    failure: Option<String>,
    /// Whether a message was sent in part, so that nothing can follow it.
    cut_off: bool,
}

/// Both directions of the connection.
enum Streams {
    /// Two threads, one for each direction, since neither pipes nor sockets in general can be
    /// waited for with a limit.
    ///
    /// A thread that is stuck when the link is dropped ends when its stream does.
    Limited {
        timeout: Duration,
        messages: Receiver<Result<Message, Error>>,
        lines: SyncSender<Vec<u8>>,
        sent: Receiver<Result<(), Error>>,
    },
    /// Waits without a limit, which needs no threads.
    Unlimited { input: Input, output: Output },
}

impl Debug for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl Link {
    /// Takes the connection over.
    pub(super) fn new(transport: Transport, options: ClientOptions) -> Result<Self, Error> {
        Ok(Self { streams: Streams::new(transport, options)?, failure: None, cut_off: false })
    }

    /// An error if an earlier exchange failed.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(Error::Poisoned(failure.clone())))
    }

    /// Makes [`Link::check`] fail from now on. The first failure stays the reason.
    pub(super) fn poison(&mut self, error: &Error) {
        self.failure.get_or_insert_with(|| error.to_string());
    }

    /// When an answer to a request that is sent now is too late; `None` for never.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.streams {
            Streams::Limited { timeout, .. } => Instant::now().checked_add(*timeout),
            Streams::Unlimited { .. } => None,
        }
    }

    /// The next message, by the deadline.
    pub(super) fn receive(&mut self, deadline: Option<Instant>) -> Result<Message, Error> {
        match &mut self.streams {
            Streams::Limited { timeout, messages, .. } => limited(messages, deadline, *timeout),
            Streams::Unlimited { input, .. } => input.next(),
        }
    }

    /// Sends lines in one piece. After an error nothing more is sent.
    pub(super) fn send(&mut self, text: Vec<u8>) -> Result<(), Error> {
        if self.cut_off {
            return Err(Error::Disconnected);
        }
        let deadline = self.deadline();
        let result = match &mut self.streams {
            Streams::Limited { timeout, lines, sent, .. } => match lines.try_send(text) {
                Ok(()) => limited(sent, deadline, *timeout),
                Err(_) => Err(Error::Disconnected),
            },
            Streams::Unlimited { output, .. } => write(output, &text),
        };
        self.cut_off = result.is_err();
        result
    }
}

impl Streams {
    fn new(transport: Transport, options: ClientOptions) -> Result<Self, Error> {
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
}

/// The messages that come in.
struct Input {
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

/// What a thread gives out by the deadline.
fn limited<T>(results: &Receiver<Result<T, Error>>, deadline: Option<Instant>, timeout: Duration) -> Result<T, Error> {
    let result = match deadline {
        Some(deadline) => results.recv_timeout(deadline.saturating_duration_since(Instant::now())),
        None => results.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    match result {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(timeout)),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Disconnected),
    }
}

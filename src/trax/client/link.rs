//! A connection whose other end is given a limited time, whatever kind of stream it is.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use super::ClientOptions;
use crate::trax::error::Error;
use crate::trax::transport::Transport;
use crate::trax::wire::{LineReader, Message};

/// Messages that are read ahead; a tracker that says more without being asked has to wait.
const READ_AHEAD: usize = 4;

/// Two threads, one for each direction, since neither pipes nor sockets in general can be waited for with a limit.
///
/// A thread that is stuck when the link is dropped ends when its stream does.
#[derive(Debug)]
pub(super) struct Link {
    options: ClientOptions,
    messages: Receiver<Result<Message, Error>>,
    lines: SyncSender<Vec<u8>>,
    sent: Receiver<Result<(), Error>>,
}

impl Link {
    /// Starts both threads.
    pub(super) fn new(transport: Transport, options: ClientOptions) -> Result<Self, Error> {
        let Transport { input, mut output } = transport;
        let (found, messages) = sync_channel(READ_AHEAD);
        let mut reader = LineReader::new(input, options.limits.message_bytes);
        thread::Builder::new().name("trax-reader".into()).spawn(move || {
            loop {
                let message = match reader.next_line() {
                    Ok(Some(line)) => Message::parse(line, options.limits.message_items),
                    Ok(None) => Err(Error::Disconnected),
                    Err(error) => Err(error),
                };
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
                let result = output.write_all(&line).and_then(|()| output.flush()).map_err(Error::from_stream);
                if done.send(result).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { options, messages, lines, sent })
    }

    /// The next message.
    pub(super) fn receive(&self) -> Result<Message, Error> {
        self.limited(&self.messages)
    }

    /// Sends lines in one piece.
    pub(super) fn send(&self, lines: Vec<u8>) -> Result<(), Error> {
        self.lines.try_send(lines).map_err(|_| Error::Timeout(self.options.timeout))?;
        self.limited(&self.sent)
    }

    fn limited<T>(&self, results: &Receiver<Result<T, Error>>) -> Result<T, Error> {
        match results.recv_timeout(self.options.timeout) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(self.options.timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Disconnected),
        }
    }
}

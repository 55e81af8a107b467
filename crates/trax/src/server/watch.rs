//! Notices that the client has gone while the tracker is at work and neither reads nor writes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::descriptor::is_socket;
use crate::transport::Output;

/// The pause between two looks at the stream.
const PAUSE: Duration = Duration::from_millis(200);

/// The other end of a socket sends no more; only Linux reports it.
#[cfg(target_os = "linux")]
const SENDS_NO_MORE: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
const SENDS_NO_MORE: PollFlags = PollFlags::empty();

/// A thread that looks after the client; it ends with this value.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Whether a request is being worked on; locked while the thread looks and acts.
    busy: Arc<Mutex<bool>>,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Has `act` called, once, if the reader of `output` goes while a request is worked on; `None`
    /// if that cannot be seen.
    pub(crate) fn start(output: &Output, act: impl FnOnce() + Send + 'static) -> io::Result<Option<Self>> {
        let mut peer = match output {
            Output::File(file) if is_socket(file) => Peer::Socket(Box::new(file.try_clone()?)),
            Output::File(file) => Peer::Pipe(file.try_clone()?),
            Output::Socket(stream) => Peer::Socket(Box::new(stream.try_clone()?)),
            Output::Other(_) => return Ok(None),
        };
        let busy = Arc::new(Mutex::new(false));
        let (stop, stopped) = channel();
        let seen = Arc::clone(&busy);
        let thread = Builder::new().name("trax-watch".into()).spawn(move || {
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                // Held while acting as well: a thread that waits for the lock finds everything
                // done.
                let busy = lock(&seen);
                if *busy && peer.has_gone() {
                    return act();
                }
            }
        })?;
        Ok(Some(Self { busy, stop: Some(stop), thread: Some(thread) }))
    }

    /// Says whether a request is being worked on from now on.
    pub(crate) fn set_busy(&self, busy: bool) {
        *lock(&self.busy) = busy;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::warn!("the thread that looks after the client failed");
        }
    }
}

/// A plain value, which a thread that failed cannot have left half changed.
fn lock(busy: &Mutex<bool>) -> MutexGuard<'_, bool> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stream to the client, a second time.
enum Peer {
    /// A pipe, whose state says that its reading end is closed.
    Pipe(File),
    /// A socket, however it was passed.
    Socket(Box<dyn Socket>),
}

/// What has a descriptor and can be written to.
trait Socket: AsFd + Write + Send {}

impl<S: AsFd + Write + Send> Socket for S {}

impl Peer {
    /// Whether nothing can read any more what is sent.
    fn has_gone(&mut self) -> bool {
        match self {
            Self::Pipe(file) => state(file.as_fd()).intersects(PollFlags::ERR | PollFlags::HUP),
            Self::Socket(stream) => {
                let state = state(stream.as_fd());
                // A socket that was closed looks like one that only sends no more, until something
                // is sent to it: the next look sees what came of it. An empty line is no message,
                // and nothing else writes while the tracker is at work.
                state.intersects(PollFlags::ERR | PollFlags::HUP)
                    || (state.contains(SENDS_NO_MORE)
                        && stream.write_all(b"\n").is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock))
            }
        }
    }
}

/// What is known of a stream at the moment.
fn state(stream: BorrowedFd<'_>) -> PollFlags {
    let mut streams = [PollFd::from_borrowed_fd(stream, SENDS_NO_MORE)];
    match poll(&mut streams, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(_) => streams[0].revents(),
        // Interrupted: it is polled again soon.
        Err(_) => PollFlags::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeReader, Read, pipe};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::mpsc::Receiver;
    use std::time::Instant;

    /// Far longer than it may take, for busy machines.
    const LONG: Duration = Duration::from_secs(20);
    /// Several looks.
    const SHORT: Duration = Duration::from_millis(900);

    fn watched(output: &Output) -> (Watch, Receiver<()>) {
        let (called, calls) = channel();
        let watch = Watch::start(output, move || called.send(()).unwrap()).unwrap().unwrap();
        (watch, calls)
    }

    fn piped() -> (PipeReader, Output) {
        let (reader, writer) = pipe().unwrap();
        (reader, Output::File(File::from(std::os::fd::OwnedFd::from(writer))))
    }

    fn connected() -> (TcpStream, Output) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, Output::Socket(listener.accept().unwrap().0))
    }

    #[test]
    fn a_reader_that_goes_is_noticed_at_work_only() {
        let (reader, output) = piped();
        let (watch, calls) = watched(&output);
        watch.set_busy(true);
        assert!(calls.recv_timeout(SHORT).is_err(), "it is still there");
        watch.set_busy(false);
        drop(reader);
        assert!(calls.recv_timeout(SHORT).is_err(), "nothing is worked on");
        watch.set_busy(true);
        calls.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn a_closed_socket_is_told_from_one_that_sends_no_more() {
        let (mut client, output) = connected();
        let (watch, calls) = watched(&output);
        watch.set_busy(true);
        client.shutdown(Shutdown::Write).unwrap();
        assert!(calls.recv_timeout(SHORT).is_err(), "it still reads");
        let mut asked = [0; 8];
        let count = client.read(&mut asked).unwrap();
        assert!(asked[..count].iter().all(|&byte| byte == b'\n'), "empty lines, which are no messages");
        drop(client);
        calls.recv_timeout(LONG).unwrap();

        let (client, output) = connected();
        let (watch, calls) = watched(&output);
        watch.set_busy(true);
        assert!(calls.recv_timeout(SHORT).is_err(), "it is still there");
        drop(client);
        calls.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn the_thread_ends_with_its_owner() {
        let (_reader, output) = piped();
        let (watch, calls) = watched(&output);
        watch.set_busy(true);
        let begun = Instant::now();
        drop(watch);
        assert!(begun.elapsed() < LONG);
        assert!(calls.recv().is_err(), "what it would have called is gone");
        assert!(Watch::start(&Output::Other(Box::new(io::sink())), || ()).unwrap().is_none());
    }
}

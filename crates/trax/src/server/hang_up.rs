//! What a server does if the client goes while a request is being worked on.

use super::Server;
use super::watch::Watch;
use crate::error::Error;

impl Server {
    /// Has `act` called, on a thread of its own, if the client goes while one of the requests to
    /// come is being worked on.
    ///
    /// Without it the reply is the first to notice, perhaps after a training of a minute. The
    /// client has gone once nothing can read the reply any more, seen within half a second; one
    /// that merely sends no more still gets its answer. `act` should be short: ending the process,
    /// or setting a flag that the tracker looks at. Between a reply and the next request it is
    /// never called, since [`Server::wait`] takes care of that. Nothing is watched on the streams of
    /// [`Transport::from_streams`](crate::Transport::from_streams), nor on systems that are not
    /// Unix.
    ///
    /// ```
    /// use trax::{Limits, Metadata, Server, Transport};
    /// use std::io::Write;
    /// use std::net::{TcpListener, TcpStream};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// let transport = Transport::from_tcp(listener.accept()?.0)?;
    /// let mut server = Server::new(&Metadata::new("slow"), transport, Limits::default())?;
    /// let gone = Arc::new(AtomicBool::new(false));
    /// let flag = Arc::clone(&gone);
    /// // A program with nothing to tidy up would call std::process::exit(0).
    /// server.on_hang_up(move || flag.store(true, Ordering::Relaxed))?;
    ///
    /// client.write_all(b"@@TRAX:initialize 1,2,3,4\n@@TRAX:frame file:///1.jpg\n")?;
    /// server.wait()?;
    /// drop(client);
    /// while !gone.load(Ordering::Relaxed) {
    ///     // A tracker would train here.
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the thread cannot be started.
    pub fn on_hang_up(&mut self, act: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        self.watch = Watch::start(&self.output, act)?;
        Ok(())
    }

    /// Tells the watch, if there is one, whether a request is being worked on.
    pub(super) fn set_busy(&self, busy: bool) {
        if let Some(watch) = &self.watch {
            watch.set_busy(busy);
        }
    }
}

//! A tracker that the client starts itself.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Client;
use super::options::ClientOptions;
use crate::error::Error;
use crate::transport::Transport;

/// How a tracker is reached.
///
/// ```
/// # use trax::Connection;
/// assert_eq!(Connection::default(), Connection::Pipes);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// By its standard input and output.
    #[default]
    Pipes,
    /// By a socket on this machine, whose port it finds in `TRAX_SOCKET`.
    Socket,
}

/// The pause between two looks at something that takes its time.
const PAUSE: Duration = Duration::from_millis(5);

/// A tracker's process and the client that drives it; used like the [`Client`] that it dereferences
/// to.
///
/// Dropping it ends the process, by force if it does not end by itself within a second.
///
/// ```no_run
/// use trax::{ClientOptions, Connection, TrackerProcess};
/// use std::process::Command;
///
/// let mut tracker = TrackerProcess::start(Command::new("attrax"), Connection::Pipes, ClientOptions::default())?;
/// println!("{}", tracker.metadata().name);
/// tracker.quit(None)?;
/// let status = tracker.wait()?;
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug)]
pub struct TrackerProcess {
    client: Client,
    child: Reaper,
}

impl TrackerProcess {
    /// Starts a tracker and waits for its introduction. Standard error stays as the command has it.
    ///
    /// ```
    /// use trax::{ClientOptions, Connection, TrackerProcess};
    /// use std::process::Command;
    ///
    /// // A shell can introduce itself as well as any tracker.
    /// let mut shell = Command::new("sh");
    /// shell.args(["-c", "echo '@@TRAX:hello trax.version=4 trax.name=shell trax.region=mask trax.image=path'; read farewell"]);
    /// let tracker = TrackerProcess::start(shell, Connection::Pipes, ClientOptions::default())?;
    /// assert_eq!(tracker.metadata().name, "shell");
    /// assert_ne!(tracker.id(), std::process::id());
    /// assert!(tracker.wait()?.success());
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be started, and those of [`Client::new`].
    pub fn start(mut command: Command, connection: Connection, options: ClientOptions) -> Result<Self, Error> {
        let deadline = Deadline::after(options.timeout);
        match connection {
            Connection::Pipes => {
                command.env_remove("TRAX_SOCKET").env_remove("TRAX_IN").env_remove("TRAX_OUT");
                let mut child = Reaper(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
                let (Some(output), Some(input)) = (child.0.stdin.take(), child.0.stdout.take()) else {
                    return Err(Error::Disconnected);
                };
                let client = Client::new(Transport::from_streams(input, output), options)?;
                Ok(Self { client, child })
            }
            Connection::Socket => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                listener.set_nonblocking(true)?;
                command.env("TRAX_SOCKET", listener.local_addr()?.port().to_string());
                let mut child = Reaper(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
                let stream = loop {
                    match listener.accept() {
                        Ok((stream, _)) => break stream,
                        Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(Error::Io(error)),
                        Err(_) if child.0.try_wait()?.is_some() => return Err(Error::Disconnected),
                        Err(_) if deadline.is_over() => return Err(Error::Timeout(options.timeout)),
                        Err(_) => thread::sleep(PAUSE),
                    }
                };
                stream.set_nonblocking(false)?;
                let client = Client::new(Transport::from_tcp(stream)?, options)?;
                Ok(Self { client, child })
            }
        }
    }

    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Quits if the session has not ended yet, and waits for the process to end.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if it does not end in time; it is ended by force then. [`Error::Io`].
    pub fn wait(self) -> Result<ExitStatus, Error> {
        let Self { client, mut child } = self;
        let timeout = client.options().timeout;
        drop(client);
        child.wait(timeout)?.ok_or(Error::Timeout(timeout))
    }
}

impl Deref for TrackerProcess {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for TrackerProcess {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// When a wait is over; `None` for never, if the time is longer than a clock can count.
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    fn is_over(&self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// A child that never outlives its owner.
#[derive(Debug)]
struct Reaper(Child);

impl Reaper {
    /// Waits for the child to end by itself; `None` if it does not in time.
    fn wait(&mut self, timeout: Duration) -> Result<Option<ExitStatus>, Error> {
        let deadline = Deadline::after(timeout);
        loop {
            match self.0.try_wait()? {
                Some(status) => return Ok(Some(status)),
                None if deadline.is_over() => return Ok(None),
                None => thread::sleep(PAUSE),
            }
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        // The client has sent its quit message by now; a process that does not listen gets a
        // second.
        if !matches!(self.wait(Duration::from_secs(1)), Ok(Some(_))) {
            if let Err(error) = self.0.kill() {
                log::warn!("a tracker's process could not be ended: {error}");
            }
            if let Err(error) = self.0.wait() {
                log::warn!("a tracker's process could not be waited for: {error}");
            }
        }
    }
}

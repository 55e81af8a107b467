//! The tracker's side of a session.

mod handler;
mod hang_up;
mod requests;
#[cfg_attr(not(unix), path = "unwatched.rs")]
mod watch;

pub use handler::{Handler, RunError, run};

use std::fmt::{self, Debug, Formatter};
use std::io::{Read, Write as _};

use crate::error::Error;
use crate::limits::Limits;
use crate::metadata::Metadata;
use crate::properties::Properties;
use crate::region::Region;
use crate::request::{Request, Status};
use crate::session::{Session, introduce};
use crate::transport::{Output, Transport};
use crate::wire::LineReader;
use watch::Watch;

/// The tracker's side of a session: introduces the tracker, then waits for requests and answers
/// them.
///
/// `Send`, so it can be moved to the thread that tracks. A server that is dropped before it has
/// quit sends a quit message.
///
/// ```
/// use trax::{Limits, Metadata, Region, Request, Server, Status, Transport};
///
/// let client = "@@TRAX:initialize 1,2,3,4\n@@TRAX:frame file:///1.jpg\n@@TRAX:frame file:///2.jpg\n@@TRAX:quit\n";
/// let transport = Transport::from_streams(client.as_bytes(), std::io::sink());
/// let mut server = Server::new(&Metadata::new("still"), transport, Limits::default())?;
/// let mut statuses = Vec::new();
/// loop {
///     match server.wait()? {
///         Request::Initialize { objects, .. } => statuses = objects.into_iter().map(|o| Status::new(o.region)).collect(),
///         Request::Frame { .. } => {}
///         Request::Quit { .. } => break,
///     }
///     server.reply(&statuses)?;
/// }
/// assert_eq!(server.objects(), 1);
/// # Ok::<(), trax::Error>(())
/// ```
pub struct Server {
    session: Box<dyn Session>,
    input: LineReader<Box<dyn Read + Send>>,
    output: Output,
    watch: Option<Watch>,
    metadata: Metadata,
    limits: Limits,
    /// How many objects are tracked.
    objects: usize,
    /// Whether a request waits for its reply.
    pending: bool,
    /// What the session failed with, after which nothing but [`Server::quit`] is of use.
    failure: Option<String>,
    /// Whether writing failed: the client has gone, or has got a message in part.
    gone: bool,
    ended: bool,
}

impl Server {
    /// Introduces the tracker on the connection that the environment asks for, under the default
    /// limits.
    ///
    /// ```no_run
    /// use trax::{Metadata, Server};
    ///
    /// let mut server = Server::from_environment(&Metadata::new("a"))?;
    /// let request = server.wait()?;
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Transport::from_environment`] and [`Server::new`].
    pub fn from_environment(metadata: &Metadata) -> Result<Self, Error> {
        Self::new(metadata, Transport::from_environment()?, Limits::default())
    }

    /// Introduces the tracker on a connection. If the client has gone already, the first request is
    /// to quit.
    ///
    /// ```
    /// use trax::{Limits, Metadata, Server, Transport};
    ///
    /// let limits = Limits::default().objects(4);
    /// let transport = Transport::from_streams(std::io::empty(), std::io::sink());
    /// let server = Server::new(&Metadata::new("a").multi_object(true), transport, limits)?;
    /// assert_eq!(server.objects(), 0);
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] for metadata without regions, images or channels, [`Error::Io`],
    /// [`Error::Library`].
    pub fn new(metadata: &Metadata, transport: Transport, limits: Limits) -> Result<Self, Error> {
        let (session, hello) = introduce(metadata)?;
        let mut server = Self {
            session,
            input: LineReader::new(transport.input, limits.message_bytes),
            output: transport.output,
            watch: None,
            metadata: metadata.clone(),
            limits,
            objects: 0,
            pending: false,
            failure: None,
            gone: false,
            ended: false,
        };
        match server.send(&hello) {
            Ok(()) | Err(Error::Disconnected) => Ok(server),
            Err(error) => Err(error),
        }
    }

    /// How many objects the next reply must cover.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.objects
    }

    /// Waits for the client's next request.
    ///
    /// ```
    /// use trax::{Limits, Metadata, Region, Request, Server, Status, Transport};
    ///
    /// let client = "@@TRAX:initialize \"1,2,3,4\"\n@@TRAX:frame \"file:///1.jpg\"\n@@TRAX:quit\n";
    /// let transport = Transport::from_streams(client.as_bytes(), std::io::sink());
    /// let mut server = Server::new(&Metadata::new("example"), transport, Limits::default())?;
    /// let Request::Initialize { objects, .. } = server.wait()? else { panic!("it is the first request") };
    /// assert_eq!(objects[0].region, Region::rectangle(1.0, 2.0, 3.0, 4.0));
    /// server.reply(&[Status::new(objects[0].region.clone())])?;
    /// assert!(matches!(server.wait()?, Request::Quit { .. }));
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// After an error of the client or the connection the session cannot go on: the reason belongs
    /// into [`Server::quit`], and every other call is [`Error::Poisoned`].
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::Malformed`], [`Error::Protocol`], [`Error::TooLarge`],
    /// [`Error::Image`] and [`Error::Region`] for what the client got wrong; [`Error::Io`],
    /// [`Error::Library`] and [`Error::Terminated`]. [`Error::Protocol`] also if the last request
    /// has no reply yet, which changes nothing: the client would wait for the reply, and the server
    /// for the client.
    pub fn wait(&mut self) -> Result<Request, Error> {
        if self.ended {
            return Err(Error::Terminated);
        }
        if self.gone {
            self.ended = true;
            return Ok(Request::Quit { properties: Properties::new() });
        }
        self.check()?;
        if self.pending {
            return Err(protocol("the last request has no reply yet"));
        }
        let request = self.next_request().inspect_err(|error| self.failure = Some(error.to_string()))?;
        self.pending = !matches!(request, Request::Quit { .. });
        self.set_busy(self.pending);
        Ok(request)
    }

    /// An error if the session has failed.
    fn check(&self) -> Result<(), Error> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(Error::Poisoned(failure.clone())))
    }

    /// Answers the last request, once: where the objects are, in the order in which they were
    /// named.
    ///
    /// ```
    /// # use trax::{Limits, Metadata, Region, Server, Status, Transport};
    /// # let client = "@@TRAX:initialize 1,2,3,4\n@@TRAX:frame file:///1.jpg\n";
    /// # let transport = Transport::from_streams(client.as_bytes(), std::io::sink());
    /// # let mut server = Server::new(&Metadata::new("a"), transport, Limits::default())?;
    /// server.wait()?;
    /// assert!(server.reply(&[]).is_err(), "there is one object");
    /// server.reply(&[Status::new(Region::rectangle(1.5, 2.0, 3.0, 4.0)).confidence(0.9)])?;
    /// assert!(server.reply(&[Status::new(Region::Special(0))]).is_err(), "it has been answered");
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`], with nothing sent and the request still to be answered, if there is not
    /// one status for each object or a region is not finite; [`Error::Protocol`] if no request
    /// waits for a reply. [`Error::Disconnected`] if the client has gone, [`Error::Io`],
    /// [`Error::Library`], [`Error::Terminated`], [`Error::Poisoned`] after an earlier error.
    pub fn reply(&mut self, statuses: &[Status]) -> Result<(), Error> {
        if self.ended {
            return Err(Error::Terminated);
        }
        self.check()?;
        if !self.pending {
            return Err(protocol("a reply to no request"));
        }
        if statuses.len() != self.objects {
            return Err(Error::Protocol(format!("{} statuses for {} objects", statuses.len(), self.objects)));
        }
        if statuses.iter().any(|status| !status.region.is_finite()) {
            return Err(protocol("a status with a region that is not finite"));
        }
        self.set_busy(false);
        let nowhere = Region::Special(0);
        let sent = statuses.iter().map(|status| match &status.region {
            Region::Mask(mask) if mask.area() == 0 => (&nowhere, &status.properties),
            region => (region, &status.properties),
        });
        let bytes = self.session.reply(&sent.collect::<Vec<_>>())?;
        self.pending = false;
        self.send(&bytes)
    }

    /// Ends the session, with a reason if it is not the regular end. Nothing happens if it has
    /// ended already.
    ///
    /// ```
    /// # use trax::{Limits, Metadata, Server, Transport};
    /// # let transport = Transport::from_streams(std::io::empty(), std::io::sink());
    /// # let mut server = Server::new(&Metadata::new("a"), transport, Limits::default())?;
    /// server.quit(Some("the network's weights are missing"))?;
    /// assert!(server.wait().is_err(), "the session has ended");
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`] if the client has gone, [`Error::Io`].
    pub fn quit(&mut self, reason: Option<&str>) -> Result<(), Error> {
        self.set_busy(false);
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        let bytes = self.session.quit(reason)?;
        // The client may not read any more.
        if self.gone { Err(Error::Disconnected) } else { self.send(&bytes) }
    }

    /// Sends whole messages in one piece, so that nothing another writer says falls between their
    /// parts.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.output.write_all(bytes).and_then(|()| self.output.flush()).map_err(|error| {
            let error = Error::from_stream(error);
            self.gone = true;
            self.failure = Some(error.to_string());
            error
        })
    }
}

impl Debug for Server {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("metadata", &self.metadata)
            .field("limits", &self.limits)
            .field("objects", &self.objects)
            .field("pending", &self.pending)
            .field("failure", &self.failure)
            .field("gone", &self.gone)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Without a reason the client would take it for a regular end.
        let reason = std::thread::panicking().then_some("the tracker panicked");
        if let Err(error) = self.quit(reason) {
            log::debug!("no quit message was sent: {error}");
        }
    }
}

/// A protocol error in words.
fn protocol(text: &str) -> Error {
    Error::Protocol(text.to_owned())
}

//! What can go wrong in a TraX session.

use std::io;

/// An error of a TraX session. Its text is sent to the other side as the reason to quit.
///
/// ```
/// use trax::{Error, Limits, Metadata, Server, Transport};
///
/// let transport = Transport::from_streams(&b"@@TRAX:dance\n"[..], std::io::sink());
/// let mut server = Server::new(&Metadata::new("a"), transport, Limits::default())?;
/// assert!(matches!(server.wait(), Err(Error::Malformed(_))));
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The other side closed the connection between two messages, or stopped reading.
    #[error("the other side closed the connection")]
    Disconnected,
    /// The connection ended in the middle of a message.
    #[error("the connection ended in the middle of a message")]
    Truncated,
    /// The connection failed for another reason.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line that starts like a message but does not follow the grammar.
    #[error("malformed message: {0}")]
    Malformed(String),
    /// A legal message in the wrong place, or with the wrong arguments.
    #[error("protocol error: {0}")]
    Protocol(String),
    /// Something is larger than the [`Limits`](super::Limits) allow.
    #[error("{what} is limited to {limit}")]
    TooLarge {
        /// What was counted or measured, with its unit.
        what: &'static str,
        /// The largest value that is accepted.
        limit: u64,
    },
    /// An image argument that cannot be understood or is not accepted.
    #[error("illegal image: {0}")]
    Image(String),
    /// A region that cannot be understood.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// A property key that the protocol cannot carry: it takes 1 to 64 letters, digits, dots or
    /// underscores.
    #[error("illegal property key {0:?}")]
    PropertyKey(String),
    /// An environment variable that selects the connection has a value that means nothing.
    #[error("environment variable {name}: {reason}")]
    Environment {
        /// The variable's name.
        name: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// libtrax refused a call.
    #[error("libtrax: {0}")]
    Library(String),
    /// An earlier error of this session has left the connection out of step: the next answer could
    /// belong to any request. Has the text of that error. Only a new session helps.
    #[error("the session cannot go on after an earlier error: {0}")]
    Poisoned(String),
    /// The session has been ended by either side already.
    #[error("the session has ended")]
    Terminated,
    /// The other side took longer to answer than the time it was given.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(std::time::Duration),
    /// The other side ended the session.
    #[error("the other side quit: {}", .0.as_deref().unwrap_or("no reason given"))]
    Quit(Option<String>),
}

/// Why a region cannot be understood, or cannot be sent.
///
/// ```
/// use trax::{Error, Region, RegionError};
///
/// assert!(matches!("1,2,nan,4".parse::<Region>(), Err(Error::Region(RegionError::NotFinite))));
/// assert_eq!(Region::polygon([(0.0, 0.0)]).unwrap_err().to_string(), "illegal region: a polygon needs three corners, not 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// There is no text.
    #[error("illegal region: it is empty")]
    Empty,
    /// A field is not a number.
    #[error("illegal region: {0:?} is not a number")]
    NotANumber(String),
    /// A coordinate is infinite or not a number.
    #[error("illegal region: a coordinate is not finite")]
    NotFinite,
    /// The number of numbers fits no region of the kind.
    #[error("illegal region: {found} numbers do not make a {kind}")]
    Count {
        /// The kind of region.
        kind: &'static str,
        /// How many numbers there are.
        found: usize,
    },
    /// A polygon of fewer than three corners.
    #[error("illegal region: a polygon needs three corners, not {0}")]
    Corners(usize),
    /// A mask whose sides or runs contradict each other.
    #[error("illegal region: a mask {0}")]
    Mask(&'static str),
}

impl Error {
    /// Whether the other side has simply gone, which ends a server's session in the regular way.
    ///
    /// ```
    /// # use trax::Error;
    /// assert!(Error::Disconnected.is_disconnect());
    /// assert!(!Error::Truncated.is_disconnect(), "something was being said");
    /// ```
    #[must_use]
    pub fn is_disconnect(&self) -> bool {
        matches!(self, Self::Disconnected)
    }

    /// Sorts a failed read or write: a vanished peer is [`Error::Disconnected`], the rest stays
    /// [`Error::Io`].
    pub(crate) fn from_stream(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                Self::Disconnected
            }
            _ => Self::Io(error),
        }
    }
}

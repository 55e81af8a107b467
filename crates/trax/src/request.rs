//! What passes between client and tracker, as values.

use super::image::Images;
use super::properties::Properties;
use super::region::Region;

/// An object that the client wants tracked.
///
/// ```
/// use trax::{Object, Properties, Region};
///
/// let object = Object { region: Region::Special(1), properties: Properties::new() };
/// assert_eq!(object, Object::new(Region::Special(1)));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Where it is in the frame that it comes with.
    pub region: Region,
    /// What else the client says about it.
    pub properties: Properties,
}

impl Object {
    /// A region and nothing else.
    ///
    /// ```
    /// # use trax::{Object, Region};
    /// assert!(Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0)).properties.is_empty());
    /// ```
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self { region, properties: Properties::new() }
    }
}

/// Where an object is, in answer to a frame.
///
/// ```
/// use trax::{Region, Status};
///
/// let status = Status::new(Region::rectangle(1.0, 2.0, 3.0, 4.0)).confidence(0.75).seconds(0.04);
/// assert_eq!(status.properties.get("confidence"), Some("0.75"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Where it is. A mask without set pixels is sent as the special region 0, because libtrax's
    /// clients cannot read one.
    pub region: Region,
    /// What else there is to say; the toolkit records `confidence`, for example.
    pub properties: Properties,
}

impl Status {
    /// A region and nothing else.
    ///
    /// ```
    /// # use trax::{Region, Status};
    /// assert!(Status::new(Region::Special(0)).properties.is_empty());
    /// ```
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self { region, properties: Properties::new() }
    }

    /// Adds the property `confidence`: how sure the tracker is, on a scale of its own.
    #[must_use]
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.properties.put("confidence", confidence.to_string());
        self
    }

    /// Adds the property `time`: the seconds that were spent on the answer.
    #[must_use]
    pub fn seconds(mut self, seconds: f64) -> Self {
        self.properties.put("time", format!("{seconds:.6}"));
        self
    }
}

/// What the client asks for. Every request but the last is answered with
/// [`Server::reply`](super::Server::reply).
///
/// ```
/// use trax::{Limits, Metadata, Request, Server, Transport};
///
/// let transport = Transport::from_streams(&b"@@TRAX:quit trax.reason=tired\n"[..], std::io::sink());
/// let mut server = Server::new(&Metadata::new("a"), transport, Limits::default())?;
/// match server.wait()? {
///     Request::Initialize { objects, .. } => println!("{} objects to start with", objects.len()),
///     Request::Frame { objects, .. } => println!("{} objects more", objects.len()),
///     Request::Quit { properties } => assert_eq!(properties.get("trax.reason"), Some("tired")),
/// }
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Forget everything and track these objects.
    Initialize {
        /// The frame.
        images: Images,
        /// The objects in it; at least one, and one only unless the tracker announced more.
        objects: Vec<Object>,
        /// What else the client says.
        properties: Properties,
    },
    /// Say where the objects are in the next frame.
    Frame {
        /// The frame.
        images: Images,
        /// Objects to track from this frame on, besides those that are tracked already; mostly
        /// none.
        objects: Vec<Object>,
        /// What else the client says.
        properties: Properties,
    },
    /// The session is over, because the client said so or has closed the connection.
    Quit {
        /// What the client said; empty if it closed the connection.
        properties: Properties,
    },
}

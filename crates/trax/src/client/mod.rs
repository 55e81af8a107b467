//! The other side of a session: drives a tracker.

mod hello;
mod link;
mod options;
mod process;

pub use options::ClientOptions;
pub use process::{Connection, TrackerProcess};

use super::error::Error;
use super::image::Images;
use super::metadata::{Channel, Metadata, in_words};
use super::properties::Properties;
use super::region::Region;
use super::request::{Object, Status};
use super::transport::Transport;
use super::wire::{Kind, VERSION, write};
use hello::Hello;
use link::Link;

/// A client's side of a session with one tracker. To start the tracker as well, see [`TrackerProcess`].
///
/// Written in Rust alone; what a tracker sends is read under the same limits as a server reads requests.
///
/// ```no_run
/// use trax::{Client, ClientOptions, Image, Images, Object, Properties, Region, Transport};
/// use std::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:9090")?;
/// let transport = Transport::from_tcp(listener.accept()?.0)?;
/// let mut client = Client::new(transport, ClientOptions::default())?;
/// let frame = Images::color(Image::Path("/data/000001.jpg".into()));
/// let object = Object::new(Region::rectangle(10.0, 20.0, 30.0, 40.0));
/// let statuses = client.initialize(&frame, &[object], &Properties::new())?;
/// println!("{} is at {}", client.metadata().name, statuses[0].region);
/// client.quit(None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    link: Link,
    options: ClientOptions,
    hello: Hello,
    objects: usize,
    ended: bool,
}

impl Client {
    /// Waits for the introduction of the tracker at the other end.
    ///
    /// ```
    /// use trax::{Client, ClientOptions, Transport};
    ///
    /// let tracker = "@@TRAX:hello trax.version=4 trax.name=a trax.region=rectangle trax.image=path\n";
    /// let transport = Transport::from_streams(tracker.as_bytes(), std::io::sink());
    /// let client = Client::new(transport, ClientOptions::default())?;
    /// assert_eq!((client.metadata().name.as_str(), client.version(), client.objects()), ("a", 4, 0));
    /// assert_eq!(client.options(), &ClientOptions::default());
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], [`Error::Disconnected`], [`Error::Protocol`] if it introduces itself in a way that makes no sense or speaks a
    /// newer protocol, and what reading gives.
    pub fn new(transport: Transport, options: ClientOptions) -> Result<Self, Error> {
        let mut link = Link::new(transport, options)?;
        let message = link.receive()?;
        let hello = Hello::parse(message)?;
        Ok(Self { link, options, hello, objects: 0, ended: false })
    }

    /// What the tracker announced.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.hello.metadata
    }

    /// The version of the protocol that the tracker speaks, 1 to 4.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.hello.version
    }

    /// How the client deals with the tracker.
    #[must_use]
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// How many objects are tracked.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.objects
    }

    /// Has the tracker forget everything and track these objects; gives its answer, one status for each.
    ///
    /// Regions are converted to a form that the tracker accepts.
    ///
    /// ```
    /// use trax::{Client, ClientOptions, Image, Images, Object, Properties, Region, Transport};
    ///
    /// // What a tracker says in a session of two frames.
    /// let tracker = "@@TRAX:hello trax.version=4 trax.name=a trax.region=rectangle trax.image=path\n\
    ///     @@TRAX:state 1,2,3,4\n@@TRAX:state 2,2,3,4 confidence=0.5\n";
    /// let transport = Transport::from_streams(tracker.as_bytes(), std::io::sink());
    /// let mut client = Client::new(transport, ClientOptions::default())?;
    /// let image = |name: &str| Images::color(Image::Path(name.into()));
    /// let object = Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0));
    /// client.initialize(&image("1.jpg"), &[object], &Properties::new())?;
    /// let statuses = client.frame(&image("2.jpg"), &[], &Properties::new())?;
    /// assert_eq!(statuses[0].region, Region::rectangle(2.0, 2.0, 3.0, 4.0));
    /// assert_eq!(statuses[0].properties.get_f64("confidence"), Some(0.5));
    /// client.quit(Some("that was all"))?;
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if there is no object, more than the tracker takes, an image of a channel missing, or no accepted form of a
    /// region or image; [`Error::Quit`] if the tracker gives up; [`Error::Timeout`], [`Error::Disconnected`], [`Error::Io`] and what
    /// reading gives.
    pub fn initialize(
        &mut self,
        images: &Images,
        objects: &[Object],
        properties: &Properties,
    ) -> Result<Vec<Status>, Error> {
        if objects.is_empty() {
            return Err(Error::Protocol("an initialization without objects".into()));
        }
        let mut lines = Vec::new();
        if self.hello.version >= VERSION {
            if self.objects > 0 {
                write(&mut lines, Kind::Initialize, &[], std::iter::empty());
            }
            self.objects = 0;
            return self.send_frame(lines, images, objects, properties);
        }
        let [object] = objects else {
            return Err(Error::Protocol("this tracker takes one object only".into()));
        };
        let mut arguments = self.images(images)?;
        arguments.push(self.region(&object.region)?);
        write(&mut lines, Kind::Initialize, &arguments, properties.iter());
        self.objects = 1;
        self.exchange(lines)
    }

    /// Sends the next frame, perhaps with more objects to track from now on; gives one status for each object, old ones first.
    ///
    /// # Errors
    ///
    /// Those of [`Client::initialize`].
    pub fn frame(&mut self, images: &Images, added: &[Object], properties: &Properties) -> Result<Vec<Status>, Error> {
        if self.objects == 0 {
            return Err(Error::Protocol("a frame before any object was initialized".into()));
        }
        if self.hello.version < VERSION && !added.is_empty() {
            return Err(Error::Protocol("this tracker takes no more objects".into()));
        }
        self.send_frame(Vec::new(), images, added, properties)
    }

    /// Ends the session. Nothing happens if it has ended already.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`], [`Error::Timeout`], [`Error::Io`].
    pub fn quit(&mut self, reason: Option<&str>) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        let mut line = Vec::new();
        write(&mut line, Kind::Quit, &[], reason.map(|reason| ("trax.reason", reason)).into_iter());
        self.link.send(line)
    }

    /// Sends objects and a frame behind what is in `lines`, and waits for the answer.
    fn send_frame(
        &mut self,
        mut lines: Vec<u8>,
        images: &Images,
        objects: &[Object],
        properties: &Properties,
    ) -> Result<Vec<Status>, Error> {
        let count = self.objects + objects.len();
        if count > 1 && !self.hello.metadata.multi_object {
            return Err(Error::Protocol("this tracker takes one object only".into()));
        }
        for object in objects {
            let region = self.region(&object.region)?;
            write(&mut lines, Kind::Initialize, &[region], object.properties.iter());
        }
        write(&mut lines, Kind::Frame, &self.images(images)?, properties.iter());
        self.objects = count;
        self.exchange(lines)
    }

    /// Sends a request and waits for its answer: one status for each object.
    fn exchange(&mut self, lines: Vec<u8>) -> Result<Vec<Status>, Error> {
        if self.ended {
            return Err(Error::Terminated);
        }
        // A tracker that has quit cannot take a request in, but the reason it left is worth more than that.
        let sent = self.link.send(lines);
        let mut statuses = Vec::with_capacity(self.objects);
        while statuses.len() < self.objects {
            let message = match (self.link.receive(), &sent) {
                (Ok(message), _) => message,
                (Err(_), Err(_)) => return sent.map(|()| statuses),
                (Err(error), Ok(())) => return Err(error),
            };
            match (message.kind, message.arguments.as_slice()) {
                (Kind::State, [region]) => {
                    let text =
                        str::from_utf8(region).map_err(|_| Error::Malformed("a region that is not text".into()))?;
                    let region = Region::parse(text, &self.options.limits)?;
                    statuses.push(Status { region, properties: message.properties });
                }
                (Kind::Quit, []) => {
                    self.ended = true;
                    return Err(Error::Quit(message.properties.get("trax.reason").map(str::to_owned)));
                }
                (kind, _) => {
                    return Err(Error::Protocol(format!("an answer that is a {} message", kind.word())));
                }
            }
        }
        Ok(statuses)
    }

    /// A region's text in a form that the tracker accepts.
    fn region(&self, region: &Region) -> Result<Vec<u8>, Error> {
        let converted = region.to_accepted(&self.hello.metadata.regions).filter(Region::is_finite);
        converted
            .map(|region| region.to_string().into_bytes())
            .ok_or_else(|| Error::Protocol("a region has no form that the tracker accepts".into()))
    }

    /// The images of the channels that the tracker asked for.
    fn images(&self, images: &Images) -> Result<Vec<Vec<u8>>, Error> {
        let metadata = &self.hello.metadata;
        let channels = Channel::ALL.iter().filter(|channel| metadata.channels.contains(channel));
        channels
            .map(|&channel| {
                let image = images.get(channel).ok_or_else(|| Error::Protocol(format!("no {channel} image")))?;
                if metadata.images.contains(&image.format()) {
                    Ok(image.to_argument())
                } else {
                    Err(Error::Protocol(format!(
                        "the tracker takes no {} images, but {}",
                        image.format(),
                        in_words(&metadata.images)
                    )))
                }
            })
            .collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Err(error) = self.quit(None) {
            log::debug!("no farewell: {error}");
        }
    }
}

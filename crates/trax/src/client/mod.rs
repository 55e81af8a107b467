//! The other side of a session: drives a tracker.

mod hello;
mod link;
mod options;
mod process;

pub use options::ClientOptions;
pub use process::{Connection, TrackerProcess};

use std::time::Instant;

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

/// A client's side of a session with one tracker. To start the tracker as well, see
/// [`TrackerProcess`].
///
/// Written in Rust alone; what a tracker sends is read under the same limits as a server reads
/// requests.
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
    /// [`Error::Timeout`], [`Error::Disconnected`], [`Error::Protocol`] if it introduces itself in
    /// a way that makes no sense or speaks a newer protocol, and what reading gives.
    pub fn new(transport: Transport, options: ClientOptions) -> Result<Self, Error> {
        let mut link = Link::new(transport, options)?;
        let message = link.receive(link.deadline())?;
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

    /// Has the tracker forget everything and track these objects; gives its answer, one status for
    /// each.
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
    /// Before anything is sent, after which the session is as it was: [`Error::Protocol`] if there
    /// is no object, more than the tracker takes, an image of a channel missing, or no accepted
    /// form of a region or image; [`Error::Image`] for a path or address that a message cannot
    /// carry.
    ///
    /// [`Error::Quit`] if the tracker gives up, which ends the session. Any other error
    /// ([`Error::Timeout`], [`Error::Disconnected`], [`Error::Io`], an answer that is refused)
    /// leaves it out of step with the tracker: every later call is [`Error::Poisoned`].
    pub fn initialize(
        &mut self,
        images: &Images,
        objects: &[Object],
        properties: &Properties,
    ) -> Result<Vec<Status>, Error> {
        self.check()?;
        let [first, ..] = objects else {
            return Err(Error::Protocol("an initialization without objects".into()));
        };
        let mut lines = Vec::new();
        if self.hello.version >= VERSION {
            if self.objects > 0 {
                write(&mut lines, Kind::Initialize, &[], std::iter::empty());
            }
            self.write_frame(&mut lines, objects.len(), images, objects, properties)?;
            return self.exchange(lines, objects.len());
        }
        if objects.len() > 1 {
            return Err(Error::Protocol("this tracker takes one object only".into()));
        }
        let mut arguments = self.images(images)?;
        arguments.push(self.region(&first.region)?);
        // There is one message for both, so what the object has and the request has not goes with
        // it.
        let own = first.properties.iter().filter(|(key, _)| properties.get(key).is_none());
        write(&mut lines, Kind::Initialize, &arguments, properties.iter().chain(own));
        self.exchange(lines, 1)
    }

    /// Sends the next frame, perhaps with more objects to track from now on; gives one status for
    /// each object, old ones first.
    ///
    /// # Errors
    ///
    /// Those of [`Client::initialize`].
    pub fn frame(&mut self, images: &Images, added: &[Object], properties: &Properties) -> Result<Vec<Status>, Error> {
        self.check()?;
        if self.objects == 0 {
            return Err(Error::Protocol("a frame before any object was initialized".into()));
        }
        if self.hello.version < VERSION && !added.is_empty() {
            return Err(Error::Protocol("this tracker takes no more objects".into()));
        }
        let (mut lines, count) = (Vec::new(), self.objects + added.len());
        self.write_frame(&mut lines, count, images, added, properties)?;
        self.exchange(lines, count)
    }

    /// Ends the session. Nothing happens if it has ended already.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`], [`Error::Timeout`], [`Error::Io`]. [`Error::Poisoned`] after a
    /// request that failed; the quit message is sent all the same if it can be.
    pub fn quit(&mut self, reason: Option<&str>) -> Result<(), Error> {
        let poisoned = self.link.check();
        if self.ended {
            return poisoned;
        }
        self.ended = true;
        let mut line = Vec::new();
        write(&mut line, Kind::Quit, &[], reason.map(|reason| ("trax.reason", reason)).into_iter());
        let sent = self.link.send(line);
        poisoned.and(sent)
    }

    /// Whether a request can be sent at all.
    fn check(&self) -> Result<(), Error> {
        self.link.check()?;
        if self.ended { Err(Error::Terminated) } else { Ok(()) }
    }

    /// Appends the messages of objects and a frame, after which the tracker follows `count`
    /// objects.
    fn write_frame(
        &self,
        lines: &mut Vec<u8>,
        count: usize,
        images: &Images,
        objects: &[Object],
        properties: &Properties,
    ) -> Result<(), Error> {
        if count > 1 && !self.hello.metadata.multi_object {
            return Err(Error::Protocol("this tracker takes one object only".into()));
        }
        for object in objects {
            let region = self.region(&object.region)?;
            write(lines, Kind::Initialize, &[region], object.properties.iter());
        }
        write(lines, Kind::Frame, &self.images(images)?, properties.iter());
        Ok(())
    }

    /// Sends a request and waits for its answer: a status for each of `count` objects.
    fn exchange(&mut self, lines: Vec<u8>, count: usize) -> Result<Vec<Status>, Error> {
        let result = self.send_and_receive(lines, count);
        match &result {
            Ok(_) => {}
            Err(Error::Quit(_)) => self.ended = true,
            Err(error) => self.link.poison(error),
        }
        result
    }

    /// The same, without a look at what an error does to the session.
    fn send_and_receive(&mut self, lines: Vec<u8>, count: usize) -> Result<Vec<Status>, Error> {
        let sent = self.link.send(lines);
        let deadline = match &sent {
            Ok(()) => {
                self.objects = count;
                self.link.deadline()
            }
            // A tracker that has quit cannot take a request in, but its reason is worth more than
            // that. It is there already if the time for sending is up.
            Err(Error::Timeout(_)) => Some(Instant::now()),
            Err(_) => self.link.deadline(),
        };
        let mut statuses = Vec::with_capacity(count.min(256));
        // A mask's text may be short and its pixels many, so those of one answer are limited
        // together.
        let mut mask_pixels = 0;
        while statuses.len() < count {
            let message = match (self.link.receive(deadline), &sent) {
                (Ok(message), _) => message,
                (Err(_), Err(_)) => return sent.map(|()| statuses),
                (Err(error), Ok(())) => return Err(error),
            };
            match (message.kind, message.arguments.as_slice()) {
                (Kind::State, [region]) => {
                    let text =
                        str::from_utf8(region).map_err(|_| Error::Malformed("a region that is not text".into()))?;
                    let region = Region::parse_with(text, &self.options.limits, mask_pixels)?;
                    mask_pixels += region.mask_pixels();
                    statuses.push(Status { region, properties: message.properties });
                }
                (Kind::Quit, []) => {
                    return Err(Error::Quit(message.properties.get("trax.reason").map(str::to_owned)));
                }
                (Kind::State, regions) => {
                    return Err(Error::Protocol(format!("a state message with {} regions", regions.len())));
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
                if !metadata.images.contains(&image.format()) {
                    let (format, accepted) = (image.format(), in_words(&metadata.images));
                    return Err(Error::Protocol(format!("the tracker takes no {format} images, but {accepted}")));
                }
                image.to_checked_argument()
            })
            .collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Err(error) = self.quit(None) {
            log::debug!("no quit message was sent: {error}");
        }
    }
}

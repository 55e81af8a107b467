//! The tracker's side of a session.

use std::fmt::{self, Debug, Formatter};
use std::io::{Read, Write as _};

use super::error::Error;
use super::ffi::{Event, Handle};
use super::image::{Image, Images};
use super::limits::Limits;
use super::metadata::{Channel, Metadata};
use super::properties::Properties;
use super::region::Region;
use super::request::{Object, Request, Status};
use super::transport::{Output, Transport};
use super::watch::Watch;
use super::wire::{Kind, LineReader, Message};

/// The tracker's side of a session: introduces the tracker, then waits for requests and answers them.
///
/// `Send`, so it can be moved to the thread that tracks. A server that is dropped before it has quit says farewell.
pub struct Server {
    handle: Handle,
    input: LineReader<Box<dyn Read + Send>>,
    output: Output,
    watch: Option<Watch>,
    metadata: Metadata,
    limits: Limits,
    /// How many objects are tracked.
    objects: usize,
    /// Nobody reads any more what is sent.
    gone: bool,
    ended: bool,
}

impl Server {
    /// Introduces the tracker on the connection that the environment asks for, under the default limits.
    ///
    /// # Errors
    ///
    /// Those of [`Transport::from_environment`] and [`Server::new`].
    pub fn from_environment(metadata: &Metadata) -> Result<Self, Error> {
        Self::new(metadata, Transport::from_environment()?, Limits::default())
    }

    /// Introduces the tracker on a connection. If nobody is there any more, the first request will be to quit.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Library`] for metadata without channels.
    pub fn new(metadata: &Metadata, transport: Transport, limits: Limits) -> Result<Self, Error> {
        let (handle, hello) = Handle::serve(metadata)?;
        let mut server = Self {
            handle,
            input: LineReader::new(transport.input, limits.message_bytes),
            output: transport.output,
            watch: None,
            metadata: metadata.clone(),
            limits,
            objects: 0,
            gone: false,
            ended: false,
        };
        match server.send(&hello) {
            Ok(()) | Err(Error::Disconnected) => Ok(server),
            Err(error) => Err(error),
        }
    }

    /// Has `act` called, on a thread of its own, if the client goes while a request is being worked on.
    ///
    /// Without it nobody notices before the reply, which a tracker that trains for a minute would prepare for nobody. The client has
    /// gone once nothing can read the reply any more, seen within half a second; one that merely sends no more still gets its answer.
    /// `act` should be short: ending the process, or setting a flag that the tracker looks at. Between a reply and the next request
    /// it is never called, since [`Server::wait`] takes care of that. Nothing is watched on [`Transport::from_streams`]'s streams.
    ///
    /// ```no_run
    /// use attrax::trax::{Metadata, Server};
    ///
    /// let mut server = Server::from_environment(&Metadata::new("slow"))?;
    /// server.on_hang_up(|| std::process::exit(0))?;
    /// # Ok::<(), attrax::trax::Error>(())
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
    fn set_busy(&self, busy: bool) {
        if let Some(watch) = &self.watch {
            watch.set_busy(busy);
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
    /// use attrax::trax::{Limits, Metadata, Region, Request, Server, Status, Transport};
    ///
    /// let client = "@@TRAX:initialize \"1,2,3,4\"\n@@TRAX:frame \"file:///1.jpg\"\n@@TRAX:quit\n";
    /// let transport = Transport::from_streams(client.as_bytes(), std::io::sink());
    /// let mut server = Server::new(&Metadata::new("example"), transport, Limits::default())?;
    /// let Request::Initialize { objects, .. } = server.wait()? else { panic!("it is the first request") };
    /// assert_eq!(objects[0].region, Region::rectangle(1.0, 2.0, 3.0, 4.0));
    /// server.reply(&[Status::new(objects[0].region.clone())])?;
    /// assert!(matches!(server.wait()?, Request::Quit { .. }));
    /// # Ok::<(), attrax::trax::Error>(())
    /// ```
    ///
    /// After an error the session cannot go on: the reason belongs into [`Server::quit`].
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::Malformed`], [`Error::Protocol`], [`Error::TooLarge`], [`Error::Image`] and [`Error::Region`]
    /// for what the client got wrong; [`Error::Io`], [`Error::Library`] and [`Error::Terminated`].
    pub fn wait(&mut self) -> Result<Request, Error> {
        self.set_busy(false);
        let request = self.next_request()?;
        self.set_busy(!matches!(request, Request::Quit { .. }));
        Ok(request)
    }

    /// Reads messages until they make a request.
    fn next_request(&mut self) -> Result<Request, Error> {
        if self.ended {
            return Err(Error::Terminated);
        }
        if self.gone {
            self.ended = true;
            return Ok(Request::Quit { properties: Properties::new() });
        }
        let mut added = Vec::new();
        let mut restart = self.objects == 0;
        loop {
            let message = match self.input.next_line() {
                Ok(Some(line)) => Message::parse(line, self.limits.message_items)?,
                Ok(None) | Err(Error::Disconnected) => {
                    self.ended = true;
                    return Ok(Request::Quit { properties: Properties::new() });
                }
                Err(error) => return Err(error),
            };
            match message.kind {
                Kind::Initialize => match message.arguments.as_slice() {
                    [] => {
                        restart = true;
                        added.clear();
                    }
                    [region] => {
                        let object = self.object(region, message.properties, &added)?;
                        added.push(object);
                        self.check_count(restart, added.len())?;
                    }
                    _ => return Err(protocol("an initialize message carries one region")),
                },
                Kind::Frame => return self.frame(restart, added, message),
                Kind::Quit if message.arguments.is_empty() => {
                    self.handle.client_quit()?;
                    self.ended = true;
                    return Ok(Request::Quit { properties: message.properties });
                }
                Kind::Quit => return Err(protocol("a quit message carries no arguments")),
                Kind::Hello | Kind::State => {
                    return Err(Error::Protocol(format!("a client does not send {} messages", message.kind.word())));
                }
            }
        }
    }

    /// Answers the last request: where the objects are, in the order in which they were named.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if there is not one status for each object or a region is not finite, [`Error::Disconnected`] if the
    /// client has gone, [`Error::Io`], [`Error::Library`], [`Error::Terminated`].
    pub fn reply(&mut self, statuses: &[Status]) -> Result<(), Error> {
        self.set_busy(false);
        if self.ended {
            return Err(Error::Terminated);
        }
        if statuses.len() != self.objects {
            return Err(Error::Protocol(format!("{} statuses for {} objects", statuses.len(), self.objects)));
        }
        if statuses.iter().any(|status| !status.region.is_finite()) {
            return Err(protocol("a status with a region that is not finite"));
        }
        let nowhere = Region::Special(0);
        let bytes = self.handle.reply(statuses.iter().map(|status| match &status.region {
            Region::Mask(mask) if mask.area() == 0 => (&nowhere, &status.properties),
            region => (region, &status.properties),
        }))?;
        self.send(&bytes)
    }

    /// Ends the session, with a reason if it is not the regular end. Nothing happens if it has ended already.
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
        let bytes = self.handle.terminate(reason)?;
        // There may be nobody to say farewell to.
        if self.gone { Err(Error::Disconnected) } else { self.send(&bytes) }
    }

    /// An object as an initialize message names it, after those that the request has brought already.
    fn object(&self, region: &[u8], properties: Properties, before: &[Object]) -> Result<Object, Error> {
        let text = str::from_utf8(region).map_err(|_| Error::Malformed("a region that is not text".into()))?;
        // A mask's text may be short and its pixels many, so what all of them take counts.
        let taken = before.iter().map(|object| match &object.region {
            Region::Mask(mask) => mask.data().len() as u64,
            _ => 0,
        });
        let mask_pixels = self.limits.mask_pixels.saturating_sub(taken.sum());
        let region = match Region::parse(text, &Limits { mask_pixels, ..self.limits }) {
            Err(Error::TooLarge { what, limit }) if limit == mask_pixels => {
                return Err(Error::TooLarge { what, limit: self.limits.mask_pixels });
            }
            result => result?,
        };
        Ok(Object { region, properties })
    }

    /// Whether so many objects more can be tracked.
    fn check_count(&self, restart: bool, added: usize) -> Result<(), Error> {
        let count = added + if restart { 0 } else { self.objects };
        if count > 1 && !self.metadata.multi_object {
            return Err(protocol("this tracker takes one object only"));
        }
        if count > self.limits.objects {
            return Err(Error::TooLarge { what: "number of objects", limit: self.limits.objects as u64 });
        }
        Ok(())
    }

    /// The request that a frame message completes.
    fn frame(&mut self, restart: bool, objects: Vec<Object>, message: Message) -> Result<Request, Error> {
        if restart && objects.is_empty() {
            return Err(protocol("a frame before any object was initialized"));
        }
        let images = self.images(&message.arguments)?;
        let event = self.handle.request(restart, objects.len())?;
        let properties = message.properties;
        if restart {
            self.objects = 0;
        }
        self.objects += objects.len();
        match event {
            Event::Initialize if restart => Ok(Request::Initialize { images, objects, properties }),
            Event::Frame if !restart => Ok(Request::Frame { images, objects, properties }),
            _ => Err(Error::Library("it has lost track of the session".into())),
        }
    }

    /// One image for each announced channel, in the channels' own order.
    fn images(&self, arguments: &[Vec<u8>]) -> Result<Images, Error> {
        let channels = Channel::ALL.iter().filter(|channel| self.metadata.channels.contains(channel));
        let expected = channels.clone().count();
        if arguments.len() != expected {
            return Err(Error::Protocol(format!("a frame carries {expected} image(s), not {}", arguments.len())));
        }
        let mut images = Images::default();
        for (&channel, argument) in channels.zip(arguments) {
            let image = Image::from_argument(argument, &self.limits)?;
            if !self.metadata.images.contains(&image.format()) {
                return Err(Error::Image(format!("this tracker takes no images of the form {:?}", image.format())));
            }
            images.set(channel, image);
        }
        Ok(images)
    }

    /// Sends whole messages in one piece, so that nothing another writer says falls between their parts.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.output.write_all(bytes).and_then(|()| self.output.flush()).map_err(|error| {
            self.gone = true;
            Error::from_stream(error)
        })
    }
}

impl Debug for Server {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("metadata", &self.metadata)
            .field("limits", &self.limits)
            .field("objects", &self.objects)
            .field("gone", &self.gone)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.quit(None) {
            log::debug!("no farewell: {error}");
        }
    }
}

/// A protocol error in words.
fn protocol(text: &str) -> Error {
    Error::Protocol(text.to_owned())
}

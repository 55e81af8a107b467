//! From messages to requests.

use super::{Server, protocol};
use crate::error::Error;
use crate::image::{Image, Images};
use crate::metadata::{Channel, in_words};
use crate::properties::Properties;
use crate::region::Region;
use crate::request::{Object, Request};
use crate::wire::{Kind, Message};

impl Server {
    /// Reads messages until they make a request.
    pub(super) fn next_request(&mut self) -> Result<Request, Error> {
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
                    self.session.client_quit()?;
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

    /// An object as an initialize message names it, after those that the request has brought
    /// already.
    fn object(&self, region: &[u8], properties: Properties, before: &[Object]) -> Result<Object, Error> {
        let text = str::from_utf8(region).map_err(|_| Error::Malformed("a region that is not text".into()))?;
        // A mask's text may be short and its pixels many, so those of one request are limited
        // together.
        let taken = before.iter().map(|object| object.region.mask_pixels());
        let region = Region::parse_with(text, &self.limits, taken.sum())?;
        Ok(Object { region, properties })
    }

    /// An error if `added` more objects are over the limit.
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
        self.session.request(restart, objects.len())?;
        let properties = message.properties;
        self.objects = objects.len() + if restart { 0 } else { self.objects };
        Ok(if restart {
            Request::Initialize { images, objects, properties }
        } else {
            Request::Frame { images, objects, properties }
        })
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
                let (format, accepted) = (image.format(), in_words(&self.metadata.images));
                return Err(Error::Image(format!("this tracker takes no {format} images, but {accepted}")));
            }
            images.set(channel, image);
        }
        Ok(images)
    }
}

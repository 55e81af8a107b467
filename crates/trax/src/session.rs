//! The state of a session and the tracker's messages, kept and written by Rust, or by libtrax with
//! the feature `libtrax`.

use crate::error::Error;
use crate::metadata::{Metadata, Word};
use crate::properties::Properties;
use crate::region::Region;
use crate::wire::{Kind, VERSION, ascii, write};

/// A session whose requests the server has read and checked; writes the tracker's messages.
pub(crate) trait Session: Send {
    /// A request has come: `added` objects, all others forgotten if `restart`, and a frame.
    fn request(&mut self, restart: bool, added: usize) -> Result<(), Error>;

    /// The client has quit.
    fn client_quit(&mut self) -> Result<(), Error>;

    /// The state messages of a reply: a region with properties for each object.
    fn reply(&mut self, objects: &[(&Region, &Properties)]) -> Result<Vec<u8>, Error>;

    /// The quit message; empty if the session has ended already.
    fn quit(&mut self, reason: Option<&str>) -> Result<Vec<u8>, Error>;
}

/// Starts a session, and returns it with the tracker's introduction.
///
/// # Errors
/// [`Error::Protocol`] for metadata without regions, images or channels, [`Error::Library`].
pub(crate) fn introduce(metadata: &Metadata) -> Result<(Box<dyn Session>, Vec<u8>), Error> {
    for (what, missing) in [
        ("region format", metadata.regions.is_empty()),
        ("image format", metadata.images.is_empty()),
        ("channel", metadata.channels.is_empty()),
    ] {
        if missing {
            return Err(Error::Protocol(format!("a tracker needs at least one {what}")));
        }
    }
    #[cfg(feature = "libtrax")]
    let (session, hello) = crate::libtrax::LibtraxSession::introduce(metadata)?;
    #[cfg(not(feature = "libtrax"))]
    let (session, hello) = RustSession::introduce(metadata);
    Ok((Box::new(session), hello))
}

/// A session that is kept in Rust.
#[cfg_attr(all(feature = "libtrax", not(test)), allow(dead_code, reason = "libtrax takes its place"))]
pub(crate) struct RustSession {
    ended: bool,
}

#[cfg_attr(all(feature = "libtrax", not(test)), allow(dead_code, reason = "libtrax takes its place"))]
impl RustSession {
    /// Starts a session.
    pub(crate) fn introduce(metadata: &Metadata) -> (Self, Vec<u8>) {
        let mut said: Vec<(&str, String)> =
            metadata.custom.iter().map(|(key, value)| (key, value.to_owned())).collect();
        let mut say = |key, value| {
            said.retain(|(other, _)| *other != key);
            said.push((key, value));
        };
        say("trax.version", VERSION.to_string());
        say("trax.region", list(&metadata.regions));
        say("trax.image", list(&metadata.images));
        say("trax.channels", list(&metadata.channels));
        say("trax.name", metadata.name.clone());
        say("trax.description", metadata.description.clone());
        say("trax.family", metadata.family.clone());
        if metadata.multi_object {
            say("trax.multiobject", "1".into());
        }
        (Self { ended: false }, line(Kind::Hello, &[], said.iter().map(|(key, value)| (*key, value.as_str()))))
    }
}

impl Session for RustSession {
    fn request(&mut self, _: bool, _: usize) -> Result<(), Error> {
        // What libtrax would count here the server has counted.
        Ok(())
    }

    fn client_quit(&mut self) -> Result<(), Error> {
        self.ended = true;
        Ok(())
    }

    fn reply(&mut self, objects: &[(&Region, &Properties)]) -> Result<Vec<u8>, Error> {
        let state = |(region, properties): &(&Region, &Properties)| {
            line(Kind::State, &[region.to_string().into_bytes()], properties.iter())
        };
        Ok(objects.iter().flat_map(state).collect())
    }

    fn quit(&mut self, reason: Option<&str>) -> Result<Vec<u8>, Error> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(Vec::new());
        }
        Ok(line(Kind::Quit, &[], reason.map(|reason| ("trax.reason", reason)).into_iter()))
    }
}

/// One message of a tracker.
fn line<'a>(kind: Kind, arguments: &[Vec<u8>], properties: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let properties: Vec<_> = properties.map(|(key, value)| (key, ascii(value))).collect();
    let mut line = Vec::new();
    write(&mut line, kind, arguments, properties.iter().map(|(key, value)| (*key, value.as_ref())));
    line
}

/// What of all there is is in a list, as an introduction has it.
fn list<T: Word>(listed: &[T]) -> String {
    T::ALL.iter().filter(|format| listed.contains(format)).map(|format| format.word().to_owned() + ";").collect()
}

//! A tracker's introduction.

use crate::error::Error;
use crate::metadata::{Channel, Metadata, Word};
use crate::properties::Properties;
use crate::wire::{Kind, Message, VERSION};

/// What a tracker said about itself.
#[derive(Debug)]
pub(super) struct Hello {
    /// The version of the protocol that it speaks.
    pub(super) version: u32,
    /// The rest.
    pub(super) metadata: Metadata,
}

impl Hello {
    /// Reads the first message of a session.
    pub(super) fn parse(message: Message) -> Result<Self, Error> {
        match message.kind {
            Kind::Hello => {}
            Kind::Quit => return Err(Error::Quit(message.properties.get("trax.reason").map(str::to_owned))),
            kind => return Err(Error::Protocol(format!("the first message is a {} message", kind.word()))),
        }
        let said = message.properties;
        let version = said.get("trax.version").map_or(Some(1), |text| text.parse().ok());
        let version = version.filter(|version| (1..=VERSION).contains(version)).ok_or_else(|| {
            Error::Protocol(format!("version {:?} of the protocol", said.get("trax.version").unwrap_or_default()))
        })?;
        let text = |key| said.get(key).unwrap_or_default().to_owned();
        let mut metadata = Metadata::new(text("trax.name"));
        metadata.description = text("trax.description");
        metadata.family = text("trax.family");
        metadata.regions = list(&said, "trax.region")?;
        metadata.images = list(&said, "trax.image")?;
        metadata.channels = list(&said, "trax.channels")?;
        if metadata.channels.is_empty() || version < 2 {
            metadata.channels = vec![Channel::Color];
        }
        metadata.multi_object = version > 3 && said.get_f64("trax.multiobject").is_some_and(|value| value != 0.0);
        for (key, value) in said.iter().filter(|(key, _)| !key.starts_with("trax.")) {
            metadata.custom.put(key, value.to_owned());
        }
        Ok(Self { version, metadata })
    }
}

/// A list of words separated by semicolons.
fn list<T: Word>(said: &Properties, key: &str) -> Result<Vec<T>, Error> {
    let words = said.get(key).unwrap_or_default().split(';').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let known = T::ALL.iter().find(|known| known.word() == word).copied();
            known.ok_or_else(|| Error::Protocol(format!("{key} lists {word:?}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{ImageFormat, RegionFormat};

    fn parse(line: &str) -> Result<Hello, Error> {
        Hello::parse(Message::parse(line.as_bytes(), 100)?)
    }

    #[test]
    fn introductions_are_read() {
        let hello = parse(
            "hello trax.version=4 trax.name=a \"trax.region=rectangle;mask;\" trax.image=path;memory trax.channels=color;ir; \
             trax.multiobject=1 vot=x",
        )
        .unwrap();
        assert_eq!(hello.version, 4);
        assert_eq!(hello.metadata.name, "a");
        assert_eq!(hello.metadata.regions, [RegionFormat::Rectangle, RegionFormat::Mask]);
        assert_eq!(hello.metadata.images, [ImageFormat::Path, ImageFormat::Memory]);
        assert_eq!(hello.metadata.channels, [Channel::Color, Channel::Ir]);
        assert!(hello.metadata.multi_object);
        assert_eq!(hello.metadata.custom.get("vot"), Some("x"));
        let old = parse("hello trax.version=3 trax.multiobject=1 trax.region=polygon").unwrap();
        assert!(!old.metadata.multi_object);
        assert_eq!(old.metadata.channels, [Channel::Color]);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["frame", "hello trax.version=5", "hello trax.version=x", "hello trax.image=telepathy"] {
            assert!(matches!(parse(line), Err(Error::Protocol(_))), "{line}");
        }
        assert!(matches!(parse("quit trax.reason=tired"), Err(Error::Quit(Some(reason))) if reason == "tired"));
    }
}

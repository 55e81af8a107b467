//! One message: its grammar.

use memchr::memchr3;

use crate::error::Error;
use crate::properties::{Properties, is_key};

/// What every message begins with.
pub(crate) const PREFIX: &[u8] = b"@@TRAX:";

/// The newest version of the protocol, from which on objects have messages of their own.
pub(crate) const VERSION: u32 = 4;

/// The five kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server introduces itself.
    Hello,
    /// The client names an object, or forgets them all.
    Initialize,
    /// The client sends the images of a frame.
    Frame,
    /// The server says where an object is.
    State,
    /// Either side ends the session.
    Quit,
}

impl Kind {
    /// The kind that a word names; case does not matter.
    fn from_word(word: &[u8]) -> Option<Self> {
        let names = [
            ("hello", Self::Hello),
            ("initialize", Self::Initialize),
            ("frame", Self::Frame),
            ("state", Self::State),
            ("status", Self::State),
            ("quit", Self::Quit),
        ];
        names.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)).map(|&(_, kind)| kind)
    }

    /// The word that is written for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Initialize => "initialize",
            Self::Frame => "frame",
            Self::State => "state",
            Self::Quit => "quit",
        }
    }
}

/// A message taken apart. Arguments are bytes, since paths need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) properties: Properties,
}

impl Message {
    /// Takes a line apart that a [`LineReader`](super::LineReader) gave: at most `most` arguments
    /// and properties.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where the grammar is broken, [`Error::TooLarge`] for too many items.
    pub(crate) fn parse(line: &[u8], most: usize) -> Result<Self, Error> {
        let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (word, mut rest) = line.split_at(end);
        let kind = Kind::from_word(word).ok_or_else(|| {
            let shown = word[..word.len().min(32)].escape_ascii();
            Error::Malformed(format!("there is no message \"{shown}\""))
        })?;
        let mut message = Self { kind, arguments: Vec::new(), properties: Properties::new() };
        let mut items = 0;
        loop {
            rest = &rest[rest.iter().take_while(|&&byte| byte == b' ').count()..];
            if rest.is_empty() {
                return Ok(message);
            }
            items += 1;
            if items > most {
                return Err(Error::TooLarge { what: "number of items in a message", limit: most as u64 });
            }
            rest = message.take_item(rest)?;
        }
    }

    /// Takes one item off the front of `text` and gives what follows it.
    fn take_item<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Error> {
        let quoted = text[0] == b'"';
        let stop = if quoted { b'"' } else { b' ' };
        let mut position = usize::from(quoted);
        let mut item = Vec::new();
        // Where the value starts, once an equals sign has followed a legal key.
        let mut value = None;
        loop {
            let rest = &text[position..];
            let run = memchr3(stop, b'\\', b'=', rest).unwrap_or(rest.len());
            item.extend_from_slice(&rest[..run]);
            position += run;
            match text.get(position) {
                None if quoted => return Err(Error::Malformed("a quote is not closed".into())),
                None => break,
                Some(b'\\') => {
                    let escaped =
                        text.get(position + 1).ok_or_else(|| Error::Malformed("a line ends in a backslash".into()))?;
                    item.push(if *escaped == b'n' { b'\n' } else { *escaped });
                    position += 2;
                }
                Some(b'=') if value.is_none() && is_key(&item) => {
                    value = Some(item.len());
                    position += 1;
                }
                Some(b'=') => {
                    item.push(b'=');
                    position += 1;
                }
                Some(_) => {
                    position += usize::from(quoted);
                    break;
                }
            }
        }
        if quoted && text.get(position).is_some_and(|&byte| byte != b' ') {
            return Err(Error::Malformed("text sticks to a closing quote".into()));
        }
        match value {
            None => self.arguments.push(item),
            Some(split) => {
                let key = String::from_utf8_lossy(&item[..split]).into_owned();
                self.properties.put(&key, String::from_utf8_lossy(&item[split..]).into_owned());
            }
        }
        Ok(&text[position..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Message, Error> {
        Message::parse(line.as_bytes(), 100)
    }

    fn arguments(line: &str) -> Vec<String> {
        parse(line).unwrap().arguments.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn items_are_arguments_or_properties() {
        let message =
            parse(r#"frame "file:///a b/c=d.png"  key=value "x.y=say \"hi\"\n=1" plain "" "data:image/png;QQ==""#)
                .unwrap();
        assert_eq!(message.kind, Kind::Frame);
        assert_eq!(message.arguments, [&b"file:///a b/c=d.png"[..], b"plain", b"", b"data:image/png;QQ=="]);
        assert_eq!(message.properties.get("key"), Some("value"));
        assert_eq!(message.properties.get("x.y"), Some("say \"hi\"\n=1"));
    }

    #[test]
    fn kinds_have_names_in_any_case() {
        for (word, kind) in
            [("HELLO", Kind::Hello), ("Status", Kind::State), ("state", Kind::State), ("quit", Kind::Quit)]
        {
            assert_eq!(parse(word).unwrap().kind, kind);
        }
        for line in ["", " ", "bogus", "quit\t", "quit\"", "frames"] {
            assert!(matches!(parse(line), Err(Error::Malformed(_))), "{line:?}");
        }
    }

    #[test]
    fn broken_items_are_refused() {
        for line in [r#"frame "open"#, r#"frame "a"b"#, r#"frame "a\"#, r"frame a\", r#"frame "key=open"#] {
            assert!(matches!(parse(line), Err(Error::Malformed(_))), "{line:?}");
        }
        assert_eq!(arguments(r#"frame a"b \"c"#), ["a\"b", "\"c"]);
    }

    #[test]
    fn items_are_counted() {
        assert!(Message::parse(b"frame a b=1 c", 3).is_ok());
        assert!(matches!(Message::parse(b"frame a b=1 c d", 3), Err(Error::TooLarge { limit: 3, .. })));
    }
}

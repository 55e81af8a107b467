//! The lines that a session consists of.
//!
//! A message is one line: `@@TRAX:`, its kind, then arguments and `key=value` properties, each
//! quoted or not, with `\` before a quote or a backslash and `\n` for a line break. Other lines are
//! not part of the protocol and are skipped. The grammar is libtrax's, but stricter where libtrax
//! goes on in silence: a message of an unknown kind, a quote that is not closed in its line, or
//! text stuck to a closing quote is an error here, and a line break never belongs to an argument.

mod lines;
mod message;
mod write;

pub(crate) use lines::LineReader;
pub(crate) use message::{Kind, Message, VERSION};
pub(crate) use write::{ascii, write};

//! The place of `watch` on systems that are not Unix: nothing is known there of the reader of a stream.

use std::convert::Infallible;
use std::io;

use crate::transport::Output;

/// A thread that looks after the client; there is none.
#[derive(Debug)]
pub(crate) struct Watch(Infallible);

impl Watch {
    /// Never calls `act`.
    pub(crate) fn start(_: &Output, _: impl FnOnce() + Send + 'static) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// There is none to tell.
    pub(crate) fn set_busy(&self, _: bool) {
        match self.0 {}
    }
}

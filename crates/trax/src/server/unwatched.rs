//! Stands for `watch` on systems that are not Unix, where the reader of a stream cannot be polled.

use std::convert::Infallible;
use std::io;

use crate::transport::Output;

/// A thread that looks after the client; never made.
#[derive(Debug)]
pub(crate) struct Watch(Infallible);

impl Watch {
    /// Never calls `act`.
    pub(crate) fn start(_: &Output, _: impl FnOnce() + Send + 'static) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// Never called.
    pub(crate) fn set_busy(&self, _: bool) {
        match self.0 {}
    }
}

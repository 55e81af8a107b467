//! TraX, the protocol by which the VOT toolkit and others drive visual trackers, in safe Rust.
//!
//! A tracker is a [`Tracker`] that [`run`] serves:
//!
//! ```no_run
//! use trax::{self, Metadata, Request, Server, Status};
//!
//! let mut server = Server::from_environment(&Metadata::new("static"))?;
//! let mut statuses = Vec::new();
//! loop {
//!     match server.wait()? {
//!         Request::Initialize { objects, .. } => statuses = objects.into_iter().map(|o| Status::new(o.region)).collect(),
//!         Request::Frame { objects, .. } => statuses.extend(objects.into_iter().map(|o| Status::new(o.region))),
//!         Request::Quit { .. } => return Ok(()),
//!     }
//!     server.reply(&statuses)?;
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), trax::Error>(())
//! ```
//!
//! libtrax, the reference implementation, keeps the state of the session and writes every message; what the other side sends is read,
//! checked and limited here, and none of its bytes reaches C. The module uses nothing of the rest of the crate.

#![deny(unsafe_code)]

mod client;
mod error;
mod image;
#[cfg(feature = "libtrax")]
#[allow(unsafe_code, reason = "calls libtrax")]
mod libtrax;
mod limits;
mod metadata;
mod properties;
mod region;
mod request;
mod server;
mod transport;
mod wire;

pub use client::{Client, ClientOptions, Connection, TrackerProcess};
pub use error::Error;
pub use image::{BufferImage, Encoding, Image, Images, MemoryImage, PixelFormat, local_file};
pub use limits::Limits;
pub use metadata::{Channel, ImageFormat, Metadata, RegionFormat};
pub use properties::Properties;
pub use region::{Mask, Point, Polygon, Rectangle, Region, RegionError};
pub use request::{Object, Request, Status};
pub use server::{RunError, Server, Tracker, run};
pub use transport::Transport;

/// The version of libtrax that is built in.
///
/// ```
/// assert_eq!(trax::libtrax_version(), "4.0.2");
/// ```
#[cfg(feature = "libtrax")]
#[must_use]
pub fn libtrax_version() -> String {
    libtrax::version()
}

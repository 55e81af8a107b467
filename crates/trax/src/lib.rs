#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "document-features", doc = "## Feature flags\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![deny(unsafe_code)]

mod client;
#[cfg(unix)]
#[allow(unsafe_code, reason = "takes over descriptors by number")]
mod descriptor;
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
mod session;
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
pub use server::{Handler, RunError, Server, run};
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

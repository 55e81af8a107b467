//! The texts of errors: each once, with the limit that was exceeded.

use std::error::Error as StdError;
use std::fmt;

use trax::{
    Error, Handler, Images, Limits, Metadata, Object, Properties, RegionFormat, RunError, Server, Status, Transport,
    run,
};

/// Gives up at the first request.
struct Never;

#[derive(Debug)]
struct GaveUp;

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it gave up")
    }
}

impl StdError for GaveUp {}

impl Handler for Never {
    type Error = GaveUp;

    fn initialize(&mut self, _: Images, _: Vec<Object>, _: Properties) -> Result<Vec<Status>, GaveUp> {
        Err(GaveUp)
    }

    fn frame(&mut self, _: Images, _: Vec<Object>, _: Properties) -> Result<Vec<Status>, GaveUp> {
        Err(GaveUp)
    }
}

/// What a program prints of the session's end: the error and its sources.
fn printed(client: &str, limits: Limits) -> String {
    let metadata = Metadata::new("never").regions(&[RegionFormat::Rectangle, RegionFormat::Polygon]).multi_object(true);
    let transport = Transport::from_streams(std::io::Cursor::new(client.to_owned()), std::io::sink());
    let mut server = Server::new(&metadata, transport, limits).unwrap();
    let error: RunError<GaveUp> = run(&mut server, &mut Never).unwrap_err();
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    said
}

#[test]
fn each_is_reported_once() {
    let few = Limits::default().polygon_points(3).mask_pixels(3);
    for (client, said) in [
        ("initialize \"\"", "illegal region: it is empty"),
        ("initialize \"1,2,x,4\"", "illegal region: \"x\" is not a number"),
        ("initialize \",\"", "illegal region: \"\" is not a number"),
        ("initialize 1,2,3,4\n@@TRAX:frame x", "it gave up"),
        (
            "initialize 1,2,3,4\n@@TRAX:frame http://x/1.jpg",
            "illegal image: this tracker takes no url images, but path",
        ),
        // As many corners are allowed as pixels of masks.
        ("initialize 0,0,4,0,4,3,0,3", "number of corners of a polygon is limited to 3"),
        ("initialize mask:0,0,2,2,4", "size of a mask in pixels is limited to 3"),
        ("initialize mask:0,0,2,1,2\n@@TRAX:initialize mask:0,0,1,2,2", "size of a mask in pixels is limited to 3"),
    ] {
        assert_eq!(printed(&format!("@@TRAX:{client}\n"), few), said, "{client}");
    }
}

#[test]
fn metadata_without_channels_is_refused() {
    let transport = Transport::from_streams(std::io::empty(), std::io::sink());
    let server = Server::new(&Metadata::new("blind").channels(&[]), transport, Limits::default());
    assert!(matches!(server, Err(Error::Protocol(reason)) if reason == "a tracker needs at least one channel"));
}

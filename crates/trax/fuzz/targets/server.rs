//! Any bytes from a client, to a server whose tracker answers with what it was given.

#![no_main]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use libfuzzer_sys::fuzz_target;
use trax::{Channel, ImageFormat, Limits, Metadata, RegionFormat, Request, Server, Status, Transport};

/// Keeps what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, bytes)) = data.split_first() else { return };
    let channels = if mode & 2 == 0 { vec![Channel::Color] } else { Channel::ALL.to_vec() };
    let metadata = Metadata::new("fuzzed")
        .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask])
        .images(&[ImageFormat::Path, ImageFormat::Memory, ImageFormat::Buffer, ImageFormat::Url])
        .channels(&channels)
        .multi_object(mode & 1 == 1);
    let limits = Limits::default().objects(8).mask_pixels(1 << 16).image_pixels(1 << 16);
    let sink = Sink::default();
    let transport = Transport::from_streams(io::Cursor::new(bytes.to_vec()), sink.clone());
    let mut server = Server::new(&metadata, transport, limits).expect("an introduction cannot fail here");
    let mut statuses: Vec<Status> = Vec::new();
    let mut expected = 1;
    loop {
        match server.wait() {
            Ok(Request::Initialize { objects, .. }) => {
                statuses = objects.into_iter().map(|o| Status { region: o.region, properties: o.properties }).collect();
            }
            Ok(Request::Frame { objects, .. }) => {
                statuses.extend(objects.into_iter().map(|o| Status { region: o.region, properties: o.properties }));
            }
            Ok(Request::Quit { .. }) => break,
            Err(error) => {
                assert!(server.wait().is_err() && server.reply(&statuses).is_err(), "nothing goes on after an error");
                server.quit(Some(&error.to_string())).expect("a farewell cannot fail here");
                expected += 1;
                break;
            }
        }
        assert_eq!(statuses.len(), server.objects());
        server.reply(&statuses).expect("what was read can be written");
        assert!(server.reply(&statuses).is_err(), "each request has one reply");
        expected += statuses.len();
    }
    drop(server);
    // However hostile the texts that were echoed: whole messages, one a line, and nothing else.
    let written = sink.0.lock().expect("nothing failed");
    let lines: Vec<&[u8]> = written.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), expected);
    assert!(lines.iter().all(|line| line.starts_with(b"@@TRAX:") && line.ends_with(b"\n") && line.is_ascii()));
});

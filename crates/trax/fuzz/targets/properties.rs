//! Any keys and texts as properties, through the server's writer and back through the client's
//! reader.

#![no_main]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use trax::{Client, ClientOptions, Limits, Metadata, Properties, Region, Server, Status, Transport};
use trax::{Image, Images, Object};

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

fuzz_target!(|pairs: Vec<(String, String)>| {
    let mut properties = Properties::new();
    for (key, value) in &pairs {
        // Only ASCII texts come back as they were; others are escaped.
        let value: String = value.chars().filter(|c| c.is_ascii() && (!c.is_ascii_control() || *c == '\n')).collect();
        let legal =
            !key.is_empty() && key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b));
        assert_eq!(properties.insert(key, value).is_ok(), legal);
    }
    let sink = Sink::default();
    let request = b"@@TRAX:initialize \"1,2,3,4\"\n@@TRAX:frame x\n".to_vec();
    let transport = Transport::from_streams(io::Cursor::new(request), sink.clone());
    let mut server = Server::new(&Metadata::new("fuzzed"), transport, Limits::default()).expect("an introduction");
    server.wait().expect("a request");
    server.reply(&[Status { region: Region::Special(0), properties: properties.clone() }]).expect("a reply");
    server.quit(None).expect("a farewell");

    let said = sink.0.lock().expect("nothing failed").clone();
    let transport = Transport::from_streams(io::Cursor::new(said), io::sink());
    let options = ClientOptions::default().timeout(Duration::MAX);
    let mut client = Client::new(transport, options).expect("an introduction");
    let object = Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0));
    let images = Images::color(Image::Path("x".into()));
    let statuses = client.initialize(&images, &[object], &Properties::new()).expect("a status");
    assert_eq!(statuses[0].properties, properties);
});

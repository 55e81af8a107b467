//! Our client and server against libtrax's: recorded sessions byte for byte, and libtrax's Python
//! server live.
//!
//! `tests/python/libtrax_session.py` made the recordings, and is the server.

use std::io::{self, Cursor, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use trax::{
    BufferImage, Client, ClientOptions, Connection, Encoding, Error, Image, ImageFormat, Images, Limits, Mask,
    MemoryImage, Metadata, Object, PixelFormat, Properties, Region, RegionFormat, Request, Server, Status,
    TrackerProcess, Transport,
};

const PNG: [u8; 12] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x11, 0x22, 0x33];
const JPEG: [u8; 11] = [0xff, 0xd8, 0xff, 0xe0, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66];

/// Keeps what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        String::from_utf8(bytes.clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

/// The client's and the server's lines of a recording.
fn recording(multi: bool) -> (Vec<String>, Vec<String>) {
    let name = if multi { "multi.txt" } else { "single.txt" };
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recordings").join(name))
        .unwrap();
    let of = |mark: &str| text.lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned).collect();
    (of("> "), of("< "))
}

/// A stream of lines.
fn stream(lines: &[String]) -> Cursor<Vec<u8>> {
    Cursor::new(lines.iter().flat_map(|line| line.bytes().chain([b'\n'])).collect())
}

fn property(key: &str, value: &str) -> Properties {
    let mut properties = Properties::new();
    properties.insert(key, value).unwrap();
    properties
}

/// What libtrax's Python server says of a frame.
fn described(images: &Images) -> String {
    let image = images.get(trax::Channel::Color).unwrap();
    let seen = match image {
        Image::Path(path) => path.display().to_string(),
        // libtrax forgets to put the colon back and stops after the scheme; ours is given the whole
        // address.
        Image::Url(url) => {
            assert_eq!(url, "http://localhost/1.jpg?a=b");
            "http".into()
        }
        // libtrax counts the zero byte that its decoder leaves after the file.
        Image::Buffer(buffer) => {
            assert!(buffer.data == PNG || buffer.data == JPEG);
            (buffer.data.len() + 1).to_string()
        }
        Image::Memory(memory) => {
            let sum: u64 = match memory.format() {
                PixelFormat::Gray16 => {
                    memory.data().chunks_exact(2).map(|pair| u64::from(u16::from_ne_bytes([pair[0], pair[1]]))).sum()
                }
                _ => memory.data().iter().map(|&byte| u64::from(byte)).sum(),
            };
            let channels = if memory.format() == PixelFormat::Rgb { 3 } else { 1 };
            format!("({}, {}, {channels}):{sum}", memory.height(), memory.width())
        }
    };
    format!("color:{seen}")
}

/// The session that libtrax's client was recorded in, request by request; gives every answer.
fn talk(client: &mut Client, multi: bool) -> Result<Vec<Status>, Error> {
    let none = Properties::new();
    let path = Images::color(Image::Path("/data/a b/100%/0001.jpg".into()));
    let rectangle = Object::new(Region::rectangle(10.5, -2.25, 30.0, 40.125));
    let polygon = Region::polygon([(1.5, 2.0), (33.25, 4.0), (5.0, 60.0625), (-7.0, 8.0)])?;
    let mut pixels = vec![false; 48];
    for row in 1..4 {
        pixels[row * 8 + 2..row * 8 + 7].fill(true);
    }
    pixels[2 * 8 + 4] = false;
    let mask = Object::new(Region::Mask(Mask::new(3, 4, 8, 6, pixels)?));
    let rgb: Vec<u8> = (0..18).collect();
    let gray: Vec<u8> = (0..18).step_by(3).collect();
    let deep = gray.iter().flat_map(|&value| (u16::from(value) * 300).to_ne_bytes()).collect();
    let memory = |format, data| MemoryImage::new(3, 2, format, data).map(|image| Images::color(Image::Memory(image)));
    let buffer = |encoding, data: &[u8]| Images::color(Image::Buffer(BufferImage { encoding, data: data.to_vec() }));

    let mut answers = client.initialize(&path, std::slice::from_ref(&rectangle), &none)?;
    answers.extend(client.frame(&path, &[], &property("exposure", "0.25"))?);
    let named = Object { region: polygon.clone(), properties: property("class", "a \"quoted\" \\ thing\n=") };
    answers.extend(client.initialize(&path, &[named], &none)?);
    answers.extend(client.frame(&Images::color(Image::Url("http://localhost/1.jpg?a=b".into())), &[], &none)?);
    answers.extend(client.initialize(&path, &[mask], &property("first", "yes"))?);
    for images in [
        memory(PixelFormat::Rgb, rgb)?,
        memory(PixelFormat::Gray8, gray)?,
        memory(PixelFormat::Gray16, deep)?,
        buffer(Encoding::Png, &PNG),
        buffer(Encoding::Jpeg, &JPEG),
    ] {
        answers.extend(client.frame(&images, &[], &none)?);
    }
    if multi {
        let second = Object { region: polygon, properties: property("id", "2") };
        answers.extend(client.initialize(&path, &[rectangle, second], &none)?);
        let third = Object { region: Region::rectangle(1.0, 2.0, 3.0, 4.0), properties: property("id", "3") };
        answers.extend(client.frame(&path, &[third], &none)?);
        answers.extend(client.frame(&path, &[], &none)?);
    }
    client.quit(Some("that is \"all\""))?;
    Ok(answers)
}

/// The state messages that would carry these answers.
fn states(answers: &[Status]) -> Vec<String> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let state = |status: &Status| {
        let seen = escaped(status.properties.get("seen").unwrap_or_default());
        format!("@@TRAX:state \"{}\" \"seen={seen}\" ", status.region)
    };
    answers.iter().map(state).collect()
}

#[test]
fn our_server_says_what_libtrax_said() {
    for multi in [false, true] {
        let (requests, answers) = recording(multi);
        let metadata = Metadata::new("echo")
            .description("says \"it\" again")
            .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask])
            .images(&[ImageFormat::Path, ImageFormat::Url, ImageFormat::Memory, ImageFormat::Buffer])
            .multi_object(multi)
            .custom(property("flavour", "libtrax"));
        let sink = Sink::default();
        let transport = Transport::from_streams(stream(&requests), sink.clone());
        let mut server = Server::new(&metadata, transport, Limits::default()).unwrap();
        let mut tracked: Vec<Object> = Vec::new();
        loop {
            let images = match server.wait().unwrap() {
                Request::Initialize { images, objects, .. } => {
                    tracked = objects;
                    images
                }
                Request::Frame { images, objects, .. } => {
                    tracked.extend(objects);
                    images
                }
                Request::Quit { properties } => {
                    assert_eq!(properties.get("trax.reason"), Some("that is \"all\""));
                    break;
                }
            };
            let statuses: Vec<Status> = tracked
                .iter()
                .map(|object| {
                    let own = object.properties.iter().map(|(_, value)| value.to_owned());
                    let seen: Vec<String> = own.chain([described(&images)]).collect();
                    Status { region: object.region.clone(), properties: property("seen", &seen.join("|")) }
                })
                .collect();
            server.reply(&statuses).unwrap();
        }
        drop(server);
        assert_eq!(sink.lines(), answers);
    }
}

#[test]
fn our_client_says_what_libtrax_said() {
    for multi in [false, true] {
        let (requests, answers) = recording(multi);
        let sink = Sink::default();
        let transport = Transport::from_streams(stream(&answers), sink.clone());
        let mut client = Client::new(transport, ClientOptions::default()).unwrap();
        assert_eq!(client.metadata().custom.get("flavour"), Some("libtrax"));
        let statuses = talk(&mut client, multi).unwrap();
        assert_eq!(states(&statuses), answers[1..]);
        drop(client);
        assert_eq!(sink.lines(), requests);
    }
}

#[test]
fn our_client_with_libtrax_server() {
    let Some(python) = std::env::var_os("ATTRAX_PYTHON") else {
        println!("skipped: ATTRAX_PYTHON names no interpreter that has vot-trax");
        return;
    };
    for connection in [Connection::Pipes, Connection::Socket] {
        for multi in [false, true] {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/libtrax_session.py");
            let mut command = Command::new(&python);
            command.arg(script).arg("serve").args(multi.then_some("--multi-object"));
            let mut tracker = TrackerProcess::start(command, connection, ClientOptions::default()).unwrap();
            assert_eq!(tracker.metadata().name, "echo");
            let statuses = talk(&mut tracker, multi).unwrap();
            assert_eq!(states(&statuses), recording(multi).1[1..]);
            assert!(tracker.wait().unwrap().success());
        }
        // The reason of a server that gives up.
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/libtrax_session.py");
        let mut command = Command::new(&python);
        command.arg(script).arg("serve");
        let mut tracker = TrackerProcess::start(command, connection, ClientOptions::default()).unwrap();
        let images = Images::color(Image::Path("/1.jpg".into()));
        let object = Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0));
        let answer = tracker.initialize(&images, &[object], &property("stop", "no \"more\""));
        assert!(matches!(answer, Err(Error::Quit(Some(reason))) if reason == "no \"more\""));
        assert_eq!(tracker.wait().unwrap().code(), Some(3));
    }
}

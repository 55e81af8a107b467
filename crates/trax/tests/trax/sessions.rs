//! Our client and our server, over pipes and sockets, with the examples as trackers.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use trax::{
    Channel, ClientOptions, Connection, Error, Image, ImageFormat, Images, Limits, Mask, Metadata, Object, Properties,
    Region, RegionFormat, Request, Server, Status, TrackerProcess, Transport,
};

/// An example that cargo built with this test.
pub(crate) fn example(name: &str) -> Command {
    // Tests are in `deps` of the same profile.
    let test = std::env::current_exe().unwrap_or_default();
    let profile = test.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    Command::new(profile.join("examples").join(name))
}

pub(crate) fn frame() -> Images {
    Images::color(Image::Path(PathBuf::from("/nowhere/ž 1.jpg")))
}

pub(crate) fn boxes(statuses: &[Status]) -> Vec<String> {
    statuses.iter().map(|status| status.region.to_string()).collect()
}

#[test]
fn a_session_with_the_smallest_tracker() {
    let patient = ClientOptions::default().timeout(Duration::MAX);
    for (connection, options) in [
        (Connection::Pipes, ClientOptions::default()),
        (Connection::Socket, ClientOptions::default()),
        (Connection::Pipes, patient),
        (Connection::Socket, patient),
    ] {
        let mut tracker = TrackerProcess::start(example("static_tracker"), connection, options).unwrap();
        assert_eq!(tracker.metadata().name, "static");
        assert_eq!(tracker.metadata().regions, [RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask]);
        assert!(!tracker.metadata().multi_object);
        assert_eq!(tracker.version(), 4);
        for text in ["1.0000,2.0000,3.0000,4.0000", "0.0000,0.0000,4.0000,0.0000,4.0000,3.0000", "mask:1,2,2,2,1,2"] {
            let object = Object::new(text.parse().unwrap());
            assert_eq!(boxes(&tracker.initialize(&frame(), &[object], &Properties::new()).unwrap()), [text]);
            let statuses = tracker.frame(&frame(), &[], &Properties::new()).unwrap();
            assert_eq!(boxes(&statuses), [text]);
            assert_eq!(statuses[0].properties.get("confidence"), Some("1"));
        }
        let two =
            [Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0)), Object::new(Region::rectangle(5.0, 6.0, 7.0, 8.0))];
        assert!(matches!(tracker.initialize(&frame(), &two, &Properties::new()), Err(Error::Protocol(_))));
        assert!(tracker.wait().unwrap().success());
    }
}

#[test]
fn objects_are_added_on_the_way() {
    for connection in [Connection::Pipes, Connection::Socket] {
        let mut command = example("static_tracker");
        command.arg("--multi-object");
        let mut tracker = TrackerProcess::start(command, connection, ClientOptions::default()).unwrap();
        assert!(tracker.metadata().multi_object);
        let object = |x: f32| Object::new(Region::rectangle(x, 2.0, 3.0, 4.0));
        for _ in 0..3 {
            let objects: Vec<Object> = [1.0, 2.0, 3.0].map(object).to_vec();
            assert_eq!(tracker.initialize(&frame(), &objects, &Properties::new()).unwrap().len(), 3);
            let more = tracker.frame(&frame(), &[object(4.0), object(5.0)], &Properties::new()).unwrap();
            let expected: Vec<String> =
                (1..=5).map(|x| Region::rectangle(x as f32, 2.0, 3.0, 4.0).to_string()).collect();
            assert_eq!(boxes(&more), expected);
            assert_eq!(boxes(&tracker.frame(&frame(), &[], &Properties::new()).unwrap()), expected);
        }
        assert!(tracker.wait().unwrap().success());
    }
}

#[test]
fn many_objects_and_large_masks_pass_through_the_pipes() {
    let mut command = example("static_tracker");
    command.arg("--multi-object");
    // Unoptimised, and on a machine with other work, this takes longer than it looks.
    let options = ClientOptions::default().timeout(Duration::from_secs(300));
    let mut tracker = TrackerProcess::start(command, Connection::Pipes, options).unwrap();
    // A chequered mask has as many runs as pixels: 200 kB of text in each of many messages.
    let checks = (0..100_000).map(|index| (index % 500 + index / 500) % 2 == 0).collect();
    let mask = Region::Mask(Mask::new(-3, 7, 500, 200, checks).unwrap());
    let objects: Vec<Object> = (0..12).map(|_| Object::new(mask.clone())).collect();
    let statuses = tracker.initialize(&frame(), &objects, &Properties::new()).unwrap();
    assert!(statuses.len() == 12 && statuses.iter().all(|status| status.region == mask));
    let objects: Vec<Object> = (0..256).map(|x| Object::new(Region::rectangle(x as f32, 2.0, 3.0, 4.0))).collect();
    assert_eq!(tracker.initialize(&frame(), &objects, &Properties::new()).unwrap().len(), 256);
    assert!(matches!(
        tracker.frame(&frame(), &objects[..1], &Properties::new()),
        Err(Error::Quit(Some(reason))) if reason == "number of objects is limited to 256"
    ));
    assert!(!tracker.wait().unwrap().success());
}

#[test]
fn a_server_within_the_process() {
    let (ours, theirs) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let mut custom = Properties::new();
    custom.insert("tracker.version", "1.2.3").unwrap();
    let metadata = Metadata::new("ännchen")
        .description("a \"quoted\"\nname = value")
        .images(&[ImageFormat::Memory, ImageFormat::Buffer, ImageFormat::Path, ImageFormat::Url])
        .channels(&[Channel::Color, Channel::Ir])
        .custom(custom);
    let announced = metadata.clone();
    let server = std::thread::spawn(move || {
        let transport = Transport::from_streams(ours.0, theirs.1);
        let mut server = Server::new(&announced, transport, Limits::default()).unwrap();
        let mut seen = Vec::new();
        loop {
            let request = server.wait().unwrap();
            seen.push(request.clone());
            if let Request::Quit { .. } = request {
                return seen;
            }
            let mut status = Status::new(Region::Special(-1));
            status.properties.insert("note", "\"a\" = \\b\n").unwrap();
            server.reply(&[status]).unwrap();
        }
    });
    let transport = Transport::from_streams(theirs.0, ours.1);
    let mut client = trax::Client::new(transport, ClientOptions::default()).unwrap();
    assert_eq!(client.metadata().name, "\\u{e4}nnchen");
    assert_eq!(client.metadata().description, metadata.description);
    assert_eq!(client.metadata().custom, metadata.custom);
    assert_eq!(client.metadata().channels, metadata.channels);

    let mut images = frame();
    assert!(
        matches!(client.initialize(&images, &[Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0))], &Properties::new()),
        Err(Error::Protocol(reason)) if reason == "no ir image")
    );
    images.set(Channel::Ir, Image::Url("http://localhost/ir".into()));
    let mut object = Object::new(Region::polygon([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)]).unwrap());
    object.properties.insert("class", "žaba \"=\" \\ \n").unwrap();
    let mut properties = Properties::new();
    properties.insert("frame", "1").unwrap();
    let statuses = client.initialize(&images, std::slice::from_ref(&object), &properties).unwrap();
    assert_eq!(statuses[0].region, Region::Special(-1));
    assert_eq!(statuses[0].properties.get("note"), Some("\"a\" = \\b\n"));
    client.frame(&images, &[], &Properties::new()).unwrap();
    client.quit(Some("enough")).unwrap();

    let seen = server.join().unwrap();
    // The tracker takes rectangles only, so the client made one of the triangle.
    let expected = Object { region: Region::rectangle(0.0, 0.0, 4.0, 3.0), properties: object.properties };
    let mut reason = Properties::new();
    reason.insert("trax.reason", "enough").unwrap();
    assert_eq!(
        seen,
        [
            Request::Initialize { images: images.clone(), objects: vec![expected], properties },
            Request::Frame { images, objects: Vec::new(), properties: Properties::new() },
            Request::Quit { properties: reason },
        ]
    );
}

#[test]
fn messages_are_written_in_one_piece() {
    // What other writers of the same stream say, a log for example, cannot fall between their
    // parts.
    #[derive(Clone, Default)]
    struct Pieces(Arc<Mutex<Vec<Vec<u8>>>>);
    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let pieces = Pieces::default();
    let client = "@@TRAX:initialize 1,2,3,4\n@@TRAX:initialize 5,6,7,8\n@@TRAX:frame x\n";
    let transport = Transport::from_streams(client.as_bytes(), pieces.clone());
    let mut server = Server::new(&Metadata::new("whole").multi_object(true), transport, Limits::default()).unwrap();
    server.wait().unwrap();
    let status = Status::new(Region::polygon([(1.0, 2.0), (3.0, 4.0), (5.0, 7.0)]).unwrap()).confidence(1.0);
    server.reply(&[status.clone(), status]).unwrap();
    server.quit(Some("done")).unwrap();
    let pieces = pieces.0.lock().unwrap();
    let lines: Vec<usize> = pieces.iter().map(|piece| piece.split(|&byte| byte == b'\n').count() - 1).collect();
    assert_eq!(lines, [1, 2, 1]);
    assert!(pieces.iter().all(|piece| piece.starts_with(b"@@TRAX:") && piece.ends_with(b"\n")));
}

#[test]
fn masks_of_one_request_are_limited_together() {
    let mask = "@@TRAX:initialize mask:0,0,100,100,1\n";
    for (count, fits) in [(3, true), (4, false)] {
        let client = mask.repeat(count) + "@@TRAX:frame x\n";
        let transport = Transport::from_streams(io::Cursor::new(client.into_bytes()), io::sink());
        let limits = Limits::default().mask_pixels(35_000);
        let mut server = Server::new(&Metadata::new("masks").multi_object(true), transport, limits).unwrap();
        let request = server.wait();
        assert_eq!(request.is_ok(), fits);
        assert!(fits || matches!(request, Err(Error::TooLarge { limit: 35_000, .. })));
    }
}

#[test]
fn trackers_that_do_not_answer_are_ended() {
    let within = |seconds| ClientOptions::default().timeout(Duration::from_secs_f64(seconds));
    let begun = Instant::now();
    for connection in [Connection::Pipes, Connection::Socket] {
        let mut command = Command::new("sleep");
        command.arg("90");
        assert!(matches!(TrackerProcess::start(command, connection, within(0.3)), Err(Error::Timeout(_))));
        // Ends at once; how soon that is seen is the machine's business.
        let command = Command::new("true");
        assert!(matches!(TrackerProcess::start(command, connection, within(60.0)), Err(Error::Disconnected)));
    }
    // Introduces itself and then takes nothing in: a message larger than any pipe cannot be sent.
    let hello =
        |images| format!("echo '@@TRAX:hello trax.version=4 trax.region=rectangle trax.image={images}'; exec sleep 90");
    let mut command = Command::new("sh");
    command.args(["-c", &hello("telepathy")]);
    assert!(matches!(TrackerProcess::start(command, Connection::Pipes, within(60.0)), Err(Error::Protocol(_))));
    let mut command = Command::new("sh");
    command.args(["-c", &hello("memory")]);
    let mut tracker = TrackerProcess::start(command, Connection::Pipes, within(5.0)).unwrap();
    let pixels = trax::MemoryImage::new(1000, 1000, trax::PixelFormat::Rgb, vec![0; 3_000_000]).unwrap();
    let object = Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0));
    let answer = tracker.initialize(&Images::color(Image::Memory(pixels)), &[object], &Properties::new());
    assert!(matches!(answer, Err(Error::Timeout(_))));
    drop(tracker);
    assert!(begun.elapsed() < Duration::from_secs(90));
}

#[test]
fn replies_are_checked() {
    let (ours, theirs) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let metadata = Metadata::new("checked").regions(&[RegionFormat::Mask]);
    let mut server = Server::new(&metadata, Transport::from_streams(ours.0, theirs.1), Limits::default()).unwrap();
    let client = std::thread::spawn(move || {
        let mut client =
            trax::Client::new(Transport::from_streams(theirs.0, ours.1), ClientOptions::default()).unwrap();
        let object = Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0));
        client.initialize(&frame(), &[object], &Properties::new())
    });
    assert!(
        matches!(server.wait().unwrap(), Request::Initialize { objects, .. } if objects[0].region.format() == Some(RegionFormat::Mask))
    );
    assert_eq!(server.objects(), 1);
    assert!(matches!(server.reply(&[]), Err(Error::Protocol(_))));
    let not_finite = Status::new(Region::rectangle(0.0, f32::INFINITY, 1.0, 1.0));
    assert!(matches!(server.reply(&[not_finite]), Err(Error::Protocol(_))));
    let nothing = Region::Mask(Mask::new(0, 0, 2, 2, vec![false; 4]).unwrap());
    server.reply(&[Status::new(nothing)]).unwrap();
    // libtrax's clients stop at a mask without runs, so it is sent as what it means.
    assert_eq!(client.join().unwrap().unwrap()[0].region, Region::Special(0));
    server.quit(Some("done")).unwrap();
    assert!(matches!(server.wait(), Err(Error::Terminated)));
    assert!(matches!(server.reply(&[]), Err(Error::Terminated)));
    server.quit(Some("again")).unwrap();
}

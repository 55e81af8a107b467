//! Requests and answers stay in step: what failed before it was sent changes nothing, and what
//! failed later ends it.

use std::io::{BufRead, BufReader, Write, pipe};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::sessions::{boxes, example, frame};
use trax::{
    Channel, Client, ClientOptions, Connection, Error, Image, ImageFormat, Images, Limits, MemoryImage, Metadata,
    Object, PixelFormat, Properties, Region, Request, Server, Status, TrackerProcess, Transport,
};

/// A tracker in the shell: its introduction, which is `extra` too, then `script`.
fn shell(extra: &str, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("echo '@@TRAX:hello trax.version=4 trax.region=rectangle trax.image=path {extra}'\n{script}"),
    ]);
    command
}

/// A tracker's process that has half a minute for each answer.
fn start(command: Command) -> TrackerProcess {
    let options = ClientOptions::default().timeout(Duration::from_secs(30));
    TrackerProcess::start(command, Connection::Pipes, options).unwrap()
}

fn at(x: f32) -> Object {
    Object::new(Region::rectangle(x, 2.0, 3.0, 4.0))
}

fn none() -> Properties {
    Properties::new()
}

/// Every later call is an error that has the first one's text.
fn assert_poisoned(client: &mut Client, first: &Error) {
    let expected = format!("the session cannot go on after an earlier error: {first}");
    for _ in 0..2 {
        for result in [
            client.initialize(&frame(), &[at(7.0)], &none()).map(drop),
            client.frame(&frame(), &[], &none()).map(drop),
            client.quit(None),
        ] {
            assert!(matches!(&result, Err(Error::Poisoned(_))), "{result:?}");
            assert_eq!(result.unwrap_err().to_string(), expected);
        }
    }
}

#[test]
fn requests_that_cannot_be_sent_change_nothing() {
    let elsewhere = Object::new(Region::Special(1));
    let not_finite = Object::new(Region::rectangle(f32::NAN, 2.0, 3.0, 4.0));
    let pixels = MemoryImage::new(70_000, 1, PixelFormat::Gray8, vec![0; 70_000]).unwrap();
    let images = [
        Images::default(),
        Images::color(Image::Path("".into())),
        Images::color(Image::Path("a\0b".into())),
        Images::color(Image::Url("key=value".into())),
        Images::color(Image::Url("file:///1.jpg".into())),
        Images::color(Image::Memory(pixels)),
    ];
    for connection in [Connection::Pipes, Connection::Socket] {
        let mut command = example("static_tracker");
        command.arg("--multi-object");
        let mut tracker = TrackerProcess::start(command, connection, ClientOptions::default()).unwrap();
        let mut expected = Vec::new();
        for round in 0..4 {
            let first = at(10.0 * round as f32);
            // A frame needs an object.
            assert_eq!(tracker.frame(&frame(), &[], &none()).is_ok(), round > 0);
            for objects in [vec![], vec![elsewhere.clone()], vec![first.clone(), not_finite.clone()]] {
                assert!(matches!(tracker.initialize(&frame(), &objects, &none()), Err(Error::Protocol(_))));
                assert_eq!(tracker.objects(), expected.len());
            }
            for images in &images {
                let result = tracker.initialize(images, &[first.clone(), at(5.0)], &none());
                assert!(matches!(result, Err(Error::Protocol(_) | Error::Image(_))), "{images:?}: {result:?}");
            }
            // The targets of the last round are still tracked.
            if round > 0 {
                assert_eq!(boxes(&tracker.frame(&frame(), &[], &none()).unwrap()), expected);
            }
            // And now they are not.
            let statuses = tracker.initialize(&frame(), std::slice::from_ref(&first), &none()).unwrap();
            expected = vec![first.region.to_string()];
            assert_eq!(boxes(&statuses), expected);
            for added in [&elsewhere, &not_finite] {
                let result = tracker.frame(&frame(), &[at(1.0), added.clone()], &none());
                assert!(matches!(result, Err(Error::Protocol(_))));
            }
            for images in &images {
                assert!(tracker.frame(images, &[at(1.0)], &none()).is_err());
            }
            assert_eq!(tracker.objects(), 1);
            expected.push(at(3.0).region.to_string());
            assert_eq!(boxes(&tracker.frame(&frame(), &[at(3.0)], &none()).unwrap()), expected);
        }
        tracker.quit(None).unwrap();
        tracker.quit(None).unwrap();
        assert!(matches!(tracker.frame(&frame(), &[], &none()), Err(Error::Terminated)));
        assert!(matches!(tracker.initialize(&frame(), &[at(1.0)], &none()), Err(Error::Terminated)));
        assert!(tracker.wait().unwrap().success());
    }
}

#[test]
fn older_trackers_are_in_step_too() {
    // Answers with the number of messages it has had, and repeats each message.
    let script = r#"count=0
        while read -r line; do
            case $line in *quit*) exit 0 ;; esac
            count=$((count + 1))
            echo "@@TRAX:state $count,2,3,4 \"seen=$(printf '%s' "$line" | tr -d '"')\""
        done"#;
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("echo '@@TRAX:hello trax.version=3 trax.region=rectangle trax.image=path'\n{script}")]);
    let mut tracker = start(command);
    for images in [Images::default(), Images::color(Image::Url("http://x/1".into()))] {
        assert!(tracker.initialize(&images, &[at(1.0)], &none()).is_err());
    }
    assert!(tracker.initialize(&frame(), &[Object::new(Region::Special(0))], &none()).is_err());
    assert!(tracker.initialize(&frame(), &[at(1.0), at(2.0)], &none()).is_err());
    assert_eq!(tracker.objects(), 0);
    let mut object = at(1.0);
    object.properties.insert("class", "cat").unwrap();
    object.properties.insert("id", "object").unwrap();
    let mut properties = none();
    properties.insert("id", "request").unwrap();
    let statuses = tracker.initialize(&frame(), &[object], &properties).unwrap();
    let seen = statuses[0].properties.get("seen").unwrap();
    assert!(seen.contains("class=cat") && seen.contains("id=request") && !seen.contains("id=object"), "{seen}");
    assert!(tracker.frame(&frame(), &[at(2.0)], &none()).is_err());
    assert_eq!(boxes(&tracker.frame(&frame(), &[], &none()).unwrap()), ["2.0000,2.0000,3.0000,4.0000"]);
    assert!(tracker.wait().unwrap().success());
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_one() {
    // The second request is answered late, all others at once, each with its number.
    let command = shell(
        "",
        "count=0
        while read -r line; do
            case $line in *frame*) ;; *quit*) exit 7 ;; *) continue ;; esac
            count=$((count + 1))
            [ $count != 2 ] || sleep 3
            echo \"@@TRAX:state $count,2,3,4\"
        done",
    );
    let options = ClientOptions::default().timeout(Duration::from_secs(2));
    let mut tracker = TrackerProcess::start(command, Connection::Pipes, options).unwrap();
    assert_eq!(boxes(&tracker.initialize(&frame(), &[at(1.0)], &none()).unwrap()), ["1.0000,2.0000,3.0000,4.0000"]);
    let first = tracker.frame(&frame(), &[], &none()).unwrap_err();
    assert!(matches!(first, Error::Timeout(_)), "{first:?}");
    // The late answer is there now.
    thread::sleep(Duration::from_millis(1500));
    assert_poisoned(&mut tracker, &first);
    assert_eq!(tracker.wait().unwrap().code(), Some(7), "it was told to quit");
}

#[test]
fn an_answer_has_the_time_of_one_answer() {
    // A status every fifth of a second for five objects is a whole second.
    let script = "while read -r line; do case $line in *frame*) break ;; esac; done
        for x in 1 2 3 4 5; do sleep 0.2; echo @@TRAX:state $x,2,3,4; done; exec sleep 9";
    let options = ClientOptions::default().timeout(Duration::from_millis(600));
    let mut tracker = TrackerProcess::start(shell("trax.multiobject=1", script), Connection::Pipes, options).unwrap();
    let objects: Vec<Object> = [1.0, 2.0, 3.0, 4.0, 5.0].map(at).to_vec();
    let first = tracker.initialize(&frame(), &objects, &none()).unwrap_err();
    assert!(matches!(first, Error::Timeout(_)), "{first:?}");
    assert_poisoned(&mut tracker, &first);
}

#[test]
fn answers_that_are_refused_poison_the_link() {
    let masks = "@@TRAX:state mask:0,0,100,100,1";
    for (extra, answer, reason) in [
        ("", "@@TRAX:state 1,2,x,4", "illegal region: \"x\" is not a number"),
        ("", "@@TRAX:state", "protocol error: a state message with 0 regions"),
        ("", "@@TRAX:state 1,2,3,4 5,6,7,8", "protocol error: a state message with 2 regions"),
        ("", "@@TRAX:frame file:///1.jpg", "protocol error: an answer that is a frame message"),
        ("", "@@TRAX:hello trax.version=4", "protocol error: an answer that is a hello message"),
        ("", "@@TRAX:quit now", "protocol error: an answer that is a quit message"),
        ("", "@@TRAX:dance", "malformed message: there is no message \"dance\""),
        ("", "@@TRAX:state \"1,2,3,4", "malformed message: a quote is not closed"),
        ("", masks, "size of a mask in pixels is limited to 9999"),
        (
            "trax.multiobject=1",
            "@@TRAX:state 1,2,3,4\n@@TRAX:state 1,2,3,nan",
            "illegal region: a coordinate is not finite",
        ),
    ] {
        for timeout in [Duration::from_secs(30), Duration::MAX] {
            // After the bad answer the tracker gives good ones, which nothing can be known of.
            let good = "echo '@@TRAX:state 9,9,9,9'\n".repeat(4);
            let script = format!(
                "while read -r line; do case $line in *frame*) break ;; esac; done\necho '{}'\n{good}cat >/dev/null",
                answer.replace('\n', "'\necho '"),
            );
            let limits = Limits::default().mask_pixels(9_999);
            let options = ClientOptions::default().timeout(timeout).limits(limits);
            let mut tracker = TrackerProcess::start(shell(extra, &script), Connection::Pipes, options).unwrap();
            let objects = [at(1.0), at(2.0)];
            let count = if extra.is_empty() { 1 } else { 2 };
            let first = tracker.initialize(&frame(), &objects[..count], &none()).unwrap_err();
            assert_eq!(first.to_string(), reason, "{answer}");
            assert_poisoned(&mut tracker, &first);
        }
    }
}

#[test]
fn masks_of_one_answer_are_limited_together() {
    let script = |count: usize| {
        format!(
            "while read -r line; do case $line in *frame*) break ;; esac; done\n{}cat >/dev/null",
            "echo '@@TRAX:state mask:0,0,100,100,1'\n".repeat(count)
        )
    };
    let options = ClientOptions::default().limits(Limits::default().mask_pixels(35_000));
    for (count, fits) in [(3, true), (4, false)] {
        let command = shell("trax.multiobject=1", &script(count));
        let mut tracker = TrackerProcess::start(command, Connection::Pipes, options).unwrap();
        let objects: Vec<Object> = (0..count).map(|x| at(x as f32)).collect();
        let result = tracker.initialize(&frame(), &objects, &none());
        assert_eq!(result.is_ok(), fits);
        if let Err(first) = result {
            assert!(matches!(first, Error::TooLarge { limit: 35_000, .. }), "{first:?}");
            assert_poisoned(&mut tracker, &first);
        }
    }
}

#[test]
fn streams_that_end_poison_the_link() {
    for (last, reason) in [
        ("", "the other side closed the connection"),
        ("printf '@@TRAX:state 1,2'", "the connection ended in the middle of a message"),
    ] {
        let script = format!("while read -r line; do case $line in *frame*) break ;; esac; done\n{last}");
        let mut tracker = start(shell("", &script));
        let first = tracker.initialize(&frame(), &[at(1.0)], &none()).unwrap_err();
        assert_eq!(first.to_string(), reason);
        assert_poisoned(&mut tracker, &first);
    }
    // A tracker that quits has ended the session, and its reason is given once.
    let script =
        "while read -r line; do case $line in *frame*) break ;; esac; done\necho '@@TRAX:quit trax.reason=tired'";
    let mut tracker = start(shell("", script));
    let answer = tracker.initialize(&frame(), &[at(1.0)], &none());
    assert!(matches!(answer, Err(Error::Quit(Some(reason))) if reason == "tired"));
    assert!(matches!(tracker.frame(&frame(), &[], &none()), Err(Error::Terminated)));
    tracker.quit(None).unwrap();
}

#[test]
fn nothing_follows_a_message_that_was_sent_in_part() {
    // Takes nothing in: a message larger than any pipe cannot be sent whole.
    let hello = "echo '@@TRAX:hello trax.version=4 trax.region=rectangle trax.image=memory'; exec sleep 90";
    let mut command = Command::new("sh");
    command.args(["-c", hello]);
    let options = ClientOptions::default().timeout(Duration::from_millis(1500));
    let mut tracker = TrackerProcess::start(command, Connection::Pipes, options).unwrap();
    let pixels = MemoryImage::new(1000, 1000, PixelFormat::Rgb, vec![0; 3_000_000]).unwrap();
    let begun = Instant::now();
    let first = tracker.initialize(&Images::color(Image::Memory(pixels)), &[at(1.0)], &none()).unwrap_err();
    assert!(matches!(first, Error::Timeout(_)), "{first:?}");
    assert_eq!(tracker.objects(), 0, "the request is not out");
    assert_poisoned(&mut tracker, &first);
    drop(tracker);
    // The time-out once, and a second until the process is killed.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// A server on pipes, and the client's ends of them.
fn piped(metadata: &Metadata, limits: Limits) -> (Server, std::io::PipeWriter, BufReader<std::io::PipeReader>) {
    let (requests, answers) = (pipe().unwrap(), pipe().unwrap());
    let server = Server::new(metadata, Transport::from_streams(requests.0, answers.1), limits).unwrap();
    let mut reader = BufReader::new(answers.0);
    reader.read_line(&mut String::new()).unwrap();
    (server, requests.1, reader)
}

const REQUEST: &[u8] = b"@@TRAX:initialize 1,2,3,4\n@@TRAX:frame file:///1.jpg\n";

#[test]
fn each_request_has_one_reply() {
    let (mut server, mut client, mut answers) = piped(&Metadata::new("one"), Limits::default());
    let status = [Status::new(Region::rectangle(1.0, 2.0, 3.0, 4.0))];
    assert!(matches!(server.reply(&[]), Err(Error::Protocol(reason)) if reason == "a reply to no request"));
    client.write_all(REQUEST).unwrap();
    client.write_all(b"@@TRAX:frame file:///2.jpg\n").unwrap();
    for _ in 0..2 {
        server.wait().unwrap();
        let early = server.wait();
        assert!(matches!(early, Err(Error::Protocol(reason)) if reason == "the last request has no reply yet"));
        // What is refused is not sent, and the request can still be answered.
        assert!(matches!(server.reply(&[]), Err(Error::Protocol(_))));
        server.reply(&status).unwrap();
        assert!(matches!(server.reply(&status), Err(Error::Protocol(reason)) if reason == "a reply to no request"));
    }
    drop(server);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut answers, &mut said).unwrap();
    let kinds: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(kinds, ["@@TRAX:state", "@@TRAX:state", "@@TRAX:quit"]);
}

#[test]
fn a_server_does_not_go_on_after_an_error() {
    let (mut server, mut client, mut answers) = piped(&Metadata::new("strict"), Limits::default());
    client.write_all(b"@@TRAX:initialize 1,2,3\n").unwrap();
    client.write_all(REQUEST).unwrap();
    let first = server.wait().unwrap_err().to_string();
    for _ in 0..2 {
        assert!(matches!(server.wait(), Err(Error::Poisoned(reason)) if reason == first));
        assert!(matches!(server.reply(&[]), Err(Error::Poisoned(reason)) if reason == first));
    }
    server.quit(Some(&first)).unwrap();
    assert!(matches!(server.wait(), Err(Error::Terminated)));
    let mut said = String::new();
    answers.read_line(&mut said).unwrap();
    assert_eq!(said, format!("@@TRAX:quit \"trax.reason={first}\" \n"));
}

#[test]
fn a_client_that_has_gone_is_not_answered_twice() {
    let (mut server, mut client, answers) = piped(&Metadata::new("alone"), Limits::default());
    client.write_all(REQUEST).unwrap();
    server.wait().unwrap();
    drop(answers);
    let status = [Status::new(Region::rectangle(1.0, 2.0, 3.0, 4.0))];
    assert!(matches!(server.reply(&status), Err(Error::Disconnected)));
    assert!(matches!(server.reply(&status), Err(Error::Poisoned(_))));
    assert!(matches!(server.wait(), Ok(Request::Quit { .. })));
    assert!(matches!(server.wait(), Err(Error::Terminated)));
}

#[test]
fn a_tracker_that_panics_says_so() {
    let (mut server, mut client, mut answers) = piped(&Metadata::new("fragile"), Limits::default());
    client.write_all(REQUEST).unwrap();
    let tracker = thread::spawn(move || {
        server.wait().unwrap();
        panic!("a tracker's own mistake, which this test makes");
    });
    assert!(tracker.join().is_err());
    let mut said = String::new();
    answers.read_line(&mut said).unwrap();
    assert_eq!(said, "@@TRAX:quit \"trax.reason=the tracker panicked\" \n");
}

#[test]
fn metadata_that_no_client_can_serve_is_refused() {
    for (metadata, what) in [
        (Metadata::new("a").regions(&[]), "region format"),
        (Metadata::new("a").images(&[]), "image format"),
        (Metadata::new("a").channels(&[]), "channel"),
    ] {
        let transport = Transport::from_streams(std::io::empty(), std::io::sink());
        let server = Server::new(&metadata, transport, Limits::default());
        let expected = format!("a tracker needs at least one {what}");
        assert!(matches!(server, Err(Error::Protocol(reason)) if reason == expected));
    }
    // What is announced is what requests are held to.
    let metadata = Metadata::new("a").images(&[ImageFormat::Memory]).channels(&[Channel::Color]);
    let (mut server, mut client, _answers) = piped(&metadata, Limits::default());
    client.write_all(REQUEST).unwrap();
    assert!(matches!(server.wait(), Err(Error::Image(_))));
}

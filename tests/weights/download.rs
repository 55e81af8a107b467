//! Downloads from a server on loopback.

use attrax::weights::fetch::{FetchError, Fetched, fetch};

use crate::scratch::{Scratch, put};
use crate::server::{Manner, Server};

/// Checksums of `content()`, by `md5sum` and `sha256sum`.
const MD5: &str = "8830f492fda396356b9c77212ada0a94";
const SHA256: &str = "a6a1e9a1a1eef6da99461a2188f186eec9929dcfed37b64f887f9739f3835ce5";

/// 300,001 bytes, more than any buffer on the way holds.
fn content() -> Vec<u8> {
    (0..300_001_u32).map(|i| (i * 31 % 251) as u8).collect()
}

fn quiet() -> impl FnMut(u64, Option<u64>) {
    |_, _| {}
}

fn expected(resumed: u64) -> Fetched {
    Fetched { bytes: 300_001, resumed, md5: MD5.into(), sha256: SHA256.into(), verified: true }
}

#[test]
fn a_download_arrives_whole_and_is_verified() {
    for manners in [vec![Manner::Proper], vec![Manner::NoLength], vec![Manner::Redirect, Manner::Proper]] {
        let scratch = Scratch::new("download");
        let (server, target) = (Server::start(content(), manners), scratch.file("w.mat"));
        let mut steps = Vec::new();
        let fetched = fetch(&server.url(), &["0", MD5], &target, &mut |done, total| steps.push((done, total))).unwrap();
        assert_eq!(fetched, expected(0));
        assert_eq!(std::fs::read(&target).unwrap(), content());
        assert!(!scratch.file("w.mat.partial").exists());
        assert_eq!(steps.first().unwrap().0, 0);
        assert_eq!(steps.last().unwrap().0, 300_001);
        assert!(steps.is_sorted());
    }
}

#[test]
fn without_a_known_checksum_the_one_that_was_seen_is_told() {
    let scratch = Scratch::new("unknown");
    let server = Server::start(content(), vec![Manner::Proper]);
    let fetched = fetch(&server.url(), &[], &scratch.file("w"), &mut quiet()).unwrap();
    assert_eq!(fetched, Fetched { verified: false, ..expected(0) });
}

#[test]
fn a_broken_connection_is_taken_up_again() {
    let scratch = Scratch::new("broken");
    let server = Server::start(content(), vec![Manner::Cut(100_000), Manner::Cut(150_000), Manner::Proper]);
    let fetched = fetch(&server.url(), &[MD5], &scratch.file("w"), &mut quiet()).unwrap();
    assert_eq!(fetched, expected(0));
    let ranges = server.ranges.lock().unwrap().clone();
    assert_eq!(ranges, ["", "bytes=100000-", "bytes=250000-"]);
}

#[test]
fn an_earlier_download_is_gone_on_with() {
    let scratch = Scratch::new("earlier");
    let (target, partial) = (scratch.file("w"), scratch.file("w.partial"));
    let dead = Server::start(content(), vec![Manner::Cut(70_000), Manner::Cut(0)]);
    let error = fetch(&dead.url(), &[MD5], &target, &mut quiet()).unwrap_err();
    assert!(matches!(error, FetchError::Network { .. }), "{error}");
    assert!(!target.exists());
    assert_eq!(std::fs::metadata(&partial).unwrap().len(), 70_000);

    let server = Server::start(content(), vec![Manner::Proper]);
    assert_eq!(fetch(&server.url(), &[MD5], &target, &mut quiet()).unwrap(), expected(70_000));
    assert_eq!(*server.ranges.lock().unwrap(), ["bytes=70000-"]);
    assert!(!partial.exists());
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let scratch = Scratch::new("no-ranges");
    let target = scratch.file("w");
    put(&scratch.file("w.partial"), &[9; 1000]);
    let server = Server::start(content(), vec![Manner::NoRanges]);
    fetch(&server.url(), &[MD5], &target, &mut quiet()).unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content());
}

#[test]
fn a_partial_file_may_be_whole_or_too_long() {
    let scratch = Scratch::new("whole");
    let target = scratch.file("w");
    put(&scratch.file("w.partial"), &content());
    let server = Server::start(content(), vec![Manner::Proper]);
    assert_eq!(fetch(&server.url(), &[MD5], &target, &mut quiet()).unwrap(), expected(300_001));
    assert_eq!(server.ranges.lock().unwrap().len(), 1);

    let other = scratch.file("other");
    put(&scratch.file("other.partial"), &vec![9; 300_500]);
    let fetched = fetch(&server.url(), &[MD5], &other, &mut quiet()).unwrap();
    assert_eq!((fetched.bytes, fetched.verified), (300_001, true));
    assert_eq!(std::fs::read(&other).unwrap(), content());
}

#[test]
fn another_file_is_refused_and_removed() {
    let scratch = Scratch::new("another");
    let server = Server::start(b"<html>not the weights</html>".to_vec(), vec![Manner::Proper]);
    let error = fetch(&server.url(), &[MD5], &scratch.file("w"), &mut quiet()).unwrap_err();
    assert!(matches!(&error, FetchError::Checksum { .. }), "{error}");
    assert!(error.to_string().contains(MD5), "{error}");
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);
}

#[test]
fn what_is_there_already_is_kept() {
    let scratch = Scratch::new("there");
    let (good, bad) = (scratch.file("good"), scratch.file("bad"));
    put(&good, &content());
    put(&bad, b"mine");
    let server = Server::start(content(), vec![Manner::Proper]);
    assert_eq!(fetch(&server.url(), &[MD5], &good, &mut quiet()).unwrap(), expected(300_001));
    let error = fetch(&server.url(), &[MD5], &bad, &mut quiet()).unwrap_err();
    assert!(matches!(error, FetchError::Exists { .. }), "{error}");
    assert_eq!(std::fs::read(&bad).unwrap(), b"mine");
    assert!(server.ranges.lock().unwrap().is_empty(), "nothing had to be asked for");
}

#[test]
fn refusals_and_silence_are_one_clear_line() {
    let scratch = Scratch::new("refusals");
    // A port that was free a moment ago, where nobody listens.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let missing = Server::start(content(), vec![Manner::Status(404)]);
    let wrong = Server::start(content(), vec![Manner::WrongRange]);
    put(&scratch.file("wrong.partial"), &[0; 10]);
    for (url, target, fragment) in [
        (format!("http://{closed}/file"), "offline", "refused"),
        ("http://name.invalid/file".into(), "offline", "name.invalid"),
        ("no address".into(), "offline", "no address"),
        (missing.url(), "missing", "404"),
        (wrong.url(), "wrong", "another part"),
    ] {
        let message = fetch(&url, &[MD5], &scratch.file(target), &mut quiet()).unwrap_err().to_string();
        assert!(message.contains(&url) && message.contains(fragment), "{message}");
        assert!(!message.contains('\n'), "{message:?}");
    }
    let left: Vec<_> = std::fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["wrong.partial"], "only what can be gone on with is kept");
}

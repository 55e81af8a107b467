//! A small HTTP server on loopback that knows ranges, and how to misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How the server treats a request.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    /// As it should.
    Proper,
    /// It knows no ranges and sends everything.
    NoRanges,
    /// It closes the connection after so many bytes of a body.
    Cut(usize),
    /// It sends no length and marks the end by closing the connection.
    NoLength,
    /// It answers a range with another one.
    WrongRange,
    /// It answers with this status and no body.
    Status(u16),
    /// It sends the client to `/file` with a redirection, once.
    Redirect,
}

/// A server that stops with the test.
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    /// The `Range` of every request, or an empty string.
    pub ranges: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `content` at any path; the requests are treated in these manners, the last one again and again.
    pub fn start(content: Vec<u8>, manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, ranges) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, seen) = (Arc::clone(&stop), Arc::clone(&ranges));
        let thread = std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let manner = manners[number.min(manners.len() - 1)];
                // A client that goes away is no matter for the server.
                let _ = stream.and_then(|stream| answer(stream, &content, manner, &seen));
            }
        });
        Self { address, stop, ranges, thread: Some(thread) }
    }

    /// Where the file is.
    pub fn url(&self) -> String {
        format!("http://{}/file", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes it from waiting for the next request.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, content: &[u8], manner: Manner, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut range = String::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            value.trim().clone_into(&mut range);
        }
    }
    seen.lock().unwrap().push(range.clone());
    let asked = range.strip_prefix("bytes=").and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
    let length = content.len();
    let head = |status: &str, headers: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let (head, body) = match (manner, asked) {
        (Manner::Status(code), _) => (head(&format!("{code} Refused"), "Content-Length: 0\r\n"), &content[..0]),
        (Manner::Redirect, _) => (head("302 Found", "Location: /other\r\nContent-Length: 0\r\n"), &content[..0]),
        (Manner::NoLength, _) => (head("200 OK", ""), content),
        (Manner::NoRanges, _) | (_, None) => (head("200 OK", &format!("Content-Length: {length}\r\n")), content),
        (_, Some(start)) if start >= length => {
            (head("416 Range Not Satisfiable", &format!("Content-Range: bytes */{length}\r\n")), &content[..0])
        }
        (_, Some(start)) => {
            let shown = if manner == Manner::WrongRange { start - 1 } else { start };
            let part = &content[start..];
            let range = format!("Content-Range: bytes {shown}-{}/{length}\r\n", length - 1);
            (head("206 Partial Content", &format!("{range}Content-Length: {}\r\n", part.len())), part)
        }
    };
    let body = match manner {
        Manner::Cut(most) => &body[..most.min(body.len())],
        _ => body,
    };
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

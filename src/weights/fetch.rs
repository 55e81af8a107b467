//! Downloading weights: resumed where a download broke off, checked, and in place only when whole.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::Md5;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::{Response, header};

/// A file that its authors publish.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Where it is.
    pub url: &'static str,
    /// The name it is known by.
    pub file: &'static str,
    /// The MD5 checksums that the authors published for its versions, newest first.
    pub md5: &'static [&'static str],
}

/// VGG-M by the authors of `MatConvNet`; the checksums are those of its documentation from beta 17 to beta 25.
pub const MATCONVNET_VGG_M: Published = Published {
    url: "https://www.vlfeat.org/matconvnet/models/imagenet-vgg-m.mat",
    file: "imagenet-vgg-m.mat",
    md5: &["29294d5f62578c96a3533859514235f2", "1c164950e882b4ea11623e669a86b1c4", "b4e8616c0ab66b1fda72854226f82d02"],
};

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file's length in bytes.
    pub bytes: u64,
    /// How many of them had been there before: a part of an earlier download, or all of the file.
    pub resumed: u64,
    /// The file's MD5 checksum, in hexadecimal digits.
    pub md5: String,
    /// The file's SHA-256 checksum, in hexadecimal digits.
    pub sha256: String,
    /// Whether the MD5 checksum is one of the expected ones.
    pub verified: bool,
}

/// Why a download failed. Every message is one line.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no connection, or it broke. What has arrived is kept, and the next attempt goes on from there.
    #[error("cannot download {url}: {reason}")]
    Network {
        /// What was to be downloaded.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server answered with something else than the file.
    #[error("cannot download {url}: the server answers {status}")]
    Status {
        /// What was to be downloaded.
        url: String,
        /// The status, such as 404 Not Found.
        status: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// There is a file of the target's name already, and it is not the expected one.
    #[error("{}: is there already, and is not the file at {url}; remove it or choose another name", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
        /// What was to be downloaded.
        url: String,
    },
    /// The whole file arrived, but it is another one. It was removed.
    #[error("{url}: its MD5 is {found}, expected {}", expected.join(" or "))]
    Checksum {
        /// What was downloaded.
        url: String,
        /// The checksum of what arrived.
        found: String,
        /// The checksums that were expected.
        expected: Vec<String>,
    },
}

/// How often a download that broke off is taken up again, as long as each attempt brought something.
const ATTEMPTS: usize = 5;
/// How long a silent server is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Ten times the largest file that makes sense here.
const LARGEST: u64 = 4 << 30;

/// Downloads `url` to the file `target`, which appears only when it is whole and, where `md5` is not empty, has one of
/// these checksums. Until then the bytes are in a file beside it, whose name ends in `.partial`.
///
/// `progress` is told the bytes that are there and, where the server says it, how many there will be.
///
/// # Errors
/// [`FetchError`], in one line; a broken connection leaves the partial file for the next call.
pub fn fetch(
    url: &str,
    md5: &[&str],
    target: &Path,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Fetched, FetchError> {
    if target.exists() {
        let fetched = checksums(target, md5)?;
        let whole = Fetched { resumed: fetched.bytes, ..fetched };
        return if whole.verified {
            Ok(whole)
        } else {
            Err(FetchError::Exists { path: target.into(), url: url.into() })
        };
    }
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let mut download = Download { url, partial: PathBuf::from(partial), progress };
    let resumed = download.run()?;
    let fetched = checksums(&download.partial, md5)?;
    if !md5.is_empty() && !fetched.verified {
        let _ = fs::remove_file(&download.partial);
        let expected = md5.iter().map(|&sum| sum.to_owned()).collect();
        return Err(FetchError::Checksum { url: url.into(), found: fetched.md5, expected });
    }
    fs::rename(&download.partial, target).map_err(|cause| FetchError::Io { path: target.into(), cause })?;
    Ok(Fetched { resumed, ..fetched })
}

/// A download on its way.
struct Download<'a> {
    url: &'a str,
    partial: PathBuf,
    progress: &'a mut dyn FnMut(u64, Option<u64>),
}

impl Download<'_> {
    /// Fills the partial file; gives the length that it had before.
    fn run(&mut self) -> Result<u64, FetchError> {
        let agent = Agent::new_with_config(
            Agent::config_builder()
                .http_status_as_error(false)
                .timeout_connect(Some(PATIENCE))
                .timeout_recv_response(Some(PATIENCE))
                .timeout_per_read(Some(PATIENCE))
                .user_agent(concat!("attrax/", env!("CARGO_PKG_VERSION")))
                .build(),
        );
        let mut file =
            File::options().create(true).append(true).read(true).open(&self.partial).map_err(|cause| self.io(cause))?;
        let before = self.length(&file)?;
        let mut attempt = 1;
        loop {
            let start = self.length(&file)?;
            match self.attempt(&agent, &mut file, start) {
                Ok(()) => {
                    file.sync_all().map_err(|cause| self.io(cause))?;
                    return Ok(before.min(self.length(&file)?));
                }
                Err(FetchError::Network { reason, .. }) if attempt < ATTEMPTS && self.length(&file)? > start => {
                    log::info!("{}: {reason}; going on", self.url);
                    attempt += 1;
                }
                Err(error) => {
                    // An empty partial file would only puzzle.
                    if self.length(&file)? == 0 {
                        let _ = fs::remove_file(&self.partial);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// One request, from byte `start` on.
    fn attempt(&mut self, agent: &Agent, file: &mut File, start: u64) -> Result<(), FetchError> {
        let mut request = agent.get(self.url);
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        let response = request.call().map_err(|error| self.network(&error))?;
        let (start, total) = match response.status().as_u16() {
            200 => {
                // The server sends everything, whatever was asked for.
                self.truncate(file)?;
                (0, number(&response, header::CONTENT_LENGTH.as_str()))
            }
            206 => match content_range(&response) {
                Some((first, total)) if first == start => (start, total),
                _ => return Err(self.network(&"the server sends another part than the one asked for")),
            },
            // Nothing comes after `start`: either it is all there, or the file has changed.
            416 => match content_range(&response) {
                Some((_, Some(total))) if total == start => return Ok(()),
                _ if start > 0 => {
                    self.truncate(file)?;
                    return self.attempt(agent, file, 0);
                }
                _ => return Err(self.status(&response)),
            },
            _ => return Err(self.status(&response)),
        };
        if total.is_some_and(|total| total > LARGEST) {
            return Err(self.network(&"the file is far too large for weights"));
        }
        self.receive(response, file, start, total)
    }

    /// Appends the response's body to the file.
    fn receive(
        &mut self,
        response: Response<ureq::Body>,
        file: &mut File,
        start: u64,
        total: Option<u64>,
    ) -> Result<(), FetchError> {
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut done = start;
        loop {
            (self.progress)(done, total);
            let read = match body.read(&mut buffer) {
                Ok(0) if total.is_some_and(|total| done < total) => {
                    return Err(self.network(&format!("the connection ended after {done} bytes")));
                }
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.network(&error)),
            };
            done += read as u64;
            if done > total.unwrap_or(LARGEST) {
                return Err(self.network(&"the server sends more than it announced"));
            }
            file.write_all(&buffer[..read]).map_err(|cause| self.io(cause))?;
        }
    }

    fn truncate(&self, file: &mut File) -> Result<(), FetchError> {
        file.set_len(0).and_then(|()| file.rewind()).map_err(|cause| self.io(cause))
    }

    fn length(&self, file: &File) -> Result<u64, FetchError> {
        file.metadata().map(|about| about.len()).map_err(|cause| self.io(cause))
    }

    fn io(&self, cause: io::Error) -> FetchError {
        FetchError::Io { path: self.partial.clone(), cause }
    }

    fn network(&self, reason: &dyn std::fmt::Display) -> FetchError {
        let reason = reason.to_string().replace('\n', " ");
        // The client's own word for errors of the operating system says nothing to people.
        let reason = reason.strip_prefix("io: ").unwrap_or(&reason).to_owned();
        FetchError::Network { url: self.url.into(), reason }
    }

    fn status(&self, response: &Response<ureq::Body>) -> FetchError {
        FetchError::Status { url: self.url.into(), status: response.status().to_string() }
    }
}

/// A header that is a number.
fn number(response: &Response<ureq::Body>, name: &str) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The first byte and the whole length in `Content-Range: bytes FIRST-LAST/LENGTH`; either may be absent as `*`.
fn content_range(response: &Response<ureq::Body>) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-').map_or(Some(0), |(first, _)| first.trim().parse().ok())?;
    Some((first, total.trim().parse().ok()))
}

/// Length and checksums of a file.
fn checksums(path: &Path, expected: &[&str]) -> Result<Fetched, FetchError> {
    let failed = |cause| FetchError::Io { path: path.into(), cause };
    let mut file = File::open(path).map_err(failed)?;
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        bytes += read as u64;
        md5.update(&buffer[..read]);
        sha256.update(&buffer[..read]);
    }
    let md5 = hexadecimal(&md5.finalize());
    let verified = expected.contains(&md5.as_str());
    Ok(Fetched { bytes, resumed: 0, md5, sha256: hexadecimal(&sha256.finalize()), verified })
}

/// Bytes as pairs of hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

//! `ffmpeg` processes: in a process group of their own, waited for with a limit, never left
//! running.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::cli::interrupt::Pending;

/// Seconds without any sign of life from ffmpeg, unless `ATTRAX_FFMPEG_TIMEOUT` says otherwise.
const PATIENCE: f64 = 30.0;
/// Between two looks at a process that should end.
const LOOK: Duration = Duration::from_millis(5);

/// A process that is ended with this value, or by an interruption.
pub struct Process {
    child: Child,
    /// Whether it has been waited for: its number may be another process's by now.
    ended: bool,
    _pending: Pending,
}

impl Process {
    /// Starts the program that `ATTRAX_FFMPEG` names, or the `ffmpeg` on PATH.
    pub fn start(for_what: &Path, arguments: impl FnOnce(&mut Command)) -> anyhow::Result<Self> {
        let program =
            std::env::var_os("ATTRAX_FFMPEG").filter(|program| !program.is_empty()).unwrap_or_else(|| "ffmpeg".into());
        let mut command = Command::new(&program);
        command.args(["-hide_banner", "-nostdin", "-nostats"]).stdin(Stdio::null()).stderr(Stdio::piped());
        arguments(&mut command);
        let child = command.process_group(0).spawn().map_err(|error| {
            if error.kind() != ErrorKind::NotFound {
                return anyhow!("{}: {} cannot be started ({error})", for_what.display(), program.display());
            }
            anyhow!(
                "{}: videos need the program ffmpeg, and {} cannot be started ({error}); install it (Debian: apt install ffmpeg) \
                 or set ATTRAX_FFMPEG to its path",
                for_what.display(),
                program.to_string_lossy()
            )
        })?;
        let group = group_of(&child);
        let pending = Pending::new(move || {
            kill(group);
            None
        });
        Ok(Self { child, ended: false, _pending: pending })
    }

    /// The pipe to the process.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe with what it makes.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The pipe with what it says.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the end, which is given `patience` since `sign` last changed; why the process
    /// failed, where it did.
    pub fn wait(&mut self, patience: Duration, mut sign: impl FnMut() -> u64) -> Option<Failure> {
        let (mut last, mut since) = (sign(), Instant::now());
        loop {
            match self.child.try_wait() {
                Ok(None) if since.elapsed() < patience => thread::sleep(LOOK),
                Ok(None) => {
                    self.kill();
                    return Some(Failure::Hung(patience));
                }
                Ok(Some(status)) => {
                    // Processes that it started have nothing left to do.
                    kill(group_of(&self.child));
                    self.ended = true;
                    return failure(status);
                }
                Err(error) => return Some(Failure::Ended(error.to_string())),
            }
            let now = sign();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// Ends the process and those that it started.
    pub fn kill(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        kill(group_of(&self.child));
        if let Err(error) = self.child.wait() {
            log::warn!("ffmpeg could not be waited for: {error}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process failed.
pub enum Failure {
    /// It was ended by a signal.
    Killed(String),
    /// It ended with an exit code.
    Ended(String),
    /// It gave no sign of life for so long, and was killed.
    Hung(Duration),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Killed(text) | Self::Ended(text) => f.write_str(text),
            Self::Hung(patience) => {
                write!(f, "ffmpeg has done nothing for {} seconds and was ended", patience.as_secs_f64())
            }
        }
    }
}

fn failure(status: ExitStatus) -> Option<Failure> {
    match (status.signal(), status.code()) {
        (Some(signal), _) => Some(Failure::Killed(format!("ffmpeg was ended by signal {signal}"))),
        (None, Some(0)) => None,
        (None, code) => Some(Failure::Ended(format!("ffmpeg ended with exit code {}", code.unwrap_or(-1)))),
    }
}

/// The process group of a child, which has the child's number.
fn group_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().cast_signed())
}

fn kill(group: Option<Pid>) {
    if let Some(group) = group
        && let Err(error) = kill_process_group(group, Signal::KILL)
        && error != rustix::io::Errno::SRCH
    {
        log::warn!("ffmpeg could not be ended: {error}");
    }
}

/// How long ffmpeg may do nothing.
pub fn patience() -> anyhow::Result<Duration> {
    let Some(text) = std::env::var_os("ATTRAX_FFMPEG_TIMEOUT") else { return Ok(Duration::from_secs_f64(PATIENCE)) };
    let seconds = text.to_str().and_then(|text| text.parse().ok()).filter(|seconds: &f64| *seconds > 0.0);
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(patience) => Ok(patience),
        None => bail!("ATTRAX_FFMPEG_TIMEOUT: a number of seconds above 0 is needed, such as 30"),
    }
}

/// A local file as `ffmpeg` takes it; without the prefix a colon in its name would make it an
/// address.
pub fn file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

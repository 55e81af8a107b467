//! The connection: standard input and output, a socket, or any pair of streams.

use std::env;
use std::fmt::{self, Debug, Formatter};
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

#[cfg(unix)]
use super::descriptor;
use super::error::Error;

/// How long a tracker tries to reach the client's socket.
const CONNECT_FOR: Duration = Duration::from_secs(30);

/// The pause between two attempts.
const CONNECT_PAUSE: Duration = Duration::from_millis(100);

/// The two directions of a connection.
///
/// ```
/// use trax::Transport;
///
/// let (input, output) = (std::io::empty(), std::io::sink());
/// let transport = Transport::from_streams(input, output);
/// let elsewhere = Transport::connect(([192, 0, 2, 1], 9090).into());
/// assert!(elsewhere.is_err(), "only this machine is connected to");
/// ```
pub struct Transport {
    pub(crate) input: Box<dyn Read + Send>,
    pub(crate) output: Output,
}

/// Where messages go.
pub(crate) enum Output {
    /// A pipe, a terminal, or anything else that has a descriptor.
    #[cfg(unix)]
    File(File),
    /// A socket.
    Socket(TcpStream),
    /// A stream of which nothing more is known.
    Other(Box<dyn Write + Send>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::File(file) => descriptor::write_blocking(file, bytes),
            Self::Socket(stream) => stream.write(bytes),
            Self::Other(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::File(file) => file.flush(),
            Self::Socket(stream) => stream.flush(),
            Self::Other(stream) => stream.flush(),
        }
    }
}

impl Debug for Transport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    /// The connection that the environment asks for, as libtrax reads it: the port on this machine
    /// in `TRAX_SOCKET`, else the descriptors in `TRAX_IN` and `TRAX_OUT` (on Unix; an error
    /// elsewhere), else standard input and output.
    ///
    /// The descriptors may be of files, pipes or sockets, also one socket for both. They are taken
    /// over and closed with the transport: nothing else in the program may use their numbers.
    /// Standard input and output stay open.
    ///
    /// ```no_run
    /// use trax::{Limits, Metadata, Server, Transport};
    ///
    /// let few = Limits::default().objects(4);
    /// let server = Server::new(&Metadata::new("a"), Transport::from_environment()?, few)?;
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] if a variable makes no sense, [`Error::Io`] if the connection cannot
    /// be opened.
    pub fn from_environment() -> Result<Self, Error> {
        if let Some(port) = number::<u16>("TRAX_SOCKET")? {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let unusable = |reason| Error::Environment { name: "TRAX_SOCKET", reason };
            if port == 0 {
                return Err(unusable("0 is no port".into()));
            }
            return Self::connect(address).map_err(|error| unusable(format!("no client at {address}: {error}")));
        }
        Self::from_descriptors()
    }

    /// The descriptors in `TRAX_IN` and `TRAX_OUT`, else standard input and output.
    #[cfg(unix)]
    fn from_descriptors() -> Result<Self, Error> {
        let input = number::<u16>("TRAX_IN")?.map_or(0, i32::from);
        let output = number::<u16>("TRAX_OUT")?.map_or(1, i32::from);
        let [input, output] = descriptor::take([("TRAX_IN", input), ("TRAX_OUT", output)])?;
        Ok(Self { input: Box::new(descriptor::Blocking(input)), output: Output::File(output) })
    }

    /// Standard input and output: the handles in `TRAX_IN` and `TRAX_OUT` could not be taken over
    /// without unsafe code.
    #[cfg(not(unix))]
    fn from_descriptors() -> Result<Self, Error> {
        for name in ["TRAX_IN", "TRAX_OUT"] {
            if env::var_os(name).is_some() {
                return Err(Error::Environment { name, reason: "handles are not supported on this system".into() });
            }
        }
        Ok(Self::from_streams(io::stdin(), io::stdout()))
    }

    /// Connects to a client's socket, which may take a moment to open.
    ///
    /// ```
    /// use trax::Transport;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let transport = Transport::connect(listener.local_addr()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] for an address that is not this machine's own, [`Error::Io`] if there is
    /// no answer within 30 s.
    pub fn connect(address: SocketAddr) -> Result<Self, Error> {
        if !is_loopback(address.ip()) {
            return Err(Error::Protocol(format!("{address} is not on this machine")));
        }
        let deadline = Instant::now() + CONNECT_FOR;
        loop {
            match TcpStream::connect_timeout(&address, CONNECT_FOR) {
                Ok(stream) => return Self::from_tcp(stream),
                Err(error) if Instant::now() >= deadline => return Err(Error::Io(error)),
                Err(_) => std::thread::sleep(CONNECT_PAUSE),
            }
        }
    }

    /// Uses a socket that is connected already, wherever its other end is.
    ///
    /// ```
    /// use trax::Transport;
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let transport = Transport::from_tcp(TcpStream::connect(listener.local_addr()?)?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the socket cannot be set up.
    pub fn from_tcp(stream: TcpStream) -> Result<Self, Error> {
        // Reads and writes wait, also where the program has used the socket without.
        stream.set_nonblocking(false)?;
        // Messages are short and waited for.
        stream.set_nodelay(true)?;
        Ok(Self { input: Box::new(stream.try_clone()?), output: Output::Socket(stream) })
    }

    /// Uses any two streams. Errors of the kinds that a closed pipe or socket gives are taken for
    /// the other side's leaving.
    ///
    /// ```
    /// # use trax::Transport;
    /// let (input, output) = std::io::pipe()?;
    /// let to_itself = Transport::from_streams(input, output);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_streams(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Self {
        Self { input: Box::new(input), output: Output::Other(Box::new(output)) }
    }

    /// A second handle on where messages go, for the last word of a program that has no memory left
    /// to answer with. `None` for [`Transport::from_streams`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no descriptor left.
    ///
    /// ```
    /// let transport = trax::Transport::from_streams(std::io::empty(), std::io::sink());
    /// assert!(transport.output_handle()?.is_none());
    /// # Ok::<(), trax::Error>(())
    /// ```
    #[cfg(unix)]
    pub fn output_handle(&self) -> Result<Option<std::os::fd::OwnedFd>, Error> {
        Ok(match &self.output {
            Output::File(file) => Some(file.try_clone()?.into()),
            Output::Socket(stream) => Some(stream.try_clone()?.into()),
            Output::Other(_) => None,
        })
    }
}

/// Whether an address is this machine's own.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The number in an environment variable, if that is set.
fn number<T: std::str::FromStr>(name: &'static str) -> Result<Option<T>, Error> {
    let Some(text) = env::var_os(name) else { return Ok(None) };
    match text.to_str().and_then(|text| text.trim().parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Error::Environment { name, reason: format!("{} is not a number in range", text.display()) }),
    }
}

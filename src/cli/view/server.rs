//! Connections: how many are open, how long each may take for its headers, and which one is closed
//! when there are too many.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::stream::Stream;

/// Open connections at most; a browser has six.
const CONNECTIONS: usize = 64;
/// Bytes of a request's headers, and of what is buffered of a connection, at most.
const HEADER_BYTES: usize = 16 << 10;
/// Headers of a request at most.
const HEADERS: usize = 64;
/// Time for a request's headers, also until the next request of a connection begins.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// Lifetime of a connection that has not shown the token.
const STRANGER_PATIENCE: Duration = Duration::from_secs(10);
/// Wait after a failed accept, so that a closed connection's descriptor is free.
const RETRY: Duration = Duration::from_millis(10);
/// Threads for pictures and videos at most.
const THREADS: usize = 6;

/// What a connection has shown so far.
#[derive(Default)]
pub struct Peer {
    trusted: AtomicBool,
}

impl Peer {
    /// A request of this connection had the token.
    pub fn trust(&self) {
        self.trusted.store(true, Ordering::Relaxed);
    }

    fn is_trusted(&self) -> bool {
        self.trusted.load(Ordering::Relaxed)
    }
}

/// A listening socket and its runtime.
pub struct Server {
    listener: TcpListener,
    runtime: Runtime,
}

impl Server {
    /// A server on a listening socket; it accepts nothing yet.
    pub fn new(listener: TcpListener) -> anyhow::Result<Self> {
        listener.set_nonblocking(true).context("cannot serve")?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(THREADS).build();
        Ok(Self { listener, runtime: runtime.context("cannot serve")? })
    }

    /// Answers requests as long as the program lives.
    ///
    /// # Errors
    /// Where the socket cannot be listened to.
    pub fn serve(self, site: Router) -> anyhow::Result<()> {
        self.runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let mut connections = Connections::default();
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => connections.add(stream, site.clone()),
                    // The process is out of descriptors, or this one connection is gone already.
                    Err(error) => {
                        log::debug!("a connection was not accepted: {error}");
                        connections.close_one();
                        sleep(RETRY).await;
                    }
                }
            }
        })
    }
}

/// The open connections, the oldest first.
#[derive(Default)]
struct Connections(VecDeque<(AbortHandle, Arc<Peer>)>);

impl Connections {
    /// Takes a connection, in place of an older one where there are too many.
    fn add(&mut self, stream: TcpStream, site: Router) {
        self.0.retain(|(task, _)| !task.is_finished());
        if self.0.len() >= CONNECTIONS {
            self.close_one();
        }
        let peer = Arc::new(Peer::default());
        let task = tokio::spawn(converse(stream, site, Arc::clone(&peer)));
        self.0.push_back((task.abort_handle(), peer));
    }

    /// Closes the oldest connection without the token, or else the oldest one.
    fn close_one(&mut self) {
        self.0.retain(|(task, _)| !task.is_finished());
        let stranger = self.0.iter().position(|(_, peer)| !peer.is_trusted()).unwrap_or(0);
        if let Some((task, _)) = self.0.remove(stranger) {
            task.abort();
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(stream: TcpStream, site: Router, peer: Arc<Peer>) {
    let site = TowerToHyperService::new(site);
    let of_connection = Arc::clone(&peer);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&of_connection));
        site.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE).max_buf_size(HEADER_BYTES).max_headers(HEADERS);
    let mut connection = pin!(http.serve_connection(TokioIo::new(Stream::new(stream)), service));
    let ended = match timeout(STRANGER_PATIENCE, connection.as_mut()).await {
        Err(_) if peer.is_trusted() => connection.await,
        Err(_) => return,
        Ok(ended) => ended,
    };
    if let Err(error) = ended {
        log::debug!("a connection ended: {error}");
    }
}

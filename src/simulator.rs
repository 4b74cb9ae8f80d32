//! The embedded Azure OpenAI simulator: the origin server of `demo` and of the tests.
//!
//! It is the independent judge of the rewrite core, so it reads paths, credentials and versions on its
//! own and is strict wherever Azure is documented to be strict. What it answers is deterministic: the
//! text that comes back says what went in. These words in a prompt ask for special treatment:
//!
//! | word | what happens |
//! |---|---|
//! | `[blocked]` | 400, the prompt was filtered |
//! | `[429]` | 429 with `retry-after` and `retry-after-ms` |
//! | `[async-filter]` | a chat stream carries annotation chunks without a `delta` |
//! | `[broken]` | a stream, or a WebSocket, breaks off after a few chunks |
//! | `[close]` | a realtime session is closed by the service |

mod audio;
mod auth;
mod call;
mod chat;
mod collection;
mod completions;
mod containers;
mod content;
mod conversations;
mod crc32;
mod embeddings;
mod errors;
mod files;
mod filter;
mod images;
mod models;
mod multipart;
mod objects;
mod operation;
mod prompt;
mod realtime;
pub mod recorder;
mod responses;
mod service;
mod settings;
mod store;
mod stream;
mod surface;
mod uploads;
mod videos;
mod websocket;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};

pub use self::crc32::Crc32;
pub use self::recorder::{Progress, Recorder, Seen};
use self::service::Simulator;
pub use self::settings::{Deployment, Kind, Settings};
use crate::tls::accept::{self, AcceptError, Accepted};
use crate::tls::ca::Authority;
use crate::tls::resolver::Leaves;

/// Connections served at the same time; more of them wait in the listener's queue.
const MAX_CONNECTIONS: usize = 1024;

/// How long a TLS handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a request head may take to arrive.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);

/// A simulator that listens and does not serve yet.
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
    simulator: Simulator,
    secure: Option<Secure>,
}

/// What TLS takes: the root of a CA and its leaf for the resource's host.
#[derive(Clone)]
struct Secure {
    root_pem: Arc<str>,
    leaves: Leaves,
    host: Arc<str>,
}

/// Listens on `address`; port 0 takes a free one.
///
/// With TLS, a CA is made for this simulator alone; a host for which none can be made is an error.
pub async fn bind(settings: Settings, address: SocketAddr) -> io::Result<Bound> {
    let secure = match settings.tls {
        true => {
            let authority = Authority::in_memory(std::slice::from_ref(&settings.host));
            Some(Secure::of(authority.map_err(io::Error::other)?, &settings.host)?)
        }
        false => None,
    };
    listen(settings, address, secure).await
}

/// As [`bind`], with TLS and a CA that is there already.
pub async fn bind_with(authority: Authority, settings: Settings, address: SocketAddr) -> io::Result<Bound> {
    let secure = Secure::of(authority, &settings.host)?;
    listen(settings, address, Some(secure)).await
}

async fn listen(settings: Settings, address: SocketAddr, secure: Option<Secure>) -> io::Result<Bound> {
    let listener = TcpListener::bind(address).await?;
    let addr = listener.local_addr()?;
    Ok(Bound { listener, addr, simulator: Simulator::new(settings), secure })
}

// === impl Bound ===

impl Bound {
    /// Where the simulator listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The root certificate that its clients must trust, in PEM; nothing when it serves without TLS.
    pub fn root_pem(&self) -> Option<&str> {
        self.secure.as_ref().map(|secure| &*secure.root_pem)
    }

    /// What arrives, to be asked while the simulator runs.
    pub fn recorder(&self) -> Recorder {
        self.simulator.recorder().clone()
    }

    /// Serves until `shutdown` completes, then drops every connection.
    ///
    /// A panic in a connection's task is raised again here, so that it fails the test that caused it.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok((io, _)) => {
                        connections.spawn(serve(io, self.secure.clone(), self.simulator.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the simulator could not accept a connection");
                        // Out of file descriptors: without a pause this loop would spin.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(ended) = connections.join_next() => raise(ended),
            }
        }
    }
}

fn raise(ended: Result<(), JoinError>) {
    if let Some(panic) = ended.err().filter(JoinError::is_panic) {
        std::panic::resume_unwind(panic.into_panic());
    }
}

async fn serve(io: TcpStream, secure: Option<Secure>, simulator: Simulator) {
    // Each event is to leave when it is produced; without this option it costs latency, nothing else.
    let _ = io.set_nodelay(true);
    let Some(secure) = secure else { return serve_http(io, false, simulator).await };
    match secure.accept(io).await {
        Ok(accepted) => serve_http(accepted.stream, accepted.h2, simulator).await,
        Err(error) => tracing::debug!(%error, "a TLS handshake with the simulator failed"),
    }
}

async fn serve_http(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    h2: bool,
    simulator: Simulator,
) {
    let session = Arc::new(Mutex::new(None));
    let place = Arc::clone(&session);
    let service = service_fn(move |request| {
        let (simulator, place) = (simulator.clone(), Arc::clone(&place));
        async move { Ok::<_, Infallible>(service::respond(&simulator, request, &place).await) }
    });
    let io = TokioIo::new(io);
    let served = if h2 {
        http2::Builder::new(TokioExecutor::new()).timer(TokioTimer::new()).serve_connection(io, service).await
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
        builder.serve_connection(io, service).with_upgrades().await
    };
    if let Err(error) = served {
        return tracing::debug!(%error, "a connection to the simulator ended early");
    }
    let session = session.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(session) = session {
        session.run().await;
    }
}

// === impl Secure ===

impl Secure {
    fn of(authority: Authority, host: &str) -> io::Result<Self> {
        let root_pem = authority.root_pem().into();
        let leaves = Leaves::new(Arc::new(authority), [host.to_owned()]).map_err(io::Error::other)?;
        Ok(Self { root_pem, leaves, host: host.into() })
    }

    /// A client that names no host gets the resource's certificate; one that names another gets an alert.
    async fn accept(&self, io: TcpStream) -> Result<Accepted<TcpStream>, AcceptError> {
        let choose = |name: Option<&str>| self.leaves.server_config(name.unwrap_or(&self.host));
        accept::accept(io, choose, HANDSHAKE_DEADLINE).await
    }
}

#[cfg(test)]
mod tests;

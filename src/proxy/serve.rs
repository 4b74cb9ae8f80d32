//! HTTP on one connection, whatever carries it.

use std::convert::Infallible;
use std::pin::Pin;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Limits, upgrade};
use crate::message::body::Body;
use crate::net::guard::{Guard, Verdict};
use crate::net::lingering::{Lingering, Upgraded};
use crate::shutdown::Shutdown;

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 or 1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Requests that one HTTP/2 connection may have under way.
const MAX_STREAMS: u32 = 256;
/// Requests that a client may take back before we have begun with them (CVE-2023-44487).
const MAX_TAKEN_BACK: usize = 20;
/// Requests on one HTTP/2 connection that we may have to reset for what is wrong with them.
const MAX_WRONG: usize = 256;
/// Octets that one HTTP/2 stream, and all of a connection's streams together, may have in flight.
const HTTP2_WINDOWS: (u32, u32) = (1 << 20, 8 << 20);

/// What an HTTP/1 request asks its connection to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Upgrade,
    Tunnel,
}

/// A connection that is being served.
pub type Serving = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Serves requests until the client closes or the shutdown lets the last one finish.
///
/// `answer` is called for each request; it never fails, for errors are responses too.
/// A request has to begin, and its head to end, within the keep-alive timeout.
///
/// Between requests a connection takes no more room than it needs to wait: its answer has a place of its own.
pub fn serve<IO, F, R>(io: IO, protocol: Protocol, limits: &Limits, shutdown: Shutdown, answer: F) -> Serving
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> R + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    match protocol {
        Protocol::Http1 => Box::pin(serve_http1(io, limits, shutdown, answer)),
        Protocol::Http2 => Box::pin(serve_http2(io, limits, shutdown, answer)),
    }
}

fn serve_http1<IO, F, R>(
    io: IO,
    limits: &Limits,
    mut shutdown: Shutdown,
    answer: F,
) -> impl Future<Output = hyper::Result<()>> + Send + use<IO, F, R>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> R + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let upgraded = Upgraded::default();
    // The parser may have read as much again before it sees that a head is too large.
    let guard = Guard::new(Lingering::new(io, upgraded.clone()), 2 * limits.head_size());
    let verdict = guard.verdict();
    let service = service_fn(move |request| {
        let asked = Asked::of(&request);
        let (answered, verdict, upgraded) = (Box::pin(answer(request)), verdict.clone(), upgraded.clone());
        async move { Ok::<_, Infallible>(asked.settle(answered.await, &verdict, &upgraded)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.keepalive_timeout)
        .preserve_header_case(true)
        .max_headers(limits.head_fields)
        .max_header_size(limits.head_size())
        .max_buf_size(limits.head_size())
        .serve_connection(TokioIo::new(guard), service)
        .with_upgrades();
    let mut connection = Box::pin(connection);
    async move {
        tokio::select! {
            done = &mut connection => return done,
            () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}

fn serve_http2<IO, F, R>(
    io: IO,
    limits: &Limits,
    mut shutdown: Shutdown,
    answer: F,
) -> impl Future<Output = hyper::Result<()>> + Send + use<IO, F, R>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> R + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = Box::pin(answer(upgrade::without_connect(request)));
        async { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.head_timeout)
        .keep_alive_timeout(limits.head_timeout)
        .enable_connect_protocol()
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_TAKEN_BACK)
        .max_local_error_reset_streams(MAX_WRONG)
        .max_header_list_size(u32::try_from(limits.head_size()).unwrap_or(u32::MAX))
        .initial_stream_window_size(HTTP2_WINDOWS.0)
        .initial_connection_window_size(HTTP2_WINDOWS.1)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = Box::pin(connection);
    async move {
        tokio::select! {
            done = &mut connection => return done,
            () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}

// === impl Asked ===

impl Asked {
    fn of<B>(request: &Request<B>) -> Self {
        let upgrades = request.version() == Version::HTTP_11 && request.headers().contains_key(UPGRADE);
        match request.method() {
            &Method::CONNECT => Self::Tunnel,
            _ if upgrades => Self::Upgrade,
            _ => Self::Nothing,
        }
    }

    /// Tells the stream what it becomes.
    ///
    /// After a CONNECT that failed the connection ends, since what follows may be meant for the
    /// tunnel; only a client that is asked for its key may try again.
    fn settle(self, mut response: Response<Body>, verdict: &Verdict, upgraded: &Upgraded) -> Response<Body> {
        let status = response.status();
        let (switched, may_go_on) = match self {
            Self::Nothing => return response,
            Self::Upgrade => (status == StatusCode::SWITCHING_PROTOCOLS, true),
            Self::Tunnel => (status.is_success(), status == StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        };
        let goes_on = verdict.tell(switched) && may_go_on;
        if switched {
            upgraded.set();
        } else if !goes_on {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

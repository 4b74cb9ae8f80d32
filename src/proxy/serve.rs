//! HTTP on one connection, whatever carries it.

use std::convert::Infallible;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Limits, upgrade};
use crate::message::body::Body;
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

/// Fields in a request head; more is 431.
const MAX_FIELDS: usize = 256;
/// Octets of a request head.
const MAX_HEAD: usize = 64 * 1024;
/// Requests that one HTTP/2 connection may have under way.
const MAX_STREAMS: u32 = 256;
/// Octets that one HTTP/2 stream, and all of a connection's streams together, may have in flight.
const HTTP2_WINDOWS: (u32, u32) = (1 << 20, 8 << 20);

/// Serves requests until the client closes or the shutdown lets the last one finish.
///
/// `answer` is called for each request; it never fails, for errors are responses too.
/// A request has to begin, and its head to end, within the keep-alive timeout.
pub async fn serve<IO, F, R>(
    io: IO,
    protocol: Protocol,
    limits: &Limits,
    mut shutdown: Shutdown,
    answer: F,
) -> hyper::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> R,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let upgraded = Upgraded::default();
    let service = service_fn(|request| {
        let request = upgrade::without_connect(request);
        let connect = request.method() == Method::CONNECT;
        noted(answer(request), connect, upgraded.clone())
    });
    match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.keepalive_timeout)
                .preserve_header_case(true)
                .max_headers(MAX_FIELDS)
                .max_buf_size(MAX_HEAD)
                .serve_connection(TokioIo::new(Lingering::new(io, upgraded.clone())), service)
                .with_upgrades();
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                done = connection.as_mut() => return done,
                () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
            }
            connection.await
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(limits.head_timeout)
                .keep_alive_timeout(limits.head_timeout)
                .enable_connect_protocol()
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(MAX_HEAD as u32)
                .initial_stream_window_size(HTTP2_WINDOWS.0)
                .initial_connection_window_size(HTTP2_WINDOWS.1)
                .serve_connection(TokioIo::new(io), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                done = connection.as_mut() => return done,
                () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
            }
            connection.await
        }
    }
}

/// Notes an answer after which the connection is no longer HTTP's.
async fn noted(
    answered: impl Future<Output = Response<Body>>,
    connect: bool,
    upgraded: Upgraded,
) -> Result<Response<Body>, Infallible> {
    let response = answered.await;
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS || connect && status.is_success() {
        upgraded.set();
    }
    Ok(response)
}

//! HTTP on one connection, whatever carries it.

use std::convert::Infallible;
use std::pin::Pin;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::received::{Content, Received};
use super::respond::{self, Form};
use super::{Limits, upgrade};
use crate::error::Kind;
use crate::http1::head::Bounds;
use crate::http1::server;
use crate::message::body::{Body, BoxError};
use crate::net::stream::Stream;
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

/// A connection that is being served.
pub type Serving = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// Serves requests until the client closes or the shutdown lets the last one finish.
///
/// `answer` is called for each request; it never fails, for errors are responses too.
/// A request has to begin, and its head to end, within the keep-alive timeout.
pub fn serve<IO, F, R>(io: IO, protocol: Protocol, limits: &Limits, shutdown: Shutdown, answer: F) -> Serving
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Received) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    match protocol {
        Protocol::Http1 => Box::pin(serve_http1(Box::new(io), limits, shutdown, answer)),
        Protocol::Http2 => Box::pin(serve_http2(io, limits, shutdown, answer)),
    }
}

fn serve_http1<F, R>(
    io: Stream,
    limits: &Limits,
    shutdown: Shutdown,
    answer: F,
) -> impl Future<Output = Result<(), BoxError>> + Send + use<F, R>
where
    F: Fn(Received) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let bounds = Bounds { size: limits.head_size(), fields: limits.head_fields };
    let settings = server::Settings { bounds, patience: limits.keepalive_timeout };
    async move {
        let answer = |request: Request<server::Content>| answer(request.map(Content::Http1));
        let refuse = |error| respond::error(&Kind::Head(error).into(), Form::Text, Version::HTTP_11);
        Ok(server::serve(io, settings, shutdown, answer, refuse).await?)
    }
}

fn serve_http2<IO, F, R>(
    io: IO,
    limits: &Limits,
    mut shutdown: Shutdown,
    answer: F,
) -> impl Future<Output = Result<(), BoxError>> + Send + use<IO, F, R>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Received) -> R + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let answered = Box::pin(answer(upgrade::without_connect(request.map(Content::Http2))));
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
            done = &mut connection => return Ok(done?),
            () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
        }
        Ok(connection.await?)
    }
}

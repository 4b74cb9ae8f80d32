//! HTTP on one connection, whatever carries it.

use std::pin::Pin;
use std::time::Duration;

use http::Version;
use http_body_util::Either;
use tokio::io::{AsyncRead, AsyncWrite};

use super::received::Received;
use super::respond::{self, Form};
use super::{Limits, upgrade};
use crate::error::Kind;
use crate::http1::{self, head::Bounds};
use crate::http2::{self, pings::Pace};
use crate::message::body::{Body, BoxError};
use crate::message::{Request, Response};
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

/// A connection that is being served.
pub type Serving = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// Serves requests until the client closes or the shutdown lets the last one finish.
///
/// `answer` is called for each request; it never fails, for errors are responses too.
/// A request has to begin, and on HTTP/1 its head to end, within the keep-alive timeout; of a response, something has to
/// be taken within `idle`.
pub fn serve<IO, F, R>(
    io: IO,
    protocol: Protocol,
    limits: &Limits,
    idle: Duration,
    shutdown: Shutdown,
    answer: F,
) -> Serving
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Received) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    match protocol {
        Protocol::Http1 => Box::pin(serve_http1(Box::new(io), limits, idle, shutdown, answer)),
        Protocol::Http2 => Box::pin(serve_http2(Box::new(io), limits, idle, shutdown, answer)),
    }
}

fn serve_http1<F, R>(
    io: Stream,
    limits: &Limits,
    idle: Duration,
    shutdown: Shutdown,
    answer: F,
) -> impl Future<Output = Result<(), BoxError>> + Send + use<F, R>
where
    F: Fn(Received) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let bounds = Bounds { size: limits.head_size(), fields: limits.head_fields() };
    let settings = http1::server::Settings { bounds, patience: limits.keepalive_timeout, idle };
    async move {
        let answer = |request: Request<http1::server::Content>| answer(request.map(Either::Left));
        let refuse = |error| respond::error(&Kind::Head(error).into(), Form::Text, Version::HTTP_11);
        Ok(http1::server::serve(io, settings, shutdown, answer, refuse).await?)
    }
}

fn serve_http2<F, R>(
    io: Stream,
    limits: &Limits,
    idle: Duration,
    shutdown: Shutdown,
    answer: F,
) -> impl Future<Output = Result<(), BoxError>> + Send + use<F, R>
where
    F: Fn(Received) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let settings = http2::server::Settings {
        head_size: u32::try_from(limits.head_size()).unwrap_or(u32::MAX),
        patience: limits.head_timeout,
        idle: limits.keepalive_timeout,
        unread: idle,
        pace: Pace { silence: limits.head_timeout, answer: limits.head_timeout },
    };
    async move {
        let answer = move |request: Request<http2::content::Content>| {
            answer(upgrade::without_connect(request.map(Either::Right)))
        };
        Ok(http2::server::serve(io, settings, shutdown, answer).await?)
    }
}

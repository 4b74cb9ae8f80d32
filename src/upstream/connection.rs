//! One connection to an origin server, and requests on it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower_service::Service;

use super::connector::Connector;
use super::phases::Noted;
use crate::http1::client;
use crate::message::body::BoxError;
use crate::message::fields;
use crate::net::stream::Stream;

/// Octets that one HTTP/2 stream, and all of a connection's streams together, may have in flight. The latter has room
/// for more streams than the pool puts on one: a client that does not read its answer must not hold up others'.
const HTTP2_WINDOWS: (u32, u32) = (512 << 10, 64 << 20);

/// How often an HTTP/2 connection with requests on it is asked for a sign of life, and how long that may take.
const HTTP2_PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// An open connection. One of HTTP/2 is driven by a task of its own until this is gone and nothing is under way on it.
#[derive(Debug)]
pub(super) enum Connection {
    /// One request at a time.
    Http1 {
        /// Where requests are put.
        connection: client::Connection,
        /// Whether the other end is a parent proxy, which is sent plain requests in absolute-form.
        to_parent: bool,
    },
    /// Many requests at a time.
    Http2(http2::SendRequest<Noted>),
}

/// A response's content.
#[derive(Debug)]
pub(super) enum Content {
    Http1(client::Content<Noted>),
    Http2(Incoming),
}

/// A request that nothing came of.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// Why.
    pub(super) error: BoxError,
    /// The request, where nothing of it has left.
    pub(super) unsent: Option<Request<Noted>>,
}

// === impl Connection ===

impl Connection {
    /// Connects to what `uri` names, and agrees on the HTTP to be spoken. The connector holds the deadline.
    pub(super) async fn open(connector: &Connector, uri: &Uri) -> Result<Self, BoxError> {
        let io = connector.clone().call(uri.clone()).await?;
        let connected = io.connected();
        if connected.is_negotiated_h2() || connector.assumes_http2(uri) {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .initial_stream_window_size(HTTP2_WINDOWS.0)
                .initial_connection_window_size(HTTP2_WINDOWS.1)
                .keep_alive_interval(HTTP2_PING.0)
                .keep_alive_timeout(HTTP2_PING.1);
            let (sender, driver) = builder.handshake(io).await?;
            drive(driver);
            return Ok(Self::Http2(sender));
        }
        let connection = client::Connection::new(Box::new(TokioIo::new(io)));
        Ok(Self::Http1 { connection, to_parent: connected.is_proxied() })
    }

    /// Whether no request can be sent on it any more.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1 { connection, .. } => !connection.is_usable(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    /// Sends a request, whose URI is absolute, and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Noted>,
    ) -> Result<Response<Content>, Unanswered> {
        match self {
            Self::Http1 { connection, to_parent } => {
                let absolute = *to_parent && request.uri().scheme() == Some(&Scheme::HTTP);
                if !absolute {
                    *request.uri_mut() = origin_form(request.uri());
                }
                Ok(connection.send(request).await?.map(Content::Http1))
            }
            Self::Http2(sender) => {
                // The URI says the same, in :authority (RFC 9113 §8.3.1).
                fields::retain(request.headers_mut(), |name| *name != HOST);
                Ok(sender.try_send_request(request).await?.map(Content::Http2))
            }
        }
    }
}

impl Connection {
    /// The connection, after a response that made it something else.
    pub(super) fn into_stream(self) -> Option<Stream> {
        match self {
            Self::Http1 { connection, .. } => connection.take(),
            Self::Http2(_) => None,
        }
    }
}

/// Drives a connection to its end; whoever waits for something on it learns of what goes wrong.
fn drive(driver: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    // Boxed, or it would have two places in the task.
    let driver = Box::pin(driver);
    tokio::spawn(async {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a connection to an upstream ended");
        }
    });
}

/// The URI as it stands in the request line to an origin server (RFC 9112 §3.2.1).
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into()
}

// === impl Unanswered ===

impl From<TrySendError<Request<Noted>>> for Unanswered {
    fn from(mut error: TrySendError<Request<Noted>>) -> Self {
        let unsent = error.take_message();
        Self { error: error.into_error().into(), unsent }
    }
}

impl From<client::Unanswered<Noted>> for Unanswered {
    fn from(client::Unanswered { error, unsent }: client::Unanswered<Noted>) -> Self {
        Self { error: error.into(), unsent }
    }
}

// === impl Content ===

impl HttpBody for Content {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Http1(content) => Pin::new(content).poll_frame(cx).map_err(Into::into),
            Self::Http2(content) => Pin::new(content).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(content) => content.is_end_stream(),
            Self::Http2(content) => content.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(content) => content.size_hint(),
            Self::Http2(content) => content.size_hint(),
        }
    }
}

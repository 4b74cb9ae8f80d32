//! One connection to an origin server, and requests on it.

use std::time::Duration;

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use super::connector::Connector;
use super::phases::Noted;
use crate::message::body::BoxError;
use crate::message::fields;

/// Octets that one HTTP/2 stream, and all of a connection's streams together, may have in flight. The latter has room
/// for more streams than the pool puts on one: a client that does not read its answer must not hold up others'.
const HTTP2_WINDOWS: (u32, u32) = (512 << 10, 64 << 20);

/// How often an HTTP/2 connection with requests on it is asked for a sign of life, and how long that may take.
const HTTP2_PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// An open connection, driven by a task of its own until this is gone and nothing is under way on it.
#[derive(Debug)]
pub(super) enum Connection {
    /// One request at a time.
    Http1 {
        /// Where requests are put.
        sender: http1::SendRequest<Noted>,
        /// Whether the other end is a parent proxy, which is sent plain requests in absolute-form.
        to_parent: bool,
    },
    /// Many requests at a time.
    Http2(http2::SendRequest<Noted>),
}

/// A request that nothing came of.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// Why.
    pub(super) error: hyper::Error,
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
        let (sender, driver) = http1::Builder::new().preserve_header_case(true).handshake(io).await?;
        drive(driver.with_upgrades());
        Ok(Self::Http1 { sender, to_parent: connected.is_proxied() })
    }

    /// Whether no request can be sent on it any more.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1 { sender, .. } => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    /// Sends a request, whose URI is absolute, and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Noted>,
    ) -> Result<Response<Incoming>, Unanswered> {
        match self {
            Self::Http1 { sender, to_parent } => {
                if let Err(error) = sender.ready().await {
                    return Err(Unanswered { error, unsent: Some(request) });
                }
                let absolute = *to_parent && request.uri().scheme() == Some(&Scheme::HTTP);
                if !absolute {
                    *request.uri_mut() = origin_form(request.uri());
                }
                sender.try_send_request(request).await
            }
            Self::Http2(sender) => {
                // The URI says the same, in :authority (RFC 9113 §8.3.1).
                fields::retain(request.headers_mut(), |name| *name != HOST);
                sender.try_send_request(request).await
            }
        }
        .map_err(Unanswered::from)
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
        Self { error: error.into_error(), unsent }
    }
}

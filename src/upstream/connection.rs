//! One connection to an origin server, and requests on it.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use http_body_util::Either;
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::connector::Connector;
use super::phases::Noted;
use crate::message::body::BoxError;
use crate::message::{Request, Response};
use crate::net::stream::Stream;
use crate::{http1, http2};

/// An open connection. One of HTTP/2 is driven by a task of its own until this is gone and nothing is under way on it.
#[derive(Debug)]
pub(super) enum Connection {
    /// One request at a time.
    Http1 {
        /// Where requests are put.
        connection: http1::client::Connection,
        /// Whether the other end is a parent proxy, which is sent plain requests in absolute-form.
        to_parent: bool,
    },
    /// Many requests at a time.
    Http2(http2::client::Connection),
}

/// A response's content: from a connection of HTTP/1, or from a stream of HTTP/2.
pub(super) type Content = Either<http1::client::Content<Noted>, http2::client::Content<Noted>>;

/// A request that nothing came of.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// Why.
    pub(super) error: BoxError,
    /// The request, where nothing of it has left.
    pub(super) unsent: Option<Request<Noted>>,
    /// Whether the origin has said that it processed nothing of it.
    pub(super) is_refused: bool,
}

// === impl Connection ===

impl Connection {
    /// Connects to what `uri` names, and agrees on the HTTP to be spoken. The connector holds the deadline.
    pub(super) async fn open(connector: &Connector, uri: &Uri) -> Result<Self, BoxError> {
        let io = connector.clone().call(uri.clone()).await?;
        let connected = io.connected();
        if connected.is_negotiated_h2() || connector.assumes_http2(uri) {
            return Ok(Self::Http2(http2::client::Connection::open(Box::new(TokioIo::new(io))).await?));
        }
        let connection = http1::client::Connection::new(Box::new(TokioIo::new(io)));
        Ok(Self::Http1 { connection, to_parent: connected.is_proxied() })
    }

    /// Whether no request can be sent on it any more.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1 { connection, .. } => !connection.is_usable(),
            Self::Http2(connection) => connection.is_closed(),
        }
    }

    /// Whether nothing is under way on it that a next request would have to wait for.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Http1 { connection, .. } => connection.is_idle(),
            Self::Http2(_) => true,
        }
    }

    /// Sends a request, whose URI is absolute, and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Noted>,
    ) -> Result<Response<Content>, Unanswered> {
        match self {
            Self::Http1 { connection, to_parent } => {
                let absolute = *to_parent && request.head.uri.scheme() == Some(&Scheme::HTTP);
                if !absolute {
                    request.head.uri = origin_form(&request.head.uri);
                }
                Ok(connection.send(request).await?.map(Either::Left))
            }
            Self::Http2(connection) => Ok(connection.send(request).await?.map(Either::Right)),
        }
    }

    /// The connection, after a response that made it something else.
    pub(super) fn into_stream(self) -> Option<Stream> {
        match self {
            Self::Http1 { connection, .. } => connection.take(),
            Self::Http2(_) => None,
        }
    }
}

/// The URI as it stands in the request line to an origin server (RFC 9112 §3.2.1).
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into()
}

// === impl Unanswered ===

impl From<http2::client::Unanswered<Noted>> for Unanswered {
    fn from(http2::client::Unanswered { error, unsent }: http2::client::Unanswered<Noted>) -> Self {
        Self { is_refused: error.is_refusal(), error: error.into(), unsent }
    }
}

impl From<http1::client::Unanswered<Noted>> for Unanswered {
    fn from(http1::client::Unanswered { error, unsent }: http1::client::Unanswered<Noted>) -> Self {
        // There is no way to say so in HTTP/1.1.
        Self { error: error.into(), unsent, is_refused: false }
    }
}

//! A request as it was received, in whichever version of HTTP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};

use crate::http1::server;
use crate::http1::switching::Switching;
use crate::http2;
use crate::message::body::BoxError;
use crate::net::stream::Stream;

/// A request's content.
#[derive(Debug)]
pub enum Content {
    /// From a connection of HTTP/1.
    Http1(server::Content),
    /// From a stream of HTTP/2.
    Http2(http2::content::Content),
}

/// A request as a client sent it.
pub type Received = Request<Content>;

/// What a request asks its connection, or its stream of HTTP/2, to become.
#[derive(Debug)]
pub struct Switch(Option<Switching>);

// === impl Switch ===

impl Switch {
    /// Takes it from a request; most ask for nothing.
    pub fn of<B>(request: &mut Request<B>) -> Self {
        Self(request.extensions_mut().remove())
    }

    /// Resolves as soon as the response that agrees is written; fails when the client is gone before that.
    pub async fn switched(self) -> io::Result<Stream> {
        let switching = self.0.ok_or(io::ErrorKind::NotConnected)?;
        switching.switched().await.map_err(io::Error::other)
    }
}

// === impl Content ===

impl Body for Content {
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

//! A request as it was received, in whichever version of HTTP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::http1::server;
use crate::http1::switching::Switching;
use crate::message::body::BoxError;
use crate::net::stream::Stream;

/// A request's content.
#[derive(Debug)]
pub enum Content {
    /// From a connection of HTTP/1.
    Http1(server::Content),
    /// From a stream of HTTP/2.
    Http2(Incoming),
}

/// A request as a client sent it.
pub type Received = Request<Content>;

/// What a request asks its connection, or its stream of HTTP/2, to become.
#[derive(Debug)]
pub enum Switch {
    /// The connection.
    Http1(Switching),
    /// The stream.
    Http2(OnUpgrade),
    /// It asks for nothing.
    Nothing,
}

// === impl Switch ===

impl Switch {
    /// Takes it from a request.
    pub fn of<B>(request: &mut Request<B>) -> Self {
        match request.extensions_mut().remove::<Switching>() {
            Some(switching) => Self::Http1(switching),
            None if request.extensions().get::<OnUpgrade>().is_some() => {
                Self::Http2(hyper::upgrade::on(request))
            }
            None => Self::Nothing,
        }
    }

    /// Resolves as soon as the response that agrees is written; fails when the client is gone before that.
    pub async fn switched(self) -> io::Result<Stream> {
        match self {
            Self::Http1(switching) => switching.switched().await.map_err(io::Error::other),
            Self::Http2(upgrade) => match upgrade.await {
                Ok(upgraded) => Ok(Box::new(TokioIo::new(upgraded))),
                Err(error) => Err(io::Error::other(error)),
            },
            Self::Nothing => Err(io::ErrorKind::NotConnected.into()),
        }
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

//! A request as it was received, in whichever version of HTTP.

use std::io;

use http_body_util::Either;

use crate::message::Request;
use crate::net::stream::Stream;
use crate::net::switching::Switching;
use crate::{http1, http2};

/// A request's content: from a connection of HTTP/1, or from a stream of HTTP/2.
pub type Content = Either<http1::server::Content, http2::content::Content>;

/// A request as a client sent it.
pub type Received = Request<Content>;

/// What a request asks its connection, or its stream of HTTP/2, to become.
#[derive(Debug)]
pub struct Switch(Option<Switching>);

// === impl Switch ===

impl Switch {
    /// Takes it from a request; most ask for nothing.
    pub fn of<B>(request: &mut Request<B>) -> Self {
        Self(request.head.extensions.remove())
    }

    /// Resolves as soon as the response that agrees is written; fails when the client is gone before that.
    pub async fn switched(self) -> io::Result<Stream> {
        let switching = self.0.ok_or(io::ErrorKind::NotConnected)?;
        switching.switched().await.map_err(io::Error::other)
    }
}

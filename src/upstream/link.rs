//! A connection towards an origin server, whatever lies between.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::ahead::Ahead;
use crate::net::prefixed::Prefixed;
use crate::net::stream::{Stream, writes_through};

/// An open connection: to the origin server, or to a parent proxy that stands for it.
pub struct Link {
    io: Stream,
    to_parent: bool,
}

// === impl Link ===

impl Link {
    /// One whose other end is the origin server.
    pub(super) fn direct(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { io: Box::new(io), to_parent: false }
    }

    /// One through which these octets have come already.
    pub(super) fn through(io: Self, early: Bytes) -> Self {
        if early.is_empty() { io } else { Self::direct(Prefixed::new(early, io)) }
    }

    /// The same for TLS, of which long content is read as it has come.
    pub(super) fn below_tls(self) -> Self {
        Self { io: Box::new(Ahead::new(self.io)), ..self }
    }

    /// The same as one on which plain requests are sent to a parent proxy, in absolute-form.
    pub(super) fn facing_parent(self) -> Self {
        Self { to_parent: true, ..self }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.to_parent)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("to_parent", &self.to_parent).finish_non_exhaustive()
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

writes_through!(Link);

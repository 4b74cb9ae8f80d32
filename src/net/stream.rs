//! A connection of any kind: TCP, TLS, or what was made of one.

use tokio::io::{AsyncRead, AsyncWrite};

/// What can be read from and written to, from any thread.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// One of them. It is behind a pointer, so that what is done with it is there once and not for each kind.
pub type Stream = Box<dyn Io>;

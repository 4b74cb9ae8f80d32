//! A connection of any kind: TCP, TLS, or what was made of one.

use tokio::io::{AsyncRead, AsyncWrite};

/// What can be read from and written to, from any thread.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// One of them. It is behind a pointer, so that what is done with it is there once and not for each kind.
pub type Stream = Box<dyn Io>;

/// Has a type's field `io` written to as if it were written to itself: `writes_through!(Type)`, or
/// `writes_through!(Type<IO>, IO)` where the field's type is a parameter.
macro_rules! writes_through {
    ($type:ty $(, $io:ident)?) => {
        impl $(<$io: tokio::io::AsyncWrite + Unpin>)? tokio::io::AsyncWrite for $type {
            fn poll_write(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                data: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.io).poll_write(cx, data)
            }

            fn poll_write_vectored(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                slices: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                match slices {
                    // TLS hands over a list also where there is one record, and a list costs the system more.
                    [slice] => std::pin::Pin::new(&mut self.io).poll_write(cx, slice),
                    _ => std::pin::Pin::new(&mut self.io).poll_write_vectored(cx, slices),
                }
            }

            fn is_write_vectored(&self) -> bool {
                self.io.is_write_vectored()
            }

            fn poll_flush(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.io).poll_flush(cx)
            }

            fn poll_shutdown(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.io).poll_shutdown(cx)
            }
        }
    };
}

pub(crate) use writes_through;

//! A stream that carries another protocol after CONNECT (RFC 9113 §8.5, RFC 8441 §5).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use super::piece::{Outgoing, Piece};
use super::streams::UnderWay;

/// Octets of one write at most: they are copied.
const PIECE: usize = 16 << 10;

/// Both halves of a stream. Dropping it before its end was written resets it, after what was written has left.
pub(super) struct Tunnel(Option<Halves>);

struct Halves {
    incoming: RecvStream,
    outgoing: SendStream<Piece>,
    written: Outgoing,
    /// What came and was not read.
    read: Bytes,
    /// Whether our end was written.
    ended: bool,
}

// === impl Tunnel ===

impl Tunnel {
    pub(super) fn new(incoming: RecvStream, outgoing: SendStream<Piece>, under_way: UnderWay) -> Self {
        let (written, read) = (Outgoing::new(Some(under_way)), Bytes::new());
        Self(Some(Halves { incoming, outgoing, written, read, ended: false }))
    }
}

impl Halves {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.read.is_empty() {
            match ready!(self.incoming.poll_data(cx)) {
                Some(Ok(data)) => self.read = data,
                // Clients that need a tunnel no more say so like this; on HTTP/1 they close the connection.
                Some(Err(error)) if matches!(error.reason(), Some(Reason::CANCEL | Reason::NO_ERROR)) => {
                    return Poll::Ready(Ok(()));
                }
                Some(Err(error)) => return Poll::Ready(Err(into_io(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..count]);
        self.read.advance(count);
        // It fails for octets that never came.
        let _ = self.incoming.flow_control().release_capacity(count);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if octets.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if let Poll::Ready(reason) = self.outgoing.poll_reset(cx).map_err(into_io)? {
            return Poll::Ready(Err(into_io(reason.into())));
        }
        let wanted = octets.len().min(PIECE);
        self.outgoing.reserve_capacity(wanted);
        while self.outgoing.capacity() == 0 {
            match ready!(self.outgoing.poll_capacity(cx)) {
                Some(room) => room.map_err(into_io)?,
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            };
        }
        let count = wanted.min(self.outgoing.capacity());
        let piece = self.written.piece(Bytes::copy_from_slice(&octets[..count]));
        self.outgoing.send_data(piece, false).map_err(into_io)?;
        Poll::Ready(Ok(count))
    }

    fn end(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.ended, true) {
            self.outgoing.send_data(self.written.piece(Bytes::new()), true).map_err(into_io)?;
        }
        Ok(())
    }

    /// Waits until all was written, or nobody wants it.
    async fn leave(mut self) {
        std::future::poll_fn(|cx| match self.outgoing.poll_reset(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.written.poll_written(cx),
        })
        .await;
    }
}

impl Tunnel {
    fn halves(&mut self) -> io::Result<&mut Halves> {
        self.0.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.halves()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.halves()?.poll_write(cx, octets)
    }

    /// The connection writes by itself.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.halves()?.end())
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // Without a runtime nothing is written any more.
        if let (Some(halves), Ok(runtime)) = (self.0.take(), Handle::try_current())
            && !halves.ended
        {
            runtime.spawn(halves.leave());
        }
    }
}

fn into_io(error: h2::Error) -> io::Error {
    if error.is_io() {
        return error.into_io().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
    }
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}

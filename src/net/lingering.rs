//! Closing a connection in two steps, so that the last answer arrives.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a client that is still writing is listened to after the last answer.
const LONGEST: Duration = Duration::from_secs(2);

/// A stream whose shutdown ends the writing side, then reads and drops what still comes until the
/// other side ends too or two seconds are over.
///
/// Closed on top of octets that nobody has read, a connection is reset, and many clients then lose
/// the answer, which would have told them why (RFC 9112 §9.6).
#[derive(Debug)]
pub struct Lingering<IO> {
    io: IO,
    upgraded: Upgraded,
    /// Runs once the writing side has ended.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Tells a stream that it has become a tunnel, each side of which ends for itself. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Upgraded(Arc<AtomicBool>);

// === impl Lingering ===

impl<IO> Lingering<IO> {
    /// Wraps a stream; `upgraded` takes the wrapping's effect away.
    pub fn new(io: IO, upgraded: Upgraded) -> Self {
        Self { io, upgraded, deadline: None }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Lingering<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.deadline.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        }
        if this.upgraded.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(LONGEST)));
        while deadline.as_mut().poll(cx).is_pending() {
            let mut dropped = [0; 4096];
            let mut dropped = ReadBuf::new(&mut dropped);
            let read = ready!(Pin::new(&mut this.io).poll_read(cx, &mut dropped));
            // An error is an end too, and what was to be said is said.
            if read.is_err() || dropped.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

// === impl Upgraded ===

impl Upgraded {
    /// From now on a shutdown only ends the writing side.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_still_writes_is_listened_to_and_reads_the_answer() {
        let (near, mut client) = tokio::io::duplex(64);
        let server = tokio::spawn(async move {
            let mut near = Lingering::new(near, Upgraded::default());
            near.write_all(b"413").await.unwrap();
            near.shutdown().await.unwrap();
        });
        // Far more than fits on the way: without a reader this would wait for ever.
        client.write_all(&[0; 20_000]).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "413");
        assert!(!server.is_finished());
        drop(client);
        server.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn not_for_ever() {
        let (near, mut client) = tokio::io::duplex(64);
        let start = Instant::now();
        let writing = tokio::spawn(async move {
            while client.write_all(b"more").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
        Lingering::new(near, Upgraded::default()).shutdown().await.unwrap();
        assert_eq!(start.elapsed(), LONGEST);
        writing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_goes_on_reading() {
        let (near, mut client) = tokio::io::duplex(64);
        let upgraded = Upgraded::default();
        let mut near = Lingering::new(near, upgraded.clone());
        upgraded.set();
        near.shutdown().await.unwrap();
        client.write_all(b"still here").await.unwrap();
        drop(client);
        let mut read = String::new();
        near.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "still here");
    }
}

//! What is to be written to a connection.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::net::stream::Stream;

/// Octets to write, in their order: small ones are gathered, so that a head and the first content leave together;
/// one large piece at a time is written from where it is.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    small: BytesMut,
    large: Bytes,
    /// What follows the large piece.
    tail: &'static [u8],
    /// Whether the stream may hold back what was written to it.
    unflushed: bool,
}

/// Octets that are gathered before they have to be written.
const FULL: usize = 64 << 10;

// === impl Outbox ===

impl Outbox {
    /// Whether more may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.large.is_empty() && self.tail.is_empty() && self.small.len() < FULL
    }

    /// Whether everything is written and flushed.
    pub(super) fn is_empty(&self) -> bool {
        self.is_written() && !self.unflushed
    }

    /// Where small pieces go, while there is room.
    pub(super) fn small(&mut self) -> &mut BytesMut {
        &mut self.small
    }

    /// Adds a large piece and what follows it, while there is room.
    pub(super) fn large(&mut self, data: Bytes, tail: &'static [u8]) {
        self.large = data;
        self.tail = tail;
    }

    /// Gives its memory back, if there is nothing in it.
    pub(super) fn release(&mut self) {
        if self.small.is_empty() {
            self.small = BytesMut::new();
        }
    }

    /// Writes everything, and sees to it that it leaves.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>, io: &mut Stream) -> Poll<std::io::Result<()>> {
        while !self.is_written() {
            let written = if self.large.is_empty() && self.tail.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.small))?
            } else {
                let slices = [&self.small[..], &self.large[..], self.tail].map(IoSlice::new);
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(written);
        }
        if self.unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn is_written(&self) -> bool {
        self.small.is_empty() && self.large.is_empty() && self.tail.is_empty()
    }

    fn advance(&mut self, written: usize) {
        let small = written.min(self.small.len());
        self.small.advance(small);
        let large = (written - small).min(self.large.len());
        self.large.advance(large);
        self.tail = &self.tail[written - small - large..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn everything_leaves_in_its_order_however_little_is_taken_at_once() {
        for room in [1, 7, 1 << 20] {
            let (near, mut far) = tokio::io::duplex(room);
            let mut io: Stream = Box::new(near);
            let mut outbox = Outbox::default();
            outbox.small().extend_from_slice(b"head ");
            outbox.large(Bytes::from(vec![b'x'; 1000]), b" tail");
            assert!(!outbox.has_room() && !outbox.is_empty());
            let reading = tokio::spawn(async move {
                let mut read = String::new();
                far.read_to_string(&mut read).await.map(|_| read)
            });
            std::future::poll_fn(|cx| outbox.poll_flush(cx, &mut io)).await.unwrap();
            assert!(outbox.has_room() && outbox.is_empty());
            drop(io);
            assert_eq!(reading.await.unwrap().unwrap(), format!("head {} tail", "x".repeat(1000)));
        }
    }
}

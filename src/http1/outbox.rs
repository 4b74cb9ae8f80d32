//! What is to be written to a connection.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::stock;
use crate::net::stream::Stream;

/// Octets to write, in their order: small ones are gathered, so that a head and the first content leave together;
/// large ones stay where they are, and leave together too.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// What is before the small ones that are being gathered.
    before: VecDeque<Bytes>,
    small: BytesMut,
    /// Octets in all of it.
    octets: usize,
    /// Whether the stream may hold back what was written to it.
    unflushed: bool,
    /// Octets that the stream has taken so far.
    taken: u64,
}

/// Octets that are gathered before they have to be written.
const FULL: usize = 64 << 10;

/// Data that is not copied: below that, a copy costs less than one more slice.
const LARGE: usize = 4 << 10;

/// Slices of one write.
const SLICES: usize = 16;

// === impl Outbox ===

impl Outbox {
    /// Whether more may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.octets + self.small.len() < FULL
    }

    /// Whether everything is written and flushed.
    pub(super) fn is_empty(&self) -> bool {
        self.is_written() && !self.unflushed
    }

    /// How many octets have been taken so far, if some are waiting to be.
    pub(super) fn waiting(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.taken)
    }

    /// Where small pieces go, while there is room.
    pub(super) fn small(&mut self) -> &mut BytesMut {
        if self.small.capacity() == 0 {
            self.small = stock::take();
        }
        &mut self.small
    }

    /// Adds content, while there is room.
    pub(super) fn data(&mut self, data: Bytes) {
        if data.len() < LARGE {
            return self.small().extend_from_slice(&data);
        }
        for part in [self.small.split().freeze(), data] {
            self.octets += part.len();
            self.before.extend(Some(part).filter(|part| !part.is_empty()));
        }
    }

    /// Gives the rest of its memory back, if there is nothing in it.
    pub(super) fn release(&mut self) {
        if self.is_written() {
            self.before = VecDeque::new();
        }
    }

    /// Writes everything, and sees to it that it leaves.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>, io: &mut Stream) -> Poll<std::io::Result<()>> {
        while !self.is_written() {
            let written = if self.before.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.small))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let parts = self.before.iter().map(|part| &part[..]).chain([&self.small[..]]);
                slices.iter_mut().zip(parts).for_each(|(slice, part)| *slice = IoSlice::new(part));
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(written);
        }
        stock::give(std::mem::take(&mut self.small));
        if self.unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn is_written(&self) -> bool {
        self.before.is_empty() && self.small.is_empty()
    }

    fn advance(&mut self, mut written: usize) {
        self.taken += written as u64;
        while let Some(first) = self.before.front_mut() {
            let count = written.min(first.len());
            first.advance(count);
            self.octets -= count;
            written -= count;
            if !first.is_empty() {
                return;
            }
            self.before.pop_front();
        }
        self.small.advance(written);
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
            for piece in [LARGE, 1, FULL - LARGE - 6] {
                assert!(outbox.has_room());
                outbox.data(Bytes::from(vec![b'x'; piece]));
            }
            assert!(!outbox.has_room() && !outbox.is_empty());
            outbox.small().extend_from_slice(b" tail");
            let reading = tokio::spawn(async move {
                let mut read = String::new();
                far.read_to_string(&mut read).await.map(|_| read)
            });
            std::future::poll_fn(|cx| outbox.poll_flush(cx, &mut io)).await.unwrap();
            assert!(outbox.has_room() && outbox.is_empty());
            drop(io);
            assert_eq!(reading.await.unwrap().unwrap(), format!("head {} tail", "x".repeat(FULL - 5)));
        }
    }
}

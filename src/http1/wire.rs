//! One connection's octets in both directions.

use std::io;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::outbox::Outbox;
use super::stock;
use crate::net::prefixed::Prefixed;
use crate::net::stream::Stream;

/// A connection, what was read of it, and what is to be written to it.
pub(super) struct Wire {
    /// Gone once it was handed over to another protocol.
    io: Option<Stream>,
    pub(super) inbox: BytesMut,
    pub(super) outbox: Outbox,
    /// Octets that the next read has room for.
    room: usize,
}

/// Room for a read, at first and at most: it grows where all of it is used.
const ROOM: (usize, usize) = (8 << 10, 64 << 10);

// === impl Wire ===

impl Wire {
    pub(super) fn new(io: Stream) -> Self {
        Self { io: Some(io), inbox: BytesMut::new(), outbox: Outbox::default(), room: ROOM.0 }
    }

    /// Reads what there is to the end of the inbox: how many octets, 0 at the connection's end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(0)) };
        // What was read before may still be held by whoever reads it: a little room is not worth another buffer.
        if self.inbox.capacity() - self.inbox.len() < self.room / 4 {
            self.inbox.reserve(self.room);
        }
        let count = ready!(pin!(io.read_buf(&mut self.inbox)).poll(cx))?;
        if 2 * count >= self.room {
            self.room = (2 * self.room).min(ROOM.1);
        }
        Poll::Ready(Ok(count))
    }

    /// As [`poll_fill`](Self::poll_fill) into an empty inbox, and holds no memory while there is nothing.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(0)) };
        stock::give(std::mem::take(&mut self.inbox));
        let mut buffer = stock::take();
        let count = pin!(io.read_buf(&mut buffer)).poll(cx);
        match buffer.is_empty() {
            true => stock::give(buffer),
            false => self.inbox = buffer,
        }
        count
    }

    /// Writes the outbox.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(_) if self.outbox.is_empty() => Poll::Ready(Ok(())),
            Some(io) => self.outbox.poll_flush(cx, io),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Gives back the memory of buffers in which there is nothing.
    pub(super) fn release(&mut self) {
        if self.inbox.is_empty() {
            stock::give(std::mem::take(&mut self.inbox));
        }
        self.outbox.release();
        self.room = ROOM.0;
    }

    /// The connection, for whatever is spoken on it from now on: what was read ahead comes first.
    pub(super) fn take(&mut self) -> Option<Stream> {
        let io = self.io.take()?;
        let early = std::mem::take(&mut self.inbox).freeze();
        Some(if early.is_empty() { io } else { Box::new(Prefixed::new(early, io)) })
    }

    /// The connection alone, to be closed.
    pub(super) fn close(&mut self) -> Option<Stream> {
        self.io.take()
    }
}

/// What a connection's two users share: whoever reads content from it, and whoever answers on it.
///
/// Nobody holds it while something else is polled, but for a client's end, in which a 1xx response is handed to a
/// server's end.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each use leaves it whole: a panic elsewhere has not touched it.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A stream on which no message arrives whose end two readers could see in two places.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::Follower;

/// What a refused message is continued with: no request has such an octet, so the parser refuses it
/// and answers in its own way.
const POISON: &[u8] = b"\0\r\n\r\n";

/// Reads requests beneath an HTTP/1 parser.
#[derive(Debug)]
pub struct Guard<IO> {
    io: IO,
    follower: Follower,
    verdict: Verdict,
    /// What is left to read once a message was refused.
    poison: Option<Bytes>,
}

/// What became of a CONNECT or an upgrade, told to the guard by who answers it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Verdict(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    answer: AtomicU8,
    early: AtomicBool,
}

const NONE: u8 = 0;
const HTTP: u8 = 1;
const SWITCHED: u8 = 2;

// === impl Guard ===

impl<IO> Guard<IO> {
    /// Guards a connection from its beginning. A head may have `limit` octets.
    pub fn new(io: IO, limit: usize) -> Self {
        Self { io, follower: Follower::new(limit), verdict: Verdict::default(), poison: None }
    }

    /// Where to tell what becomes of a CONNECT or an upgrade.
    pub fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// How many of the octets that have just arrived may be read.
    fn pass(&mut self, octets: &[u8]) -> usize {
        let mut passed = 0;
        while passed < octets.len() {
            match self.follower.follow(&octets[passed..]) {
                Ok(followed) => passed += followed,
                Err(refused) => {
                    tracing::info!(reason = %refused.why, "refused a request with doubtful framing");
                    self.poison = Some(Bytes::from_static(POISON));
                    return passed + refused.passed;
                }
            }
            if self.follower.is_undecided() && passed < octets.len() {
                match self.verdict.take() {
                    Some(switched) => self.follower.answered(switched),
                    None => {
                        self.verdict.0.early.store(true, Ordering::Relaxed);
                        return octets.len();
                    }
                }
            }
        }
        passed
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.poison.is_none() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            let passed = this.pass(&buf.filled()[before..]);
            buf.set_filled(before + passed);
        }
        if let Some(poison) = &mut this.poison {
            let count = poison.len().min(buf.remaining());
            buf.put_slice(&poison[..count]);
            poison.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guard<IO> {
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
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

// === impl Verdict ===

impl Verdict {
    /// Tells the answer, before it is written: another protocol follows it, or HTTP.
    ///
    /// Returns whether HTTP can follow it. Octets that came before the answer may have been meant
    /// for the other protocol; taken for a request, they would be one that nobody wrote.
    pub fn tell(&self, switched: bool) -> bool {
        self.0.answer.store(if switched { SWITCHED } else { HTTP }, Ordering::Release);
        !self.0.early.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<bool> {
        match self.0.answer.swap(NONE, Ordering::Acquire) {
            NONE => None,
            answer => Some(answer == SWITCHED),
        }
    }
}

#[cfg(test)]
mod tests;

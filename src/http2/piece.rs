//! Octets in the hands of the `h2` crate, and when it has written them.
//!
//! A reset overtakes what waits to be written, so whoever aborts a stream waits for that first.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::streams::UnderWay;

/// Some content. It is gone as soon as it was written.
pub(super) struct Piece {
    data: Bytes,
    /// Hears what is taken of it, and which of them is the last to go.
    out: Option<Arc<Out>>,
}

/// What one stream has handed over.
pub(super) struct Outgoing {
    pieces: Option<Arc<Out>>,
    out: Weak<Out>,
    none_left: oneshot::Receiver<Infallible>,
    /// From when it is waited for.
    patience: Option<Pin<Box<Sleep>>>,
}

/// What goes with the last of them.
struct Out {
    /// Octets of them that were written.
    taken: AtomicU64,
    _gone: oneshot::Sender<Infallible>,
    under_way: Option<UnderWay>,
}

/// How long the other end may take for what it was sent before a reset.
const PATIENCE: Duration = Duration::from_secs(5);

// === impl Piece ===

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.data.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.data
    }

    fn advance(&mut self, count: usize) {
        self.took(count);
        self.data.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.took(count);
        self.data.copy_to_bytes(count)
    }
}

impl Piece {
    fn took(&self, count: usize) {
        if let Some(out) = &self.out {
            out.taken.fetch_add(count as u64, Ordering::Relaxed);
            if let Some(under_way) = &out.under_way {
                under_way.wrote();
            }
        }
    }
}

// === impl Outgoing ===

impl Outgoing {
    /// Nothing yet. The stream counts as under way, where that is counted, until there are no more pieces and all are
    /// written.
    pub(super) fn new(under_way: Option<UnderWay>) -> Self {
        let (gone, none_left) = oneshot::channel();
        let out = Arc::new(Out { taken: AtomicU64::new(0), _gone: gone, under_way });
        Self { out: Arc::downgrade(&out), pieces: Some(out), none_left, patience: None }
    }

    /// Makes one of these octets.
    pub(super) fn piece(&self, data: Bytes) -> Piece {
        Piece { data, out: self.pieces.clone() }
    }

    /// How many octets were written; it stands still while the other end takes none.
    pub(super) fn taken(&self) -> u64 {
        self.out.upgrade().map_or(u64::MAX, |out| out.taken.load(Ordering::Relaxed))
    }

    /// Resolves when all is written. There must be no more pieces then.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.pieces = None;
        pin!(&mut self.none_left).poll(cx).map(|_| ())
    }

    /// As [`Self::poll_gone`], or that has taken too long.
    pub(super) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_gone(cx).is_ready() {
            return Poll::Ready(());
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        patience.as_mut().poll(cx)
    }
}

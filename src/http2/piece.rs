//! Octets in the hands of the `h2` crate, and when it has written them.
//!
//! A reset overtakes what waits to be written, so whoever aborts a stream waits for that first.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::streams::UnderWay;

/// Some content. It is gone as soon as it was written.
pub(super) struct Piece {
    data: Bytes,
    /// The last of them to go is heard of.
    _out: Option<Arc<Out>>,
}

/// What one stream has handed over.
pub(super) struct Outgoing {
    pieces: Option<Arc<Out>>,
    none_left: oneshot::Receiver<Infallible>,
    /// From when it is waited for.
    patience: Option<Pin<Box<Sleep>>>,
}

/// What goes with the last of them.
struct Out {
    _gone: oneshot::Sender<Infallible>,
    _under_way: Option<UnderWay>,
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
        self.data.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.data.copy_to_bytes(count)
    }
}

// === impl Outgoing ===

impl Outgoing {
    /// Nothing yet. The stream counts as under way, where that is counted, until there are no more pieces and all are
    /// written.
    pub(super) fn new(under_way: Option<UnderWay>) -> Self {
        let (gone, none_left) = oneshot::channel();
        let out = Out { _gone: gone, _under_way: under_way };
        Self { pieces: Some(Arc::new(out)), none_left, patience: None }
    }

    /// Makes one of these octets.
    pub(super) fn piece(&self, data: Bytes) -> Piece {
        Piece { data, _out: self.pieces.clone() }
    }

    /// Resolves when all is written, or that has taken too long. There must be no more pieces then.
    pub(super) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.pieces = None;
        if pin!(&mut self.none_left).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        patience.as_mut().poll(cx)
    }
}

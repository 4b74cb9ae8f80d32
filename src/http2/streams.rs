//! Streams under way, for how long there have been none, and when one was written on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts those of one connection.
pub(super) struct Streams(Arc<Mutex<State>>);

/// One of them, until it is dropped.
pub(super) struct UnderWay(Arc<Mutex<State>>);

struct State {
    under_way: usize,
    /// When the last one ended; before the first, when the connection began.
    since: Instant,
    /// When content of one was written last.
    wrote: Option<Instant>,
}

// === impl Streams ===

impl Streams {
    /// There is none yet.
    pub(super) fn none() -> Self {
        Self(Arc::new(Mutex::new(State { under_way: 0, since: Instant::now(), wrote: None })))
    }

    /// One more.
    pub(super) fn one(&self) -> UnderWay {
        lock(&self.0).under_way += 1;
        UnderWay(Arc::clone(&self.0))
    }

    /// Whether one is under way of which content was written after the other end was `heard` last.
    pub(super) fn may_be_unread(&self, heard: Instant) -> bool {
        let state = lock(&self.0);
        state.under_way > 0 && state.wrote.is_some_and(|wrote| wrote >= heard)
    }

    /// Resolves once there has been none for so long.
    pub(super) async fn none_for(&self, idle: Duration) {
        loop {
            let now = Instant::now();
            let since = {
                let state = lock(&self.0);
                if state.under_way > 0 { now } else { state.since }
            };
            if since + idle <= now {
                return;
            }
            // One that ends meanwhile ends no earlier than now, so nothing is missed.
            tokio::time::sleep_until(since + idle).await;
        }
    }
}

// === impl UnderWay ===

impl UnderWay {
    /// Content of it was written.
    pub(super) fn wrote(&self) {
        lock(&self.0).wrote = Some(Instant::now());
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.under_way -= 1;
        if state.under_way == 0 {
            state.since = Instant::now();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Each change is whole: there is nothing half done.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

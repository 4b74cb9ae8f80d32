//! Waiting for the other end to take what is written, as long as it takes any of it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A deadline that moves on with each octet that is taken. It costs nothing while nothing has to wait.
#[derive(Debug)]
pub struct Stall {
    limit: Duration,
    /// How many octets had been taken when the wait began, and its end.
    waiting: Option<(u64, Pin<Box<Sleep>>)>,
}

// === impl Stall ===

impl Stall {
    /// One that allows no longer silence than that.
    pub fn new(limit: Duration) -> Self {
        Self { limit, waiting: None }
    }

    /// Ready once nothing has been taken for too long. `taken` is how many octets have been so far; `None` if none are
    /// waiting to be.
    pub fn poll(&mut self, cx: &mut Context<'_>, taken: Option<u64>) -> Poll<()> {
        let Some(taken) = taken else {
            self.waiting = None;
            return Poll::Pending;
        };
        let limit = self.limit;
        let (before, end) = self.waiting.get_or_insert_with(|| (taken, Box::pin(tokio::time::sleep(limit))));
        if *before != taken {
            *before = taken;
            end.as_mut().reset(Instant::now() + limit);
        }
        end.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_something_now_and_then_may_take_its_time() {
        let mut stall = Stall::new(LIMIT);
        for taken in 1..5 {
            let waiting = poll_fn(|cx| stall.poll(cx, Some(taken)));
            assert!(tokio::time::timeout(LIMIT * 9 / 10, waiting).await.is_err(), "{taken}");
        }
        let since = Instant::now();
        poll_fn(|cx| stall.poll(cx, Some(4))).await;
        assert_eq!(since.elapsed(), LIMIT / 10);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_waits_no_time_runs() {
        let mut stall = Stall::new(LIMIT);
        let _ = poll_fn(|cx| Poll::Ready(stall.poll(cx, Some(1)))).await;
        tokio::time::sleep(2 * LIMIT).await;
        assert!(poll_fn(|cx| Poll::Ready(stall.poll(cx, None))).await.is_pending());
        let since = Instant::now();
        poll_fn(|cx| stall.poll(cx, Some(1))).await;
        assert_eq!(since.elapsed(), LIMIT);
    }
}

//! Open loop: requests are due at a fixed rate, and each one's time counts from when it was due, so that a contender
//! that stalls is charged for those that had to wait (coordinated omission).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify;
use tokio::task;

use super::Times;
use crate::http::Reader;
use crate::origin::now;
use crate::request;
use crate::target::{DEADLINE, Target, Tls, exchange};

/// Connections that the requests are spread over.
const CONNECTIONS: usize = 32;

/// Requests that are due, by when.
#[derive(Default)]
struct Due {
    queue: Mutex<VecDeque<u64>>,
    more: Notify,
}

/// The times from due to answered, at `rate` requests a second.
pub(crate) async fn latency(target: &Target, rate: u64, time: Duration) -> anyhow::Result<Times> {
    let tls = Tls::new(true, "http/1.1")?;
    let due = Arc::new(Due::default());
    let mut tasks = task::JoinSet::new();
    let warm_up = u64::try_from(time.as_nanos() / 5)?;
    let length = u64::try_from(time.as_nanos())? + warm_up;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (mut io, request) = (target.connect(&tls).await?, request::chat(target));
        // Its connection upstream is there before the clock runs.
        exchange(&mut *io, &mut Reader::new(), &request).await?;
        connections.push((io, request));
    }
    let (began, gap) = (now(), 1_000_000_000 / rate);
    let counts_from = began + warm_up;
    for (mut io, request) in connections {
        let due = Arc::clone(&due);
        tasks.spawn(async move {
            let (mut reader, mut times) = (Reader::new(), Times::default());
            loop {
                let Some(when) = due.pop() else {
                    due.more.notified().await;
                    continue;
                };
                if when == u64::MAX {
                    return anyhow::Ok(times);
                }
                exchange(&mut *io, &mut reader, &request).await?;
                if when >= counts_from {
                    times.add(now() - when);
                }
            }
        });
    }
    for number in 0..length / gap {
        let when = began + number * gap;
        // The runtime's timer has steps of a millisecond, too coarse here; each yield serves the sockets.
        while now() < when {
            task::yield_now().await;
        }
        due.push(when);
    }
    for _ in 0..CONNECTIONS {
        due.push(u64::MAX);
    }
    let mut all = Times::default();
    let collect = async {
        while let Some(done) = tasks.join_next().await {
            all.join(done??);
            due.more.notify_waiters();
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(DEADLINE, collect).await.context("requests are still not answered")??;
    Ok(all)
}

impl Due {
    fn push(&self, when: u64) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(when);
        self.more.notify_one();
    }

    fn pop(&self) -> Option<u64> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

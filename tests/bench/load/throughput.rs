//! Closed loop: so many connections, each asking again as soon as it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::each;
use crate::contender::Running;
use crate::http::Reader;
use crate::process;
use crate::request;
use crate::target::{DEADLINE, Target, Tls, exchange};

/// What it came to.
pub(crate) struct Throughput {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Microseconds of a core that a request cost the contender; nothing for none.
    pub(crate) cpu: f64,
    /// The same for the load and the origin together.
    pub(crate) load_cpu: f64,
}

/// Loads one target for that long, after a third of it to warm up.
pub(crate) async fn throughput(
    running: &Running,
    target: &Target,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Throughput> {
    let tls = Tls::new(true, "http/1.1")?;
    let answered = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let mut io = target.connect(&tls).await?;
        let (request, answered, over) = (request::chat(target), Arc::clone(&answered), Arc::clone(&over));
        tasks.spawn(async move {
            let mut reader = Reader::new();
            while !over.load(Ordering::Relaxed) {
                exchange(&mut *io, &mut reader, &request).await?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(time / 3).await;
    let now = || {
        let cpu = running.process().map(process::Process::cpu).unwrap_or_default();
        (answered.load(Ordering::Relaxed), Instant::now(), cpu, process::own_cpu())
    };
    let before = now();
    tokio::time::sleep(time).await;
    let after = now();
    over.store(true, Ordering::Relaxed);
    let finish = async {
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(DEADLINE, finish).await.context("a request is never answered")??;
    let count = after.0 - before.0;
    Ok(Throughput {
        rate: count as f64 / (after.1 - before.1).as_secs_f64(),
        cpu: each(after.2.saturating_sub(before.2), count),
        load_cpu: each(after.3 - before.3, count),
    })
}

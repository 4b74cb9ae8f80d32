//! New connections: TCP, CONNECT, TLS, one request, closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::each;
use crate::contender::{self, Running};
use crate::http::Reader;
use crate::process::Process;
use crate::request;
use crate::target::{DEADLINE, Target, Tls, exchange};

/// How many are opened at once.
const AT_ONCE: usize = 16;

/// What is new about them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// A full handshake with a leaf that is there.
    Full,
    /// A resumed one.
    Resumed,
    /// A full one for a host of which there is no leaf yet.
    NewLeaf,
}

/// What it came to.
pub(crate) struct Churn {
    /// Connections a second.
    pub(crate) rate: f64,
    /// Microseconds of a core that one cost the contender.
    pub(crate) cpu: f64,
}

/// Opens connections for that long, or until `hosts` are used up where each takes a host of its own.
pub(crate) async fn churn(
    running: &Running,
    handshake: Handshake,
    hosts: usize,
    time: Duration,
) -> anyhow::Result<Churn> {
    let target = &running.intercepted;
    let cpu = || running.process().map(Process::cpu).unwrap_or_default();
    // What both legs keep is there before the clock runs.
    let tls = Tls::new(handshake == Handshake::Resumed, "http/1.1")?;
    for _ in 0..AT_ONCE {
        one(target, &tls).await?;
    }
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let (began, before) = (Instant::now(), cpu());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (target, tls) = (target.clone(), tls.clone());
        let (next, done) = (Arc::clone(&next), Arc::clone(&done));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let over = match handshake {
                    Handshake::NewLeaf => number >= hosts,
                    Handshake::Full | Handshake::Resumed => began.elapsed() >= time,
                };
                if over {
                    return anyhow::Ok(());
                }
                match handshake {
                    Handshake::NewLeaf => one(&target.named(&contender::host(number)), &tls).await?,
                    Handshake::Full | Handshake::Resumed => one(&target, &tls).await?,
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let (took, count) = (began.elapsed(), done.load(Ordering::Relaxed));
    Ok(Churn { rate: count as f64 / took.as_secs_f64(), cpu: each(cpu().saturating_sub(before), count) })
}

async fn one(target: &Target, tls: &Tls) -> anyhow::Result<()> {
    let mut io = target.connect(tls).await?;
    let (mut reader, request) = (Reader::new(), request::chat(target));
    let asking = exchange(&mut *io, &mut reader, &request);
    tokio::time::timeout(DEADLINE, asking).await.context("no answer in time")?
}

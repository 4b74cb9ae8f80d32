//! Many streams at once, each chunk stamped by the origin with the time at which it was written.

use std::time::Duration;

use anyhow::Context;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::Times;
use crate::http::Reader;
use crate::origin::{STAMP, STAMP_DIGITS, now};
use crate::request;
use crate::target::{DEADLINE, Io, Target, Tls, check_status, exchange};

/// What it came to.
#[derive(Default)]
pub(crate) struct Streams {
    /// From the request to the first chunk.
    pub(crate) first: Times,
    /// From the origin's writing of a chunk to the client's reading of it.
    pub(crate) chunk: Times,
}

/// All streams begin within this time, so that what is measured is streams and not a burst of requests.
const RAMP: Duration = Duration::from_secs(1);

/// Runs so many streams for that long after a ramp, each with a chunk every `gap`.
///
/// Chunks count once all streams are under way, first ones always.
pub(crate) async fn streams(
    target: &Target,
    count: usize,
    gap: Duration,
    time: Duration,
) -> anyhow::Result<Streams> {
    let tls = Tls::new(true, "http/1.1")?;
    let chunks = u64::try_from((RAMP + time).as_micros() / gap.as_micros())?;
    let request = request::stream(target, chunks, u64::try_from(gap.as_micros())?);
    let mut connections = Vec::new();
    for _ in 0..count {
        let mut io = target.connect(&tls).await?;
        exchange(&mut *io, &mut Reader::new(), &request::chat(target)).await?;
        connections.push(io);
    }
    let mut tasks = JoinSet::new();
    let counts_from = now() + u64::try_from(RAMP.as_nanos())?;
    for (number, io) in connections.into_iter().enumerate() {
        let request = request.clone();
        let begin = RAMP * u32::try_from(number)? / u32::try_from(count)?;
        tasks.spawn(async move {
            tokio::time::sleep(begin).await;
            let reading = one(io, &request, chunks, counts_from);
            tokio::time::timeout(RAMP + time + DEADLINE, reading).await.context("a stream hangs")?
        });
    }
    let mut all = Streams::default();
    while let Some(done) = tasks.join_next().await {
        let Streams { first, chunk } = done??;
        all.first.join(first);
        all.chunk.join(chunk);
    }
    Ok(all)
}

async fn one(mut io: Box<dyn Io>, request: &[u8], chunks: u64, counts_from: u64) -> anyhow::Result<Streams> {
    let mut streams = Streams::default();
    let (mut buffer, mut filled, mut seen) = (vec![0; 16 << 10], 0, 0);
    let sent = now();
    io.write_all(request).await?;
    io.flush().await?;
    let mut begun = false;
    while seen < chunks {
        let read = io.read(&mut buffer[filled..]).await?;
        anyhow::ensure!(read > 0, "the stream broke off");
        let arrived = now();
        filled += read;
        if !begun {
            check_status(&buffer[..filled])?;
            begun = true;
        }
        let mut used = 0;
        let stamp = STAMP.len() + STAMP_DIGITS;
        while let Some(at) = memmem::find(&buffer[used..filled], STAMP.as_bytes()).map(|at| used + at) {
            let Some(digits) = buffer[..filled].get(at + STAMP.len()..at + stamp) else { break };
            let written: u64 = std::str::from_utf8(digits)?.parse()?;
            if seen == 0 {
                streams.first.add(arrived - sent);
            }
            if written >= counts_from {
                streams.chunk.add(arrived.saturating_sub(written));
            }
            seen += 1;
            used = at + stamp;
        }
        // What may be the beginning of a stamp is kept.
        used = used.max(filled.saturating_sub(stamp));
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
    Ok(streams)
}

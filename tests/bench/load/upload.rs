//! One large multipart upload.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::AsyncWriteExt;

use crate::contender::Running;
use crate::http::Reader;
use crate::process::Process;
use crate::request::{self, ModelAt};
use crate::target::{Target, Tls, check_status, exchange};

/// Octets that are written at once.
const PIECE: usize = 64 << 10;

/// Longest that one may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// What it came to.
pub(crate) struct Upload {
    /// Millions of octets a second.
    pub(crate) rate: f64,
    /// KiB that the contender's memory grew by at most.
    pub(crate) memory: f64,
    /// Milliseconds of a core.
    pub(crate) cpu: f64,
}

/// Sends a file of so many octets.
pub(crate) async fn upload(
    running: &Running,
    target: &Target,
    octets: usize,
    model: ModelAt,
) -> anyhow::Result<Upload> {
    let tls = Tls::new(true, "http/1.1")?;
    let mut io = target.connect(&tls).await?;
    let mut reader = Reader::new();
    exchange(&mut *io, &mut reader, &request::chat(target)).await?;
    let (before, after) = request::upload(target, octets, model);
    let piece = vec![b'x'; PIECE];
    let resident = running.process().map_or(0, Process::resident);
    if let Some(process) = running.process() {
        process.forget_peak();
    }
    let cpu = || running.process().map(Process::cpu).unwrap_or_default();
    let (began, cpu_before) = (Instant::now(), cpu());
    let sending = async {
        io.write_all(&before).await?;
        for _ in 0..octets / PIECE {
            io.write_all(&piece).await?;
        }
        io.write_all(&piece[..octets % PIECE]).await?;
        io.write_all(&after).await?;
        io.flush().await?;
        let head = reader.head(&mut io).await?.context("closed instead of answered")?;
        check_status(reader.read_so_far())?;
        reader.content(&mut io, &head).await?;
        anyhow::Ok(())
    };
    tokio::time::timeout(DEADLINE, sending).await.context("the upload hangs")??;
    Ok(Upload {
        rate: octets as f64 / 1e6 / began.elapsed().as_secs_f64(),
        memory: running.process().map_or(0, Process::peak).saturating_sub(resident) as f64,
        cpu: cpu().saturating_sub(cpu_before).as_secs_f64() * 1e3,
    })
}

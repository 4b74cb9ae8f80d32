//! From exec to the first answer.

use std::time::Instant;

use anyhow::Context;

use crate::contender::{Kind, Stage, Wish};
use crate::http::Reader;
use crate::request;
use crate::target::{DEADLINE, Tls, exchange};

/// Milliseconds; the CA and all files of an earlier start are there.
pub(crate) async fn start(kind: Kind, stage: &Stage, wish: Wish<'_>) -> anyhow::Result<f64> {
    let tls = Tls::new(false, "http/1.1")?;
    let began = Instant::now();
    let running = kind.spawn(stage, wish)?;
    let target = &running.intercepted;
    let (request, mut reader) = (request::chat(target), Reader::new());
    let answered = async {
        let mut io = loop {
            match target.connect(&tls).await {
                Ok(io) => break io,
                // Not listening yet; each yield is short, since the core has nothing else to do.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        exchange(&mut *io, &mut reader, &request).await
    };
    tokio::time::timeout(DEADLINE, answered).await.context("it does not start")??;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

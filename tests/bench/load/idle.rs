//! Connections that have had one answer and wait for the next request.

use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;

use crate::contender::Running;
use crate::http::Reader;
use crate::process::Process;
use crate::request;
use crate::target::{DEADLINE, Io, Target, Tls, exchange};

/// How many are opened at once; the contender keeps that many upstream.
const AT_ONCE: usize = 16;

/// How long memory may take to be given back.
const SETTLES: Duration = Duration::from_secs(1);

/// Which HTTP the connections speak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// An open connection, whatever keeps it so.
enum Open {
    Http1 { _io: Box<dyn Io> },
    Http2 { _sender: h2::client::SendRequest<std::io::Cursor<Vec<u8>>> },
}

/// KiB of the contender's memory that each of so many takes.
pub(crate) async fn idle(running: &Running, protocol: Protocol, count: usize) -> anyhow::Result<f64> {
    let resident = || running.process().map_or(0, Process::resident) as f64;
    let mut open = many(&running.intercepted, protocol, 2 * AT_ONCE).await?;
    tokio::time::sleep(SETTLES).await;
    let before = resident();
    open.extend(many(&running.intercepted, protocol, count).await?);
    tokio::time::sleep(SETTLES).await;
    let after = resident();
    drop(open);
    Ok((after - before) / count as f64)
}

async fn many(target: &Target, protocol: Protocol, count: usize) -> anyhow::Result<Vec<Open>> {
    let tls = Tls::new(false, if protocol == Protocol::Http1 { "http/1.1" } else { "h2" })?;
    let (mut open, mut tasks, mut started) = (Vec::new(), JoinSet::new(), 0);
    while open.len() < count {
        while started < count && tasks.len() < AT_ONCE {
            let (target, tls) = (target.clone(), tls.clone());
            let opening = async move {
                match protocol {
                    Protocol::Http1 => http1(&target, &tls).await,
                    Protocol::Http2 => http2(&target, &tls).await,
                }
            };
            tasks.spawn(async move { tokio::time::timeout(DEADLINE, opening).await.context("hangs")? });
            started += 1;
        }
        open.push(tasks.join_next().await.context("none is under way")???);
    }
    Ok(open)
}

async fn http1(target: &Target, tls: &Tls) -> anyhow::Result<Open> {
    let mut io = target.connect(tls).await?;
    exchange(&mut *io, &mut Reader::new(), &request::chat(target)).await?;
    Ok(Open::Http1 { _io: io })
}

async fn http2(target: &Target, tls: &Tls) -> anyhow::Result<Open> {
    let io = target.connect(tls).await?;
    let (sender, connection) = h2::client::Builder::new().handshake(io).await?;
    // It ends with its connection, which ends with the sender.
    tokio::spawn(connection);
    let mut sender = sender.ready().await?;
    let text = request::chat(target);
    let at = memchr::memmem::find(&text, b"\r\n\r\n").context("no head")? + 4;
    let path = if target.azure { "/openai/v1/chat/completions" } else { "/v1/chat/completions" };
    let request = http::Request::post(format!("https://{}{path}", target.host))
        .header("content-type", "application/json")
        .header("authorization", "Bearer sk-of-the-client")
        .header("api-key", "k")
        .body(())?;
    let (response, mut content) = sender.send_request(request, false)?;
    content.send_data(std::io::Cursor::new(text[at..].to_vec()), true)?;
    let response = response.await?;
    anyhow::ensure!(response.status().is_success(), "answered {}", response.status());
    let mut content = response.into_body();
    while let Some(data) = content.data().await {
        let octets = data?.len();
        content.flow_control().release_capacity(octets)?;
    }
    Ok(Open::Http2 { _sender: sender })
}

//! What answers in Azure's place: it checks that the request is Azure's, and says the rest from memory.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustls::ServerConfig;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http::Reader;

/// The deployment that every contender with a model map maps to.
pub(crate) const DEPLOYMENT: &str = "bench-deployment";

/// The field that says how the model arrived: `yes` if mapped.
pub(crate) const MAPPED: &str = "x-bench-mapped";

/// What the stamp in a chunk follows.
pub(crate) const STAMP: &str = "\"content\":\"";

/// Digits of a stamp.
pub(crate) const STAMP_DIGITS: usize = 16;

/// Octets that are read at once.
const READ: usize = 64 << 10;

/// Octets of an upload that are handed on at once.
const UPLOAD_BUFFER: usize = 256 << 10;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds on the clock of both ends.
pub(crate) fn now() -> u64 {
    u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Starts it on a free port of this runtime; it ends with the runtime.
pub(crate) async fn start(config: Arc<ServerConfig>) -> io::Result<SocketAddr> {
    now();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(config);
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            // Whoever breaks off is reported by the other end.
            tokio::spawn(async move { serve(acceptor, stream).await });
        }
    });
    Ok(address)
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // TLS asks for a quarter of a record at a time: left to that, an upload would cost more here than on its way.
    let mut stream = acceptor.accept(BufReader::with_capacity(READ, stream)).await?;
    let mut reader = Reader::new();
    let json = answer();
    while let Some(head) = reader.head(&mut stream).await? {
        if reader.is_large(&head) {
            reader.grow(UPLOAD_BUFFER);
            let octets = reader.drain(&mut stream, &head).await?;
            stream.write_all(uploaded(octets).as_bytes()).await?;
        } else {
            let content = reader.content(&mut stream, &head).await?;
            let mapped = memmem::find(content, DEPLOYMENT.as_bytes()).is_some();
            let streamed = memmem::find(content, b"\"stream\":true").map(|_| Pace::of(content));
            let azure = is_azure(&reader.read_so_far()[..head.end]);
            match (azure, streamed) {
                (false, _) => stream.write_all(REFUSED.as_bytes()).await?,
                (true, None) => stream.write_all(&json[usize::from(mapped)]).await?,
                (true, Some(pace)) => chunks(&mut stream, pace).await?,
            }
        }
        stream.flush().await?;
    }
    Ok(())
}

/// Whether the request is one that Azure would take.
fn is_azure(head: &[u8]) -> bool {
    let line = head.split(|&octet| octet == b'\r').next().unwrap_or_default();
    memmem::find(line, b" /openai/").is_some()
        && (memmem::find(head, b"api-key: ").is_some() || memmem::find(head, b"Api-Key: ").is_some())
}

const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

/// The answers to a chat whose model came unmapped, and mapped: about 1 KiB.
fn answer() -> [Vec<u8>; 2] {
    let text = "All that was asked is answered here, at some length. ".repeat(12);
    let content = format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"gpt-4o-2024-11-20\",\
         \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\
         \"usage\":{{\"prompt_tokens\":400,\"completion_tokens\":140,\"total_tokens\":540}}}}"
    );
    ["no", "yes"].map(|mapped| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             apim-request-id: 00000000-0000-0000-0000-000000000000\r\n{MAPPED}: {mapped}\r\n\r\n{content}",
            content.len()
        )
        .into_bytes()
    })
}

fn uploaded(octets: u64) -> String {
    let content = format!("{{\"text\":\"{octets}\"}}");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    )
}

/// How a stream is to be paced, as its request says.
#[derive(Clone, Copy)]
struct Pace {
    chunks: u64,
    gap: Duration,
}

impl Pace {
    fn of(content: &[u8]) -> Self {
        let number = |name: &[u8]| {
            let after = &content[memmem::find(content, name).map_or(content.len(), |at| at + name.len())..];
            let digits = after.iter().take_while(|octet| octet.is_ascii_digit());
            digits.fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0'))
        };
        Self { chunks: number(b"\"chunks\":\""), gap: Duration::from_micros(number(b"\"gap\":\"")) }
    }
}

/// A stream of chat chunks, each stamped with the time at which it was written.
async fn chunks(stream: &mut TlsStream<BufReader<TcpStream>>, pace: Pace) -> io::Result<()> {
    // nginx does not buffer an answer that says so.
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\
                X-Accel-Buffering: no\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut ticks = tokio::time::interval(pace.gap);
    for _ in 0..pace.chunks {
        ticks.tick().await;
        let event = format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-11-20\",\
             \"choices\":[{{\"index\":0,\"delta\":{{{STAMP}{:0width$}\"}},\"finish_reason\":null}}]}}\n\n",
            now(),
            width = STAMP_DIGITS
        );
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
        stream.flush().await?;
    }
    stream.write_all(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n").await
}

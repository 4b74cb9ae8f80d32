//! One whole exchange: the client's side over a pipe in memory, the proxy as it is, an origin on loopback.
//!
//! Everything but the origin is on one thread, so that what that thread does is the exchange and nothing else.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, ensure};
use azure_openai_proxy::app::reload::Source;
use azure_openai_proxy::app::{self, Bound};
use azure_openai_proxy::cli::Flags;
use azure_openai_proxy::config::env::Environment;
use azure_openai_proxy::proxy::room::Room;
use azure_openai_proxy::proxy::{Peer, connection};
use azure_openai_proxy::{shutdown, tls};
use memchr::memmem;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

const ANSWER: &str = "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"choices\":[]}";

/// A connection that is kept, to ask one question after the other.
pub struct Exchange {
    runtime: Runtime,
    client: DuplexStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    _bound: Bound,
    _stopper: shutdown::Stopper,
    _folder: TempDir,
}

impl Exchange {
    /// Starts the origin, which ends with the process, and the proxy.
    pub fn new() -> anyhow::Result<Self> {
        let origin = origin()?;
        let folder = tempfile::tempdir()?;
        let certs = folder.path().join("certs").display().to_string();
        let endpoint = format!("http://{origin}");
        let variables = [
            ("AZURE_OPENAI_PROXY_LISTEN", "127.0.0.1:0"),
            ("AZURE_OPENAI_PROXY_CERTS", &certs),
            ("AZURE_OPENAI_ENDPOINT", &endpoint),
            ("AZURE_OPENAI_API_KEY", "key"),
            ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=prod-4o"),
        ];
        tls::install_provider();
        let (_, config) = Source::read(Flags::default(), Environment::new(variables));
        let config = config.context("the settings are not valid")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let bound = app::bind(config)?;
        let (stopper, stops) = shutdown::channel();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
        let proxy = bound.proxy();
        let client = proxy.access().client(address.ip());
        let place = Room::new(1, 1).enter(address.ip(), client).ok().context("there is no room")?;
        let (near, far) = tokio::io::duplex(64 << 10);
        let peer =
            Peer { address, client, over_tls: false, sni: None, place: Arc::new(place), shutdown: stops };
        runtime.spawn(connection::drive(proxy, far, peer));
        drop(entered);
        Ok(Self {
            runtime,
            client: near,
            request: request(),
            answer: vec![0; 16 << 10],
            _bound: bound,
            _stopper: stopper,
            _folder: folder,
        })
    }

    /// Asks once and reads the whole answer.
    ///
    /// # Errors
    ///
    /// The answer is not the origin's.
    pub fn once(&mut self) -> anyhow::Result<()> {
        let Self { runtime, client, request, answer, .. } = self;
        runtime.block_on(async {
            client.write_all(request).await?;
            let mut filled = 0;
            while !answer[..filled].ends_with(ANSWER.as_bytes()) {
                let read = client.read(&mut answer[filled..]).await?;
                ensure!(read > 0, "answered {}", String::from_utf8_lossy(&answer[..filled]));
                filled += read;
            }
            Ok(())
        })
    }
}

fn request() -> Vec<u8> {
    let text = "Say at some length what was asked before. ".repeat(44);
    let content =
        format!("{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}");
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nUser-Agent: OpenAI/Python 2.0.0\r\nAuthorization: Bearer k\r\n\
         X-Stainless-Lang: python\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    )
    .into_bytes()
}

/// Answers on each connection by a thread of its own. It takes requests whose model was mapped and no others.
fn origin() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let mut buffer = vec![0; 16 << 10];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            read => filled += read,
        }
        let request = &buffer[..filled];
        if request.ends_with(b"}]}") && memmem::find(request, b"\"prod-4o\"").is_some() {
            stream.write_all(answer.as_bytes())?;
            filled = 0;
        }
    }
}

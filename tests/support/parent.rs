//! A parent proxy such as companies have: HTTP with or without TLS, or SOCKS 5. It wants a password.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_openai_proxy::tls::accept::accept;
use azure_openai_proxy::tls::ca::Authority;
use azure_openai_proxy::tls::resolver::Leaves;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::stage::free_port;

/// Its only user, as a URL has it.
pub(crate) const USER: &str = "us%65r:p%40ss";
/// The same as `Proxy-Authorization` has it.
const BASIC: &str = "Basic dXNlcjpwQHNz";

/// What it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http,
    Https,
    Socks,
}

/// A running parent proxy. Wherever it is asked to connect to, it connects to one address.
pub(crate) struct Parent {
    speaks: Speaks,
    address: SocketAddr,
    /// The root that a client has to trust if it speaks TLS.
    pub(crate) ca_pem: String,
    asked: Arc<Mutex<Vec<String>>>,
    running: JoinHandle<()>,
}

impl Parent {
    pub(crate) async fn start(speaks: Speaks, leads_to: SocketAddr) -> Self {
        let listener = TcpListener::bind(free_port()).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let authority = Authority::in_memory(&["parent.example".to_owned()]).expect("a CA");
        let ca_pem = authority.root_pem();
        let leaves = Leaves::new(Arc::new(authority), ["parent.example".to_owned()]).expect("covered");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let served = Served { leads_to, asked: Arc::clone(&asked) };
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, speaks, leaves.clone(), served.clone()));
            }
        });
        Self { speaks, address, ca_pem, asked, running }
    }

    /// Its URL with this user.
    pub(crate) fn url(&self, user: &str) -> String {
        let scheme = match self.speaks {
            Speaks::Http => "http",
            Speaks::Https => "https",
            Speaks::Socks => "socks5",
        };
        format!("{scheme}://{user}@parent.example:{}", self.address.port())
    }

    /// Where it is, for `resolve`.
    pub(crate) fn resolve(&self) -> String {
        format!("parent.example:{}:{}", self.address.port(), self.address)
    }

    /// The request lines and destinations that it was asked for by its user.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        self.running.abort();
    }
}

#[derive(Clone)]
struct Served {
    leads_to: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn serve(stream: TcpStream, speaks: Speaks, leaves: Leaves, served: Served) {
    // A client that goes away or is refused ends the connection; tests look at what they get.
    let _ = match speaks {
        Speaks::Http => served.http(stream).await,
        Speaks::Socks => served.socks(stream).await,
        Speaks::Https => {
            let choose = |_: Option<&str>| leaves.server_config("parent.example");
            match accept(stream, choose, Duration::from_secs(5)).await {
                Ok(accepted) => served.http(accepted.stream).await,
                Err(_) => None,
            }
        }
    };
}

impl Served {
    async fn http(self, mut io: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(io.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        let line = head.lines().next()?.to_owned();
        let known = |line: &str| {
            line.to_ascii_lowercase().starts_with("proxy-authorization:") && line.ends_with(BASIC)
        };
        if !head.lines().any(known) {
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
            return io.write_all(refusal.as_bytes()).await.ok();
        }
        self.note(line.clone());
        if !line.starts_with("CONNECT ") {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nthe parent\n";
            return io.write_all(answer.as_bytes()).await.ok();
        }
        self.lead(io, b"HTTP/1.1 200 Connection established\r\n\r\n").await
    }

    async fn socks(self, mut io: TcpStream) -> Option<()> {
        let mut greeting = [0; 4];
        io.read_exact(&mut greeting).await.ok()?;
        assert_eq!(greeting, [5, 2, 0, 2]);
        io.write_all(&[5, 2]).await.ok()?;
        let mut proof = [0; 11];
        io.read_exact(&mut proof).await.ok()?;
        io.write_all(&[1, u8::from(&proof != b"\x01\x04user\x04p@ss")]).await.ok()?;
        let mut head = [0; 5];
        io.read_exact(&mut head).await.ok()?;
        assert_eq!(head[..4], [5, 1, 0, 3], "a name");
        let mut name = vec![0; usize::from(head[4])];
        io.read_exact(&mut name).await.ok()?;
        let port = io.read_u16().await.ok()?;
        self.note(format!("{}:{port}", String::from_utf8(name).ok()?));
        self.lead(io, b"\x05\0\0\x01\0\0\0\0\0\0").await
    }

    /// Says yes and, in one piece with it, the first that the destination says of itself.
    async fn lead(&self, mut io: impl AsyncRead + AsyncWrite + Unpin, yes: &[u8]) -> Option<()> {
        let mut origin = TcpStream::connect(self.leads_to).await.ok()?;
        let mut first = [0; 64];
        let greeted = tokio::time::timeout(Duration::from_millis(20), origin.read(&mut first)).await;
        let count = greeted.ok().and_then(Result::ok).unwrap_or(0);
        io.write_all(&[yes, &first[..count]].concat()).await.ok()?;
        io.flush().await.ok()?;
        copy_bidirectional(&mut io, &mut origin).await.ok().map(drop)
    }

    fn note(&self, asked: String) {
        self.asked.lock().expect("no panic").push(asked);
    }
}

//! An origin server whose WebSockets the test writes itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use azure_openai_proxy::tls::accept;
use azure_openai_proxy::tls::ca::Authority;
use azure_openai_proxy::tls::resolver::Leaves;
use futures_util::{SinkExt, StreamExt};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::client::{DEADLINE, OPENAI_HOST, within};

/// A listener that stands for OpenAI, over TLS, or for anything else, in the clear.
pub(crate) struct Origin {
    listener: TcpListener,
    secure: Option<(Leaves, TempDir)>,
}

impl Origin {
    /// Anybody.
    pub(crate) async fn plain() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port"), secure: None }
    }

    /// OpenAI.
    pub(crate) async fn openai() -> Self {
        let names = [OPENAI_HOST.to_owned()];
        let authority = Authority::in_memory(&names).expect("a CA");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("root.pem"), authority.root_pem()).expect("it is written");
        let leaves = Leaves::new(Arc::new(authority), names).expect("leaves");
        Self { secure: Some((leaves, folder)), ..Self::plain().await }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }

    pub(crate) fn root_file(&self) -> PathBuf {
        self.secure.as_ref().expect("it speaks TLS").1.path().join("root.pem")
    }

    /// The next connection in the clear with the head that came on it.
    pub(crate) async fn accept(&self) -> (String, TcpStream) {
        let (mut stream, _) = within(self.listener.accept()).await.expect("a connection");
        (head(&mut stream).await, stream)
    }

    /// Agrees to the next WebSocket and says everything back; returns its head.
    pub(crate) async fn echo(&self) -> String {
        let (stream, _) = within(self.listener.accept()).await.expect("a connection");
        match &self.secure {
            None => echo(stream).await,
            Some((leaves, _)) => {
                let choose = |_: Option<&str>| leaves.server_config(OPENAI_HOST);
                echo(accept::accept(stream, choose, DEADLINE).await.expect("TLS").stream).await
            }
        }
    }
}

async fn echo(mut io: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let head = head(&mut io).await;
    io.write_all(agreement(&head).as_bytes()).await.expect("it is taken");
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() || message.is_binary() {
            socket.send(message).await.expect("it is taken");
        }
    }
    head
}

/// Everything up to the empty line.
async fn head(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(io.read_u8()).await.expect("a whole head"));
    }
    String::from_utf8(head).expect("text")
}

/// The 101 to a head.
pub(crate) fn agreement(head: &str) -> String {
    let key = field(head, "sec-websocket-key").expect("a key");
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    let protocol = field(head, "sec-websocket-protocol").and_then(|offered| offered.split(',').next());
    let protocol = protocol.map_or_else(String::new, |name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    )
}

/// A field's value in a head.
pub(crate) fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

//! A WebSocket client for every way in, and what it says.

use std::net::SocketAddr;

use azure_openai_proxy::message::body::{self, Body};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{self, OPENAI_HOST, Whole, within};
use crate::stage::Stage;

/// RFC 6455's own.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Tunnel,
    BaseUrl,
    Tls,
    Absolute,
    TunnelHttp2,
    PriorKnowledge,
    TlsHttp2,
}

pub(crate) const WAYS: [Way; 7] = [
    Way::Tunnel,
    Way::BaseUrl,
    Way::Tls,
    Way::Absolute,
    Way::TunnelHttp2,
    Way::PriorKnowledge,
    Way::TlsHttp2,
];

/// An open WebSocket with the fields of the answer that opened it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) fields: HeaderMap,
    stream: WebSocketStream<Box<dyn Io>>,
}

/// What carries it.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Io for T {}

/// Opens a WebSocket with these fields besides, or returns the refusal.
pub(crate) async fn open(
    stage: &Stage,
    way: Way,
    target: &str,
    fields: &[(&str, &str)],
) -> Result<Socket, Whole> {
    let (fields, io) = upgrade(stage.proxy, &stage.ca_pem, way, target, fields).await?;
    Ok(Socket::over(fields, io).await)
}

/// Does the handshake; what comes then is the caller's.
pub(crate) async fn upgrade(
    proxy: SocketAddr,
    ca: &str,
    way: Way,
    target: &str,
    fields: &[(&str, &str)],
) -> Result<(HeaderMap, Box<dyn Io>), Whole> {
    let tls = |alpn| async move {
        client::tls(client::connect(proxy).await, "localhost", ca, &[alpn]).await.expect("our CA is trusted")
    };
    match way {
        Way::Tunnel => {
            let sender = client::intercepted(proxy, ca).await;
            by_http1(sender, get(OPENAI_HOST, target, fields)).await
        }
        Way::BaseUrl => {
            let sender = client::http1_over(client::connect(proxy).await).await;
            by_http1(sender, get(&proxy.to_string(), target, fields)).await
        }
        Way::Tls => {
            by_http1(client::http1_over(tls("http/1.1").await).await, get("localhost", target, fields)).await
        }
        Way::Absolute => at(proxy, &format!("http://{OPENAI_HOST}{target}"), fields).await,
        Way::TunnelHttp2 => {
            let sender = client::intercepted_http2(proxy, ca).await;
            by_http2(sender, &format!("https://{OPENAI_HOST}"), target, fields).await
        }
        Way::PriorKnowledge => {
            let sender = client::http2_over(client::connect(proxy).await).await;
            by_http2(sender, &format!("http://{proxy}"), target, fields).await
        }
        Way::TlsHttp2 => {
            by_http2(client::http2_over(tls("h2").await).await, "https://localhost", target, fields).await
        }
    }
}

/// Does the handshake with whoever listens there, for any target.
pub(crate) async fn at(
    to: SocketAddr,
    target: &str,
    fields: &[(&str, &str)],
) -> Result<(HeaderMap, Box<dyn Io>), Whole> {
    let uri: http::Uri = target.parse().expect("a target");
    let host = uri.authority().map_or_else(|| to.to_string(), ToString::to_string);
    by_http1(client::http1_over(client::connect(to).await).await, get(&host, target, fields)).await
}

fn get(host: &str, target: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get(target)
        .header("Host", host)
        .header("Connection", "keep-alive, Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Key", KEY)
        .header("Sec-WebSocket-Version", "13");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(body::empty()).expect("a request")
}

async fn by_http1(
    mut sender: hyper::client::conn::http1::SendRequest<Body>,
    request: Request<Body>,
) -> Result<(HeaderMap, Box<dyn Io>), Whole> {
    let response = within(sender.send_request(request)).await.expect("an answer");
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(client::whole(response).await);
    }
    let fields = response.headers().clone();
    assert_eq!(fields["sec-websocket-accept"], derive_accept_key(KEY.as_bytes()));
    assert!(fields["upgrade"] == "websocket" && fields["connection"] == "Upgrade", "{fields:?}");
    let io = within(hyper::upgrade::on(response)).await.expect("an upgrade");
    Ok((fields, Box::new(TokioIo::new(io))))
}

async fn by_http2(
    mut sender: hyper::client::conn::http2::SendRequest<Body>,
    origin: &str,
    target: &str,
    fields: &[(&str, &str)],
) -> Result<(HeaderMap, Box<dyn Io>), Whole> {
    // The first answer brings the server's settings, and this one the proxy gives itself.
    let first = Request::get("https://elsewhere.example/healthz").body(body::empty()).expect("a request");
    within(sender.send_request(first)).await.expect("the server is there");
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("{origin}{target}"))
        .extension(Protocol::from_static("websocket"))
        .header("Sec-WebSocket-Version", "13");
    for (name, value) in fields {
        request = request.header(name.to_ascii_lowercase(), *value);
    }
    let request = request.body(body::empty()).expect("a request");
    let response = within(sender.send_request(request)).await.expect("an answer");
    if response.status() != StatusCode::OK {
        return Err(client::whole(response).await);
    }
    let fields = response.headers().clone();
    for http1 in ["sec-websocket-accept", "upgrade", "connection"] {
        assert!(!fields.contains_key(http1), "{http1}");
    }
    let io = within(hyper::upgrade::on(response)).await.expect("an upgrade");
    Ok((fields, Box::new(TokioIo::new(io))))
}

// === impl Socket ===

impl Socket {
    /// The client's side of what was opened with these fields.
    pub(crate) async fn over(fields: HeaderMap, io: Box<dyn Io>) -> Self {
        Self { fields, stream: WebSocketStream::from_raw_socket(io, Role::Client, None).await }
    }

    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within(self.stream.send(message)).await.expect("it is taken");
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Result<Message, Error> {
        within(self.stream.next()).await.unwrap_or(Err(Error::ConnectionClosed))
    }

    /// The next message, an event.
    pub(crate) async fn event(&mut self) -> Value {
        let message = self.next().await.expect("an event");
        serde_json::from_str(message.to_text().expect("text")).expect("JSON")
    }

    /// Events up to one of this type, which is the last of them.
    pub(crate) async fn events_to(&mut self, last: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if events.last().is_some_and(|event| event["type"] == last) {
                return events;
            }
        }
    }

    /// Closes with this code and returns the answer's.
    pub(crate) async fn close(mut self, code: u16) -> Option<u16> {
        let frame = CloseFrame { code: code.into(), reason: "because".into() };
        within(self.stream.close(Some(frame))).await.expect("it can be closed");
        self.closed().await
    }

    /// Waits for the other side to close and returns its code; nothing if it breaks off.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        while let Ok(message) = self.next().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }
}

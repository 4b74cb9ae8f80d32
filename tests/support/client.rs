//! A client that can do what real ones do, one step at a time. Every step has a deadline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use azure_openai_proxy::message::body::{self, Body};
use azure_openai_proxy::tls::{pem, roots};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// OpenAI's host, which only the proxy answers here.
pub(crate) const OPENAI_HOST: &str = "api.openai.com";

/// Longest wait for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A response with all its content.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) content: Bytes,
}

impl Whole {
    /// The content as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    /// The content as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.content).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// `error.code` of OpenAI's envelope.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A field's only value, or nothing.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Fails instead of hanging.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("nothing happened in time")
}

/// A plain connection.
pub(crate) async fn connect(to: SocketAddr) -> TcpStream {
    let stream = within(TcpStream::connect(to)).await.expect("the listener is there");
    stream.set_nodelay(true).expect("a TCP socket");
    stream
}

/// CONNECT through the proxy; the upgraded stream, or the refusal.
pub(crate) async fn tunnel(
    proxy: SocketAddr,
    authority: &str,
) -> Result<TokioIo<Upgraded>, Response<Incoming>> {
    let mut sender = http1_over(connect(proxy).await).await;
    let request =
        Request::connect(authority).header("Host", authority).body(body::empty()).expect("a request");
    let response = within(sender.send_request(request)).await.expect("CONNECT is answered");
    if !response.status().is_success() {
        return Err(response);
    }
    Ok(TokioIo::new(within(hyper::upgrade::on(response)).await.expect("an upgrade")))
}

/// TLS to `name`, trusting one root and offering these protocols.
pub(crate) async fn tls<IO>(
    io: IO,
    name: &str,
    root_pem: &str,
    alpn: &[&str],
) -> std::io::Result<TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut config = roots::client_config(trusting(root_pem));
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).expect("a DNS name");
    within(TlsConnector::from(Arc::new(config)).connect(name, io)).await
}

/// A store of the roots in this text.
pub(crate) fn trusting(root_pem: &str) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for root in pem::certificates(root_pem.as_bytes()).expect("PEM") {
        store.add(root).expect("a root");
    }
    store
}

/// HTTP/1.1 inside the intercepted tunnel to OpenAI's host.
pub(crate) async fn intercepted(proxy: SocketAddr, ca_pem: &str) -> http1::SendRequest<Body> {
    let tunnel = tunnel(proxy, &format!("{OPENAI_HOST}:443")).await.expect("the tunnel is opened");
    http1_over(tls(tunnel, OPENAI_HOST, ca_pem, &["http/1.1"]).await.expect("our CA is trusted")).await
}

/// HTTP/2 inside the intercepted tunnel to OpenAI's host.
pub(crate) async fn intercepted_http2(proxy: SocketAddr, ca_pem: &str) -> http2::SendRequest<Body> {
    let tunnel = tunnel(proxy, &format!("{OPENAI_HOST}:443")).await.expect("the tunnel is opened");
    http2_over(tls(tunnel, OPENAI_HOST, ca_pem, &["h2"]).await.expect("our CA is trusted")).await
}

/// HTTP/1.1 on any stream.
pub(crate) async fn http1_over<IO>(io: IO) -> http1::SendRequest<Body>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = within(http1::handshake(TokioIo::new(io))).await.expect("a handshake");
    tokio::spawn(connection.with_upgrades());
    sender
}

/// HTTP/2 on any stream.
pub(crate) async fn http2_over<IO>(io: IO) -> http2::SendRequest<Body>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        within(http2::handshake(TokioExecutor::new(), TokioIo::new(io))).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

/// A POST of JSON with a client's credential.
pub(crate) fn post(host: &str, path: &str, content: impl Into<Bytes>) -> Request<Body> {
    Request::post(path)
        .header("Host", host)
        .header("Authorization", "Bearer sk-of-the-client")
        .header("Content-Type", "application/json")
        .body(body::full(content))
        .expect("a request")
}

/// A GET with a client's credential.
pub(crate) fn get(host: &str, path: &str) -> Request<Body> {
    Request::get(path)
        .header("Host", host)
        .header("Authorization", "Bearer sk-of-the-client")
        .body(body::empty())
        .expect("a request")
}

/// Sends a request on a fresh connection to the proxy itself and reads the whole answer.
pub(crate) async fn ask(proxy: SocketAddr, request: Request<Body>) -> Whole {
    let mut sender = http1_over(connect(proxy).await).await;
    whole(within(sender.send_request(request)).await.expect("an answer")).await
}

/// All of a response.
pub(crate) async fn whole(response: Response<Incoming>) -> Whole {
    let (parts, content) = response.into_parts();
    let content = within(content.collect()).await.expect("whole content").to_bytes();
    Whole { status: parts.status, fields: parts.headers, content }
}

/// Writes octets as they are and reads until the other side closes.
pub(crate) async fn raw(to: SocketAddr, octets: &[u8]) -> String {
    let mut stream = connect(to).await;
    stream.write_all(octets).await.expect("they are taken");
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let _ = within(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

//! An OpenAI client that knows nothing of Azure, by https_proxy or by base URL: for the demonstration, and to see
//! whether a proxy of ours is running.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::message::body::{self, Body};
use crate::message::host_port::{Host, HostPort};
use crate::net::dial;
use crate::policy::Policy;
use crate::policy::destination::{self, Reach};
use crate::tls::{pem, roots};

/// Longest wait for any one step; everything is on this machine.
const DEADLINE: Duration = Duration::from_secs(10);

/// A tunnel with TLS inside it, and who was at its end.
pub(crate) struct Tunnel {
    stream: TlsStream<TokioIo<hyper::upgrade::Upgraded>>,
}

/// Opens a tunnel through the proxy and TLS inside it, trusting only the given root.
pub(crate) async fn tunnel(proxy: SocketAddr, host: &str, root_pem: &str) -> anyhow::Result<Tunnel> {
    let mut sender = handshake(connect(proxy).await?).await?;
    let request = Request::connect(format!("{host}:443")).body(body::empty())?;
    let response = within(sender.send_request(request)).await??;
    ensure!(response.status().is_success(), "CONNECT was answered {}", response.status());
    let upgraded = within(hyper::upgrade::on(response)).await??;
    let mut store = RootCertStore::empty();
    for certificate in pem::certificates(root_pem.as_bytes())? {
        store.add(certificate)?;
    }
    let connector = TlsConnector::from(Arc::new(roots::client_config(store)));
    let name = ServerName::try_from(host.to_owned())?;
    let stream = within(connector.connect(name, TokioIo::new(upgraded))).await?;
    Ok(Tunnel { stream: stream.context("TLS inside the tunnel failed")? })
}

/// Sends a request to `host` through the proxy's tunnel.
pub(crate) async fn through_proxy(
    proxy: SocketAddr,
    root_pem: &str,
    host: &str,
    path: &str,
    content: &str,
) -> anyhow::Result<Response<Incoming>> {
    let tunnel = tunnel(proxy, host, root_pem).await?;
    send(tunnel.stream, host, path, content).await
}

/// Sends a request to the proxy as to an OpenAI server.
pub(crate) async fn by_base_url(
    proxy: SocketAddr,
    path: &str,
    content: &str,
) -> anyhow::Result<Response<Incoming>> {
    send(connect(proxy).await?, &proxy.to_string(), path, content).await
}

/// All of a response's content, as text.
pub(crate) async fn text(response: Response<Incoming>) -> anyhow::Result<String> {
    let content: Bytes = within(response.into_body().collect()).await??.to_bytes();
    Ok(String::from_utf8_lossy(&content).into_owned())
}

async fn send<IO>(io: IO, host: &str, path: &str, content: &str) -> anyhow::Result<Response<Incoming>>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut sender = handshake(io).await?;
    let request = Request::builder().uri(path).header("Host", host);
    let request = match content {
        // Nothing stands for a key in it: a proxy that knows its clients' keys counts those that are wrong.
        "" => request.body(body::empty()),
        content => request
            .method(Method::POST)
            .header("Authorization", "Bearer unused")
            .header("Content-Type", "application/json")
            .body(body::full(content.to_owned())),
    };
    Ok(within(sender.send_request(request?)).await??)
}

async fn handshake<IO>(io: IO) -> anyhow::Result<http1::SendRequest<Body>>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = within(http1::handshake(TokioIo::new(io))).await??;
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

async fn connect(proxy: SocketAddr) -> anyhow::Result<TcpStream> {
    let destination = HostPort::new(Host::Ip(proxy.ip()), proxy.port());
    let policy = Policy::new(Vec::new(), destination::Settings::default());
    let permitted = policy.permit(destination, Reach::Everywhere);
    Ok(within(dial::dial(&permitted, &[])).await??)
}

/// Waits, but not for ever.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => Ok(done),
        Err(_) => bail!("nothing happened for {DEADLINE:?}"),
    }
}

// === impl Tunnel ===

impl Tunnel {
    /// The certificate at the other end, in DER.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.stream.get_ref().1.peer_certificates()?.first().map(AsRef::as_ref)
    }
}

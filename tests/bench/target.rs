//! How the load reaches the origin: which connection, which TLS, whose names.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::http::Reader;

/// Longest wait for one answer: past it something hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// One way to the origin.
#[derive(Clone)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// The authority to CONNECT to first, if any.
    pub(crate) tunnel: Option<String>,
    /// The name for TLS, if any.
    pub(crate) tls: Option<String>,
    /// The value of `Host`.
    pub(crate) host: String,
    /// Whether nothing on the way makes an Azure request of it, so that the client has to send one.
    pub(crate) azure: bool,
}

/// A connection that carries requests.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The client's side of TLS.
#[derive(Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// A client that resumes sessions or does not, and speaks this protocol.
    ///
    /// It takes every certificate and checks no signature: it is the load, and has to be cheaper than what it loads.
    /// Its key exchange is X25519, which all contenders can do.
    pub(crate) fn new(resume: bool, protocol: &str) -> anyhow::Result<Self> {
        let mut provider = aws_lc_rs::default_provider();
        provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TakesAll))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        config.resumption = if resume { Resumption::in_memory_sessions(64) } else { Resumption::disabled() };
        Ok(Self(Arc::new(config)))
    }
}

impl Target {
    /// The same for another host inside its tunnel.
    pub(crate) fn named(&self, host: &str) -> Self {
        Self {
            tunnel: self.tunnel.is_some().then(|| format!("{host}:443")),
            tls: Some(host.to_owned()),
            host: host.to_owned(),
            ..self.clone()
        }
    }

    /// Opens a connection that is ready for a request.
    pub(crate) async fn connect(&self, tls: &Tls) -> anyhow::Result<Box<dyn Io>> {
        let connecting = self.connect_in_time(tls);
        tokio::time::timeout(DEADLINE, connecting).await.context("no connection in time")?
    }

    async fn connect_in_time(&self, tls: &Tls) -> anyhow::Result<Box<dyn Io>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        if let Some(authority) = &self.tunnel {
            let connect = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
            stream.write_all(connect.as_bytes()).await?;
            let mut reader = Reader::new();
            let Some(_) = reader.head(&mut stream).await? else { bail!("CONNECT is not answered") };
            check_status(reader.read_so_far())?;
        }
        let Some(name) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(name.clone())?;
        let connector = TlsConnector::from(Arc::clone(&tls.0));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

/// Sends a request and reads its answer, which has to be a success.
pub(crate) async fn exchange(io: &mut dyn Io, reader: &mut Reader, request: &[u8]) -> anyhow::Result<()> {
    let mut io = io;
    io.write_all(request).await?;
    io.flush().await?;
    let head = reader.head(&mut io).await?.context("closed instead of answered")?;
    check_status(reader.read_so_far())?;
    reader.content(&mut io, &head).await?;
    Ok(())
}

/// Whether a response is a success.
pub(crate) fn check_status(head: &[u8]) -> anyhow::Result<()> {
    let line = head.split(|&octet| octet == b'\r').next().unwrap_or_default();
    ensure!(
        line.get(9..12).is_some_and(|status| status == b"200"),
        "answered {}",
        String::from_utf8_lossy(head)
    );
    Ok(())
}

#[derive(Debug)]
struct TakesAll;

impl ServerCertVerifier for TakesAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

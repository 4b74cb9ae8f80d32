//! What both peers are given: where to listen, where the origin is, what to sign with and whom to trust.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rcgen::{Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The command line: ADDRESS ORIGIN CA KEY.
pub struct Setup {
    /// Where to listen.
    pub address: SocketAddr,
    /// The authority that requests are sent to.
    pub origin: String,
    ca: String,
    key: String,
}

impl Setup {
    /// Reads the command line and the files that it names.
    pub fn read() -> anyhow::Result<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut next = || arguments.next().context("usage: ADDRESS ORIGIN CA KEY");
        let (address, origin, ca, key) = (next()?, next()?, next()?, next()?);
        let read = |path: String| std::fs::read_to_string(path);
        Ok(Self { address: address.parse()?, origin, ca: read(ca)?, key: read(key)? })
    }

    /// What leaves are signed with.
    pub fn issuer(&self) -> anyhow::Result<Issuer<'static, KeyPair>> {
        Ok(Issuer::from_ca_cert_pem(&self.ca, KeyPair::from_pem(&self.key)?)?)
    }

    /// A listener whose connections have TCP_NODELAY: they inherit it.
    pub fn listener(&self) -> anyhow::Result<tokio::net::TcpListener> {
        let listener = TcpListener::bind(self.address)?;
        listener.set_nonblocking(true)?;
        socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
        Ok(tokio::net::TcpListener::from_std(listener)?)
    }

    /// Connections to the origin, with TCP_NODELAY, by HTTP/1.1.
    pub fn connector(&self) -> anyhow::Result<HttpsConnector<HttpConnector>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes())?)?;
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls);
        Ok(builder.https_or_http().enable_http1().wrap_connector(http))
    }
}

/// Makes Azure's request of OpenAI's: another host, another path, another key.
pub fn rewrite(parts: &mut Parts, origin: &str) -> anyhow::Result<()> {
    let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    parts.uri =
        Uri::builder().scheme("https").authority(origin).path_and_query(format!("/openai{path}")).build()?;
    parts.version = http::Version::HTTP_11;
    parts.headers.remove(HOST);
    parts.headers.remove(AUTHORIZATION);
    parts.headers.insert(HeaderName::from_static("api-key"), HeaderValue::from_static("k"));
    Ok(())
}

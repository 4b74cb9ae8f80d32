//! An origin server that the test plays itself, and certificates for it, good and bad.
//!
//! The test accepts each connection and writes each octet, so nothing happens behind its back and a
//! surprise is a failure at the line that met it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use azure_openai_proxy::tls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{WantsServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::{trusting, within};
use crate::conversation::Conversation;
use crate::stage::Stage;

/// A listener on a free port of loopback.
pub(crate) struct Origin {
    listener: TcpListener,
    /// The same socket, to ask at once whether somebody is waiting.
    door: std::net::TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// A CA of the test's own, whose root is in a file.
pub(crate) struct Pki {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

// === impl Stage ===

impl Stage {
    /// A stage with an origin server of the test's own in the simulator's place.
    pub(crate) async fn before(origin: &Origin, variables: &[(&str, &str)]) -> Self {
        let endpoint = origin.url();
        let mut all = vec![("AZURE_OPENAI_ENDPOINT", endpoint.as_str())];
        all.extend(variables);
        Self::with_variables(&all).await
    }
}

// === impl Origin ===

impl Origin {
    /// One that speaks in the clear.
    pub(crate) fn plain() -> Self {
        Self::bound(None)
    }

    /// One that speaks TLS.
    pub(crate) fn secure(config: Arc<ServerConfig>) -> Self {
        Self::bound(Some(config.into()))
    }

    fn bound(tls: Option<TlsAcceptor>) -> Self {
        let door = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        door.set_nonblocking(true).expect("a socket");
        let listener = TcpListener::from_std(door.try_clone().expect("a socket")).expect("a runtime");
        let address = door.local_addr().expect("a bound socket");
        Self { listener, door, address, tls }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL without a trailing slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Conversation {
        self.try_accept().await.expect("a connection")
    }

    /// The next connection as it is, without TLS.
    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        within(self.listener.accept()).await.expect("a connection").0
    }

    /// The next connection, or why its TLS handshake came to nothing.
    pub(crate) async fn try_accept(&self) -> io::Result<Conversation> {
        let (stream, _) = within(self.listener.accept()).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Conversation::over(stream)),
            Some(tls) => Ok(Conversation::over(within(tls.accept(stream)).await?)),
        }
    }

    /// Whether nobody has connected since the last accept.
    pub(crate) fn is_untouched(&self) -> bool {
        self.door.accept().is_err()
    }
}

// === impl Pki ===

impl Pki {
    /// Makes a root with a new key and always the same name.
    pub(crate) fn new() -> Self {
        Self::named("a test's own root")
    }

    /// Makes a root of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    /// Makes a root of this name, changed before it is signed.
    pub(crate) fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a root");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("root.pem"), issuer.pem()).expect("it is written");
        Self { issuer, folder }
    }

    /// The file that holds the root.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The root certificate.
    pub(crate) fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    /// A good certificate for a host.
    pub(crate) fn server(&self, host: &str) -> Arc<ServerConfig> {
        self.server_with(host, |_| {})
    }

    /// A good certificate for a host whose server speaks this protocol.
    pub(crate) fn server_over(&self, host: &str, protocol: &[u8]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.server(host));
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }

    /// A certificate for a host, changed before it is signed.
    pub(crate) fn server_with(
        &self,
        host: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let (key, mut params) = (key(), params(host));
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).expect("a leaf");
        server(vec![leaf.der().clone()], &key)
    }

    /// A server with a good certificate that asks its clients for theirs.
    pub(crate) fn server_that_wants_a_certificate(&self, host: &str) -> Arc<ServerConfig> {
        let (key, roots) = (key(), Arc::new(trusting(&self.root_pem())));
        let leaf = params(host).signed_by(&key, &self.issuer).expect("a leaf");
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, tls::provider()).build();
        let builder = versions().with_client_cert_verifier(verifier.expect("there is a root"));
        finished(builder, vec![leaf.der().clone()], &key)
    }

    /// A good certificate for a host below an intermediate, both changed before they are signed.
    pub(crate) fn server_below(&self, host: &str, below: Below) -> Arc<ServerConfig> {
        let mut params_of_it = CertificateParams::default();
        params_of_it.distinguished_name.push(DnType::CommonName, "an intermediate");
        params_of_it.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        (below.intermediate)(&mut params_of_it);
        let middle = CertifiedIssuer::signed_by(params_of_it, key(), &self.issuer).expect("an intermediate");
        let mut chain = vec![middle.der().clone()];
        let issuer = match below.another {
            false => middle,
            true => {
                let mut params = CertificateParams::default();
                params.distinguished_name.push(DnType::CommonName, "another intermediate");
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                let another = CertifiedIssuer::signed_by(params, key(), &middle).expect("another");
                chain.insert(0, another.der().clone());
                another
            }
        };
        let (key, mut params) = (key(), params(host));
        (below.leaf)(&mut params);
        let leaf = params.signed_by(&key, &issuer).expect("a leaf");
        chain.insert(0, leaf.der().clone());
        chain.truncate(below.sent);
        server(chain, &key)
    }
}

/// What is wrong with a chain.
#[derive(Clone, Copy)]
pub(crate) struct Below {
    pub(crate) intermediate: fn(&mut CertificateParams),
    pub(crate) leaf: fn(&mut CertificateParams),
    /// Whether there is one more intermediate below.
    pub(crate) another: bool,
    /// How many certificates are sent at most.
    pub(crate) sent: usize,
}

impl Default for Below {
    fn default() -> Self {
        Self { intermediate: |_| {}, leaf: |_| {}, another: false, sent: usize::MAX }
    }
}

/// A certificate that nobody but itself has signed.
pub(crate) fn self_signed(host: &str) -> Arc<ServerConfig> {
    let key = key();
    let leaf = params(host).self_signed(&key).expect("a leaf");
    server(vec![leaf.der().clone()], &key)
}

fn key() -> KeyPair {
    KeyPair::generate().expect("randomness")
}

fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).expect("a DNS name");
    params.distinguished_name.push(DnType::CommonName, "an origin server");
    params
}

fn server(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    finished(versions().with_no_client_auth(), chain, key)
}

fn versions() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    let builder = ServerConfig::builder_with_provider(tls::provider());
    builder.with_safe_default_protocol_versions().expect("the provider has suites for TLS 1.2 and 1.3")
}

fn finished(
    builder: ConfigBuilder<ServerConfig, WantsServerCert>,
    chain: Vec<CertificateDer<'static>>,
    key: &KeyPair,
) -> Arc<ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let key = tls::provider().key_provider.load_private_key(key).expect("a key of a usual kind");
    // Not looked at as rustls would: what is wrong with it is for the other side to find.
    let chosen = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let mut config = builder.with_cert_resolver(Arc::new(chosen));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

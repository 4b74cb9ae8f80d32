//! What the tests of this layer share: CAs made at run time, clients of them, and handshakes in memory.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::DuplexStream;
use tokio_rustls::{TlsConnector, client};

use crate::tls::accept::{AcceptError, Accepted, accept};
use crate::tls::ca::Authority;
use crate::tls::leaf::LeafError;
use crate::tls::{pem, provider, roots};

/// Longer than any handshake takes, shorter than a person waits for a hanging test.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A CA for `openai.com` and `localhost`.
pub(super) fn authority() -> Authority {
    Authority::in_memory(&names(&["openai.com", "localhost"])).unwrap()
}

/// A client that trusts only `authority`.
pub(super) fn client_of(authority: &Authority) -> ClientConfig {
    let mut store = RootCertStore::empty();
    store.add(authority.root_der().clone()).unwrap();
    roots::client_config(store)
}

/// Both ends of a handshake, run at the same time.
pub(super) async fn handshake(
    client: ClientConfig,
    server_name: &str,
    choose: impl FnOnce(Option<&str>) -> Result<Arc<ServerConfig>, LeafError>,
) -> (io::Result<client::TlsStream<DuplexStream>>, Result<Accepted<DuplexStream>, AcceptError>) {
    // Small, so that hellos arrive in pieces, but with room for the tickets that no client waits for.
    let (near, far) = tokio::io::duplex(1200);
    let name = ServerName::try_from(server_name.to_owned()).unwrap();
    let connect = async { TlsConnector::from(Arc::new(client)).connect(name, near).await };
    tokio::join!(connect, accept(far, choose, PATIENCE))
}

/// What rustls says of `chain`, as a client that trusts only `authority`.
pub(super) fn verify(
    authority: &Authority,
    chain: &[CertificateDer<'static>],
    server_name: &str,
) -> Result<(), rustls::Error> {
    let mut store = RootCertStore::empty();
    store.add(authority.root_der().clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(store.into(), provider()).build().unwrap();
    let name = ServerName::try_from(server_name.to_owned()).unwrap();
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now()).map(|_| ())
}

/// What OpenSSL in its strict mode says of `chain`; Python since 3.13 asks for the same strictness.
pub(super) fn openssl_verify(
    authority: &Authority,
    chain: &[CertificateDer<'static>],
    server_name: &str,
) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, certificates: &[CertificateDer<'static>]| {
        let text: String = certificates.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let root = write("root.pem", std::slice::from_ref(authority.root_der()));
    let between = write("between.pem", &chain[1..]);
    let leaf = write("leaf.pem", &chain[..1]);
    let identity =
        if server_name.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
    let output = Command::new("openssl")
        .args([
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-no-CApath",
            "-no-CAstore",
            identity,
            server_name,
        ])
        .args([Path::new("-CAfile"), &root, Path::new("-untrusted"), &between, &leaf])
        .output()
        .expect("the openssl command is installed");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Runs one test of this program again in a process of its own, which `sh` gets ready with `prelude`.
pub(super) fn rerun(test: &str, prelude: &str, environment: &[(&str, &Path)]) {
    let output = Command::new("sh")
        .args(["-c", &format!("{prelude}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored"])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{prelude}: {told}");
}

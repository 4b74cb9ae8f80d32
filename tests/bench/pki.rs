//! The certificates of one run, made at its start: the origin's, nginx's front, and the CA of those that intercept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The resource's host, which only the settings of a contender resolve.
pub(crate) const AZURE_HOST: &str = "bench.openai.azure.com";

/// The host that clients mean.
pub(crate) const OPENAI_HOST: &str = "api.openai.com";

/// Where the certificates are; everything is gone with the folder.
pub(crate) struct Pki {
    /// The CA as PEM: what contenders trust upstream and, where they intercept, sign with.
    pub(crate) ca: PathBuf,
    /// Its key.
    pub(crate) ca_key: PathBuf,
    /// A certificate for OpenAI's host, for what cannot sign.
    pub(crate) front: PathBuf,
    /// Its key.
    pub(crate) front_key: PathBuf,
    /// The origin's side.
    pub(crate) origin: Arc<ServerConfig>,
}

impl Pki {
    /// Makes all of it in `folder`.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "benchmark");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let signed = |names: &[&str]| -> anyhow::Result<(rcgen::Certificate, KeyPair)> {
            let key = KeyPair::generate()?;
            let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
            Ok((CertificateParams::new(names)?.signed_by(&key, &issuer)?, key))
        };
        let (front, front_key) = signed(&[OPENAI_HOST])?;
        let (certificate, key) = signed(&[AZURE_HOST, "localhost"])?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut origin = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        origin.alpn_protocols = vec![b"http/1.1".to_vec()];
        origin.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok(path)
        };
        Ok(Self {
            ca: write("ca.pem", issuer.pem())?,
            ca_key: write("ca-key.pem", issuer.key().serialize_pem())?,
            front: write("front.pem", front.pem())?,
            front_key: write("front-key.pem", front_key.serialize_pem())?,
            origin: Arc::new(origin),
        })
    }
}

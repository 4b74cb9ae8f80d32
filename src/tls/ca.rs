//! The certificate authority that clients trust, and the only holder of its key.
//!
//! A root signs one intermediate and its key is dropped, never written. The intermediate signs leaves, for the
//! names that its constraints permit and no others: a stolen key is good for nothing else.

mod check;
mod crl;
mod error;
mod files;
mod key;
mod profile;

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use rcgen::{CertificateParams, Issuer, PublicKeyData};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::tls::ca::check::Facts;
use crate::tls::ca::key::IssuerKey;
use crate::tls::ca::profile::Material;
use crate::tls::{dns_name, leaf, pem, provider, sha256_hex};

pub use check::AuthorityError;
pub use error::CaError;
pub use files::{FileError, publish};
pub use profile::Purpose;
pub(in crate::tls) use profile::{BACKDATED, distribution_points, new_serial};

/// A root, the intermediate below it, and the intermediate's key. `Debug` shows no key.
pub struct Authority {
    issuer: Issuer<'static, IssuerKey>,
    intermediate: CertificateDer<'static>,
    root: CertificateDer<'static>,
    permitted: Vec<String>,
    not_after: OffsetDateTime,
    crl_url: Option<String>,
    root_crl: Option<CertificateRevocationListDer<'static>>,
    root_crl_url: Option<String>,
}

// === impl Authority ===

impl Authority {
    /// Makes a CA and writes it into `dir`.
    ///
    /// [`CaError::Exists`] if one is there, even if it appeared only now; [`CaError::Foreign`] if another's root is.
    pub fn create(dir: &Path, purpose: &Purpose) -> Result<Self, CaError> {
        files::prepare(dir)?;
        files::refuse_foreign(dir)?;
        let made = Self::make(purpose)?;
        files::create(dir, &made.issuer_pem())?;
        made.publish(dir)
    }

    /// Reads the CA of `dir`, and checks it; writes nothing.
    ///
    /// [`CaError::Absent`] if there is none, [`CaError::Foreign`] if there is another's root.
    pub fn read(dir: &Path) -> Result<Self, CaError> {
        let text = files::read(dir)?;
        let unusable = |source| CaError::Unusable { path: files::issuer(dir), source };
        Self::parse(&text, OffsetDateTime::now_utc()).map_err(unusable)
    }

    /// As [`Authority::read`], and puts `ca.pem` right if it differs.
    pub fn load(dir: &Path) -> Result<Self, CaError> {
        Self::read(dir)?.publish(dir)
    }

    /// Reads the CA of `dir` or makes one; says whether it was made. Of many that try at once, one makes it.
    pub fn load_or_create(dir: &Path, purpose: &Purpose) -> Result<(Self, bool), CaError> {
        match Self::load(dir) {
            Err(CaError::Absent { .. }) => {}
            loaded => return loaded.map(|authority| (authority, false)),
        }
        match Self::create(dir, purpose) {
            Err(CaError::Exists { .. }) => Self::load(dir).map(|authority| (authority, false)),
            created => created.map(|authority| (authority, true)),
        }
    }

    /// Makes a CA and writes it into `dir` in one step in place of what is there, even if that is unusable.
    pub fn replace(dir: &Path, purpose: &Purpose) -> Result<Self, CaError> {
        files::prepare(dir)?;
        let made = Self::make(purpose)?;
        files::replace(dir, &made.issuer_pem())?;
        made.publish(dir)
    }

    /// Makes a CA that is gone with the process.
    pub fn in_memory(names: &[String]) -> Result<Self, CaError> {
        Self::make(&Purpose { names: names.to_vec(), root_crl_url: None })
    }

    fn make(purpose: &Purpose) -> Result<Self, CaError> {
        let purpose = Purpose { names: normalise(&purpose.names)?, ..purpose.clone() };
        let now = OffsetDateTime::now_utc();
        let made = profile::generate(&purpose, now).map_err(|error| CaError::Make(error.into()))?;
        Self::assemble(made, now).map_err(CaError::Make)
    }

    /// Whether `name` is one that the CA may sign for: a permitted name, or labels put before one
    /// (RFC 5280 §4.2.1.10). Never an address or a wildcard.
    pub fn covers(&self, name: &str) -> bool {
        let Some(name) = dns_name(name) else { return false };
        self.permitted.iter().any(|permitted| {
            name.strip_suffix(permitted.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// The names that the intermediate's constraints permit, in lower case.
    pub fn permitted(&self) -> &[String] {
        &self.permitted
    }

    /// The root certificate as people install it.
    pub fn root_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.root)
    }

    /// The root certificate.
    pub fn root_der(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The certificate that signs leaves and is sent after them.
    pub fn intermediate_der(&self) -> &CertificateDer<'static> {
        &self.intermediate
    }

    /// When nothing it signed is valid any more: the earlier end of its two certificates.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// The SHA-256 digest of the root certificate in lower-case hex.
    pub fn fingerprint(&self) -> String {
        sha256_hex(&self.root)
    }

    /// Signs a certificate for `key`. Constraints are what verifiers enforce; nothing is checked here.
    pub(in crate::tls) fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        Ok(params.signed_by(key, &self.issuer)?.der().clone())
    }

    fn parse(text: &[u8], now: OffsetDateTime) -> Result<Self, AuthorityError> {
        let der = Zeroizing::new(pem::private_key(text)?);
        let key = IssuerKey::read(&der)?;
        let certificates = pem::certificates(text)?;
        let count = certificates.len();
        let [intermediate, root] = certificates.try_into().map_err(|_| AuthorityError::Count(count))?;
        let root_crl = pem::revocation_list(text)?;
        Self::assemble(Material { key, intermediate, root, root_crl }, now)
    }

    fn assemble(material: Material, now: OffsetDateTime) -> Result<Self, AuthorityError> {
        let Material { key, intermediate, root, root_crl } = material;
        let facts = Facts::read(&intermediate)?;
        let not_after = facts.not_after.min(Facts::read(&root)?.not_after);
        if facts.spki != key.subject_public_key_info() {
            return Err(AuthorityError::KeyMismatch);
        }
        if not_after <= now {
            return Err(AuthorityError::Expired(not_after));
        }
        let made = Self {
            issuer: Issuer::from_ca_cert_der(&intermediate, key)?,
            intermediate,
            root,
            permitted: facts.permitted,
            not_after,
            crl_url: None,
            root_crl,
            root_crl_url: facts.crl_url,
        };
        made.try_out(now.into())?;
        Ok(made)
    }

    /// Signs a leaf and verifies it as a client would that trusts the root.
    ///
    /// One check for all that would turn clients away: signatures, dates, CA flags, constraints.
    fn try_out(&self, now: SystemTime) -> Result<(), AuthorityError> {
        let name = self.permitted.first().ok_or(AuthorityError::Unconstrained)?;
        let leaf = leaf::mint(self, name, now).map_err(AuthorityError::Trial)?;
        let server = ServerName::try_from(name.as_str()).map_err(|_| AuthorityError::Certificate)?;
        let elapsed = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();

        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).map_err(AuthorityError::Refused)?;
        WebPkiServerVerifier::builder_with_provider(roots.into(), provider())
            .build()
            .map_err(|_| AuthorityError::Certificate)?
            .verify_server_cert(
                &leaf.certified.cert[0],
                &leaf.certified.cert[1..],
                &server,
                &[],
                UnixTime::since_unix_epoch(elapsed),
            )
            .map_err(AuthorityError::Refused)?;
        Ok(())
    }

    fn publish(self, dir: &Path) -> Result<Self, CaError> {
        files::publish(dir, "ca.pem", &self.root_pem())?;
        Ok(self)
    }

    /// What `issuer.pem` holds: the key, the intermediate, the root's list, the root.
    fn issuer_pem(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(pem::encode("PRIVATE KEY", self.issuer.key().serialized_der()));
        let intermediate = pem::encode("CERTIFICATE", &self.intermediate);
        let root_crl = self.root_crl.as_ref().map(|list| pem::encode("X509 CRL", list)).unwrap_or_default();
        Zeroizing::new([key.as_str(), &intermediate, &root_crl, &self.root_pem()].concat())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("fingerprint", &self.fingerprint())
            .field("permitted", &self.permitted)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The root of the CA in `dir`, as people install it. Of a proxy that another user runs, `ca.pem` is all that is there.
pub fn root_pem(dir: &Path) -> Result<String, CaError> {
    match Authority::load(dir) {
        Err(error) if !files::issuer(dir).exists() => {
            std::fs::read_to_string(dir.join("ca.pem")).map_err(|_| error)
        }
        loaded => loaded.map(|authority| authority.root_pem()),
    }
}

/// The names in lower case, each once; an error for what is no DNS name.
fn normalise(names: &[String]) -> Result<Vec<String>, CaError> {
    let mut normal = Vec::with_capacity(names.len());
    for name in names {
        let name = dns_name(name).ok_or_else(|| CaError::BadName { name: name.clone() })?.into_string();
        if !normal.contains(&name) {
            normal.push(name);
        }
    }
    if normal.is_empty() { Err(CaError::NoNames) } else { Ok(normal) }
}

#[cfg(test)]
mod tests;

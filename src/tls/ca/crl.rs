//! The lists of what is revoked, which are always empty: a leaf is gone with the process that made it.
//!
//! Windows' own TLS refuses a chain of which it cannot find out whether a part is revoked. So leaves say where the
//! intermediate's list is, and the intermediate says where the root's is. The proxy serves both. The first is signed
//! when it is asked for. The second was signed once, before the root's key was dropped, and is good for as long as the
//! root.
//!
//! Windows fetches them without `https_proxy`, so they are on the proxy's loopback address. A leaf names the one that
//! is listened on now; the intermediate the one that was configured when the CA was made.

use std::time::SystemTime;

use rcgen::{CertificateRevocationListParams, KeyIdMethod, SerialNumber};
use rustls::pki_types::CertificateRevocationListDer;
use time::{Duration, OffsetDateTime};

use super::{Authority, BACKDATED};

/// How long a leaves' list is good for, and so how long Windows keeps it.
const CRL_LIFE: Duration = Duration::days(7);

/// What is signed: nothing is revoked, from before `now` until `end` (RFC 5280 §5).
pub(super) fn empty(now: OffsetDateTime, end: OffsetDateTime) -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: now - BACKDATED,
        next_update: end,
        crl_number: SerialNumber::from(now.unix_timestamp().unsigned_abs()),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

// === impl Authority ===

impl Authority {
    /// Has leaves name the URL at which [`crl`](Self::crl) is served.
    pub fn with_crl_at(self, url: Option<String>) -> Self {
        Self { crl_url: url, ..self }
    }

    /// Where leaves say that the list is.
    pub(in crate::tls) fn crl_url(&self) -> Option<&str> {
        self.crl_url.as_deref()
    }

    /// The leaves' list at `now`, in DER, signed by the intermediate.
    pub fn crl(&self, now: SystemTime) -> Result<Vec<u8>, rcgen::Error> {
        let now = OffsetDateTime::from(now);
        Ok(empty(now, now + CRL_LIFE).signed_by(&self.issuer)?.der().to_vec())
    }

    /// The intermediates' list in DER, signed by the root. A CA that an older version made has none.
    pub fn root_crl(&self) -> Option<&CertificateRevocationListDer<'static>> {
        self.root_crl.as_ref()
    }

    /// Where the intermediate says that the root's list is.
    pub fn root_crl_url(&self) -> Option<&str> {
        self.root_crl_url.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{CertificateRevocationListDer, ServerName, UnixTime};
    use x509_parser::extensions::ParsedExtension;
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;
    use crate::tls::ca::Purpose;
    use crate::tls::leaf::{self, Leaf};
    use crate::tls::testing::{openssl_verify, verify};
    use crate::tls::{pem, provider};

    const URL: &str = "http://127.0.0.1:8080/ca.crl";
    const ROOT_URL: &str = "http://127.0.0.1:8080/root.crl";

    fn made() -> (Authority, Leaf) {
        let purpose = Purpose {
            root_crl_url: Some(ROOT_URL.into()),
            ..Purpose::for_names(["openai.com", "localhost"])
        };
        let authority = Authority::make(&purpose).unwrap().with_crl_at(Some(URL.into()));
        let leaf = leaf::mint(&authority, "api.openai.com", SystemTime::now()).unwrap();
        (authority, leaf)
    }

    /// What a client says that wants to know of every certificate of the chain whether it is revoked.
    fn checked(authority: &Authority, leaf: &Leaf, crl: Vec<u8>) -> Result<(), rustls::Error> {
        let mut store = RootCertStore::empty();
        store.add(authority.root_der().clone()).unwrap();
        let lists = [CertificateRevocationListDer::from(crl), authority.root_crl().unwrap().clone()];
        let verifier = WebPkiServerVerifier::builder_with_provider(store.into(), provider())
            .with_crls(lists)
            .enforce_revocation_expiration()
            .build()
            .unwrap();
        let name = ServerName::try_from("api.openai.com").unwrap();
        let chain = &leaf.certified.cert;
        verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn a_client_that_wants_to_know_learns_that_nothing_is_revoked() {
        let (authority, leaf) = made();
        let crl = authority.crl(SystemTime::now()).unwrap();
        assert_eq!(checked(&authority, &leaf, crl), Ok(()));
        let (other, _) = made();
        assert!(checked(&authority, &leaf, other.crl(SystemTime::now()).unwrap()).is_err());
        let old = SystemTime::now() - std::time::Duration::from_secs(8 * 86_400);
        assert!(checked(&authority, &leaf, authority.crl(old).unwrap()).is_err());
    }

    #[test]
    fn certificates_that_name_them_are_as_good_to_those_who_do_not_ask() {
        let (authority, leaf) = made();
        let chain = &leaf.certified.cert;
        assert_eq!(verify(&authority, chain, "api.openai.com"), Ok(()));
        assert_eq!(openssl_verify(&authority, chain, "api.openai.com"), Ok(()));
        for (der, url) in chain.iter().zip([URL, ROOT_URL]) {
            let (_, certificate) = X509Certificate::from_der(der).unwrap();
            let named = certificate.extensions().iter().any(|extension| {
                let is_point =
                    matches!(extension.parsed_extension(), ParsedExtension::CRLDistributionPoints(_));
                is_point && !extension.critical && String::from_utf8_lossy(extension.value).contains(url)
            });
            assert!(named, "{url}");
        }
        assert_eq!(authority.root_crl_url(), Some(ROOT_URL));
    }

    #[test]
    fn openssl_finds_the_whole_chain_in_them_until_the_root_ends() {
        let (authority, leaf) = made();
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let of_leaves = pem::encode("X509 CRL", &authority.crl(SystemTime::now()).unwrap());
        let of_root = pem::encode("X509 CRL", authority.root_crl().unwrap());
        let root = write("root.pem", authority.root_pem());
        let between = write("between.pem", pem::encode("CERTIFICATE", authority.intermediate_der()));
        let [leaf, of_leaves, both, of_root] = [
            ("leaf.pem", pem::encode("CERTIFICATE", &leaf.certified.cert[0])),
            ("leaves.crl", of_leaves.clone()),
            ("both.crl", format!("{of_leaves}{of_root}")),
            ("root.crl", of_root),
        ]
        .map(|(name, text)| write(name, text));
        let last_day = (authority.not_after() - Duration::DAY).unix_timestamp().to_string();
        for (lists, of, how, good) in [
            (&both, &leaf, &["-crl_check_all"][..], true),
            (&of_leaves, &leaf, &["-crl_check"], true),
            (&of_leaves, &leaf, &["-crl_check_all"], false),
            (&of_root, &between, &["-crl_check", "-attime", &last_day], true),
        ] {
            let output = Command::new("openssl")
                .args(["verify", "-x509_strict", "-CRLfile"])
                .arg(lists)
                .arg("-CAfile")
                .arg(&root)
                .arg("-untrusted")
                .arg(&between)
                .args(how)
                .arg(of)
                .output()
                .unwrap();
            assert_eq!(output.status.success(), good, "{how:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    #[test]
    fn a_ca_keeps_its_list_and_one_without_is_as_good() {
        let (made, _) = made();
        let read = |text: &str| Authority::parse(text.as_bytes(), OffsetDateTime::now_utc()).unwrap();
        let kept = read(&made.issuer_pem());
        assert_eq!((kept.root_crl(), kept.root_crl_url()), (made.root_crl(), Some(ROOT_URL)));
        assert!(kept.root_crl().is_some());
        let list = pem::encode("X509 CRL", made.root_crl().unwrap());
        let without = read(&made.issuer_pem().replace(&list, ""));
        assert_eq!((without.root_crl(), without.fingerprint()), (None, made.fingerprint()));
    }
}

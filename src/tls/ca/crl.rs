//! The list of leaves that are revoked, which is always empty: a leaf is gone with the process that made it.
//!
//! Windows' own TLS refuses a certificate of which it cannot find out whether it is revoked. So leaves say where the
//! list is, and the proxy serves it there. The intermediate says nothing of the kind: its list would have to be signed
//! by the root, whose key is gone. Whoever insists on knowing of the whole chain does not find out.

use std::time::SystemTime;

use rcgen::{CertificateRevocationListParams, KeyIdMethod, SerialNumber};
use time::{Duration, OffsetDateTime};

use super::{Authority, BACKDATED};

/// How long a list is good for, and so how long Windows keeps it.
const CRL_LIFE: Duration = Duration::days(7);

impl Authority {
    /// Has leaves name the URL at which [`crl`](Self::crl) is served.
    pub fn with_crl_at(self, url: Option<String>) -> Self {
        Self { crl_url: url, ..self }
    }

    /// Where leaves say that the list is.
    pub(in crate::tls) fn crl_url(&self) -> Option<&str> {
        self.crl_url.as_deref()
    }

    /// The list at `now`, in DER (RFC 5280 §5), signed by the intermediate.
    pub fn crl(&self, now: SystemTime) -> Result<Vec<u8>, rcgen::Error> {
        let now = OffsetDateTime::from(now);
        let params = CertificateRevocationListParams {
            this_update: now - BACKDATED,
            next_update: now + CRL_LIFE,
            crl_number: SerialNumber::from(now.unix_timestamp().unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer()?)?.der().to_vec())
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
    use crate::tls::leaf::{self, Leaf};
    use crate::tls::testing::{authority, openssl_verify, verify};
    use crate::tls::{pem, provider};

    const URL: &str = "http://127.0.0.1:8080/ca.crl";

    fn made() -> (Authority, Leaf) {
        let authority = authority().with_crl_at(Some(URL.into()));
        let leaf = leaf::mint(&authority, "api.openai.com", SystemTime::now()).unwrap();
        (authority, leaf)
    }

    /// What a client says that wants to know of the leaf whether it is revoked.
    fn checked(authority: &Authority, leaf: &Leaf, crl: Vec<u8>) -> Result<(), rustls::Error> {
        let mut store = RootCertStore::empty();
        store.add(authority.root_der().clone()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(store.into(), provider())
            .with_crls([CertificateRevocationListDer::from(crl)])
            .only_check_end_entity_revocation()
            .enforce_revocation_expiration()
            .build()
            .unwrap();
        let name = ServerName::try_from("api.openai.com").unwrap();
        let chain = &leaf.certified.cert;
        verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn a_client_that_wants_to_know_learns_that_a_leaf_is_not_revoked() {
        let (authority, leaf) = made();
        let crl = authority.crl(SystemTime::now()).unwrap();
        assert_eq!(checked(&authority, &leaf, crl), Ok(()));
        let (other, _) = made();
        assert!(checked(&authority, &leaf, other.crl(SystemTime::now()).unwrap()).is_err());
        let old = SystemTime::now() - std::time::Duration::from_secs(8 * 86_400);
        assert!(checked(&authority, &leaf, authority.crl(old).unwrap()).is_err());
    }

    #[test]
    fn a_leaf_that_names_it_is_as_good_to_those_who_do_not_ask() {
        let (authority, leaf) = made();
        let chain = &leaf.certified.cert;
        assert_eq!(verify(&authority, chain, "api.openai.com"), Ok(()));
        assert_eq!(openssl_verify(&authority, chain, "api.openai.com"), Ok(()));
        let (_, certificate) = X509Certificate::from_der(&chain[0]).unwrap();
        let named = certificate.extensions().iter().any(|extension| {
            let is_point = matches!(extension.parsed_extension(), ParsedExtension::CRLDistributionPoints(_));
            is_point && !extension.critical && String::from_utf8_lossy(extension.value).contains(URL)
        });
        assert!(named);
    }

    #[test]
    fn openssl_reads_it() {
        let (authority, leaf) = made();
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let crl = authority.crl(SystemTime::now()).unwrap();
        let output = Command::new("openssl")
            .args(["verify", "-x509_strict", "-crl_check", "-CRLfile"])
            .arg(write("crl.pem", pem::encode("X509 CRL", &crl)))
            .arg("-CAfile")
            .arg(write("root.pem", authority.root_pem()))
            .arg("-untrusted")
            .arg(write("between.pem", pem::encode("CERTIFICATE", authority.intermediate_der())))
            .arg(write("leaf.pem", pem::encode("CERTIFICATE", &leaf.certified.cert[0])))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

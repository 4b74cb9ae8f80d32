//! What can be wrong with a CA, and what its certificates say about themselves.

use rustls::pki_types::CertificateDer;
use thiserror::Error;
use time::OffsetDateTime;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::tls::leaf::LeafError;
use crate::tls::pem;

/// What is wrong with a CA's key and certificates.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// Not PEM text, or a part is missing.
    #[error("it does not hold a private key and two certificates")]
    Pem(#[from] pem::PemError),
    /// There are not exactly two certificates, the intermediate and then the root.
    #[error("it holds {0} certificates instead of an intermediate and its root")]
    Count(usize),
    /// A certificate is not X.509.
    #[error("a certificate in it cannot be read")]
    Certificate,
    /// The key cannot be read, or signing failed.
    #[error("its key cannot be used")]
    Key(#[from] rcgen::Error),
    /// The key is not the intermediate's.
    #[error("its key does not belong to its certificate")]
    KeyMismatch,
    /// The intermediate may sign for any name: more power than this program wants to hold.
    #[error("its intermediate has no name constraints")]
    Unconstrained,
    /// Nothing signed by it would be accepted any more.
    #[error("it expired on {}", .0.date())]
    Expired(OffsetDateTime),
    /// No leaf could be made on trial.
    #[error("it cannot sign")]
    Trial(#[source] LeafError),
    /// A leaf made on trial is refused by a client that trusts the root.
    #[error("clients that trust it would refuse what it signs")]
    Refused(#[source] rustls::Error),
}

/// What we read from a CA certificate.
pub(super) struct Facts {
    /// The whole SubjectPublicKeyInfo.
    pub(super) spki: Vec<u8>,
    pub(super) not_after: OffsetDateTime,
    /// The DNS names that its constraints permit, in lower case; empty without constraints.
    pub(super) permitted: Vec<String>,
    /// Where it says that the list is on which it would stand if it were revoked.
    pub(super) crl_url: Option<String>,
}

// === impl Facts ===

impl Facts {
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Result<Self, AuthorityError> {
        let (rest, parsed) =
            X509Certificate::from_der(certificate).map_err(|_| AuthorityError::Certificate)?;
        if !rest.is_empty() {
            return Err(AuthorityError::Certificate);
        }
        Ok(Self {
            spki: parsed.public_key().raw.to_vec(),
            not_after: parsed.validity().not_after.to_datetime(),
            permitted: permitted_names(&parsed),
            crl_url: crl_url(&parsed),
        })
    }
}

fn permitted_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let constraints =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(constraints) => Some(constraints),
            _ => None,
        });
    let subtrees = constraints.and_then(|c| c.permitted_subtrees.as_deref()).unwrap_or_default();
    let names = subtrees.iter().filter_map(|subtree| match subtree.base {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

fn crl_url(certificate: &X509Certificate<'_>) -> Option<String> {
    let points =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => Some(points),
            _ => None,
        })?;
    let mut names = points.iter().flat_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => names.as_slice(),
        _ => &[],
    });
    names.find_map(|name| match name {
        GeneralName::URI(url) => Some((*url).to_owned()),
        _ => None,
    })
}

//! What our CA certificates say: a root that signs once, and the constrained intermediate that signs leaves.
//!
//! The constraints stand on both. Java ignores those of a trust anchor, so a root alone would not do;
//! the root carries them too, for verifiers that apply them, should its key outlive this process after all.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CrlDistributionPoint, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyUsagePurpose, NameConstraints, PublicKeyData,
    SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};

use super::crl;
use super::key::IssuerKey;
use crate::tls;

/// How far in the past a new certificate starts, for clients whose clock is behind.
pub(in crate::tls) const BACKDATED: Duration = Duration::hours(48);

/// Ten years, the backdating included.
const CA_LIFE: Duration = Duration::days(3650);

/// What a new CA is made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// The names that it may sign for, and with them all names below.
    pub names: Vec<String>,
    /// Where clients will find the root's list of revoked intermediates; without it the intermediate names none.
    pub root_crl_url: Option<String>,
}

/// An intermediate with its key, and the root above it; the root's key is gone.
pub(super) struct Material {
    pub(super) key: IssuerKey,
    pub(super) intermediate: CertificateDer<'static>,
    pub(super) root: CertificateDer<'static>,
    /// What the root says of its intermediate: that it is not revoked. CAs of earlier versions have none.
    pub(super) root_crl: Option<CertificateRevocationListDer<'static>>,
}

// === impl Purpose ===

impl Purpose {
    /// To sign for these names and those below, and to name no list.
    pub fn for_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { names: names.into_iter().map(str::to_owned).collect(), root_crl_url: None }
    }
}

/// Makes a root and an intermediate that may sign for the names and those below them.
pub(super) fn generate(purpose: &Purpose, now: OffsetDateTime) -> Result<Material, rcgen::Error> {
    let permitted = &purpose.names;
    let root_key = IssuerKey::generate()?;
    let tag = &tls::sha256_hex(&root_key.subject_public_key_info())[..8];
    let above = params("CA", tag, 1, permitted, now)?;
    let root = above.self_signed(&root_key)?;

    let key = IssuerKey::generate()?;
    let mut below = params("issuing CA", tag, 0, permitted, now)?;
    below.use_authority_key_identifier_extension = true;
    // Constraints bind the names that they know of. A certificate for mail or for a client would have others.
    below.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    below.crl_distribution_points = distribution_points(purpose.root_crl_url.as_deref());
    let issuer = Issuer::from_params(&above, &root_key);
    let intermediate = below.signed_by(&key, &issuer)?;
    // Nobody can sign another one: it has to last.
    let root_crl = crl::empty(now, above.not_after).signed_by(&issuer)?;
    Ok(Material {
        key,
        intermediate: intermediate.der().clone(),
        root: root.der().clone(),
        root_crl: Some(root_crl.der().clone()),
    })
}

/// A fresh serial number of 128 random bits, twice what CA/Browser Forum BR §7.1 asks for.
pub(in crate::tls) fn new_serial() -> Result<SerialNumber, rcgen::Error> {
    // The same failure as when the library's own draw for a key fails.
    let bits: [u8; 16] = tls::random().map_err(|_| rcgen::Error::RingUnspecified)?;
    Ok(SerialNumber::from_slice(&bits))
}

/// Where the list of revoked certificates is that `url` names, as a certificate says it (RFC 5280 §4.2.1.13).
pub(in crate::tls) fn distribution_points(url: Option<&str>) -> Vec<CrlDistributionPoint> {
    url.map(|url| CrlDistributionPoint { uris: vec![url.to_owned()] }).into_iter().collect()
}

/// The profile that root and intermediate share (RFC 5280 §4.2.1).
fn params(
    role: &str,
    tag: &str,
    path_length: u8,
    permitted: &[String],
    now: OffsetDateTime,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("azure-openai-proxy {role} {tag}"));
    params.serial_number = Some(new_serial()?);
    params.not_before = now - BACKDATED;
    params.not_after = params.not_before + CA_LIFE;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(constraints(permitted));
    Ok(params)
}

/// Names are permitted; addresses, which constraints on names leave free, are excluded.
fn constraints(permitted: &[String]) -> NameConstraints {
    NameConstraints {
        permitted_subtrees: permitted.iter().cloned().map(GeneralSubtree::DnsName).collect(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    }
}

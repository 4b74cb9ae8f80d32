//! What our CA certificates say: a root that signs once, and the constrained intermediate that signs leaves.
//!
//! The constraints stand on both. Java ignores those of a trust anchor, so a root alone would not do;
//! the root carries them too, for verifiers that apply them, should its key outlive this process after all.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::tls;

/// How far in the past a new certificate starts, for clients whose clock is behind.
pub(in crate::tls) const BACKDATED: Duration = Duration::hours(48);

/// Ten years, the backdating included.
const CA_LIFE: Duration = Duration::days(3650);

/// A new intermediate with its key, and the root above it; the root's key is gone.
pub(super) struct Material {
    pub(super) key: Zeroizing<KeyPair>,
    pub(super) intermediate: CertificateDer<'static>,
    pub(super) root: CertificateDer<'static>,
}

/// Makes a root and an intermediate that may sign for `permitted` and the names below them.
pub(super) fn generate(permitted: &[String], now: OffsetDateTime) -> Result<Material, rcgen::Error> {
    let root_key = Zeroizing::new(new_key()?);
    let tag = &tls::sha256_hex(&root_key.subject_public_key_info())[..8];
    let above = params("CA", tag, 1, permitted, now)?;
    let root = above.self_signed(&*root_key)?;

    let key = Zeroizing::new(new_key()?);
    let mut below = params("issuing CA", tag, 0, permitted, now)?;
    below.use_authority_key_identifier_extension = true;
    let intermediate = below.signed_by(&*key, &Issuer::from_params(&above, &*root_key))?;
    Ok(Material { key, intermediate: intermediate.der().clone(), root: root.der().clone() })
}

/// A fresh P-256 key.
pub(in crate::tls) fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

/// A fresh serial number of 128 random bits, twice what CA/Browser Forum BR §7.1 asks for.
pub(in crate::tls) fn new_serial() -> Result<SerialNumber, rcgen::Error> {
    // The same failure as when the library's own draw for a key fails.
    let bits: [u8; 16] = tls::random().map_err(|_| rcgen::Error::RingUnspecified)?;
    Ok(SerialNumber::from_slice(&bits))
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

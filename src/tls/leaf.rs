//! Leaves: the short-lived certificates that stand for one intercepted name each.

mod key;

use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use time::{Duration, OffsetDateTime};

use crate::tls::ca::{Authority, BACKDATED, distribution_points, new_serial};
use crate::tls::dns_name;
use crate::tls::leaf::key::LeafKey;

/// All of a leaf's life, the backdating and its last second included (RFC 5280 §4.1.2.5 counts both ends).
/// Under the 47 days that CA/Browser Forum SC-081 leaves public CAs from 2029.
const LEAF_LIFE: Duration = Duration::days(45).saturating_sub(Duration::SECOND);

/// The longest common name that X.520 has room for.
const LONGEST_COMMON_NAME: usize = 64;

/// A leaf with its own key and the chain as it is sent: the leaf and the intermediate.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Chain and key, for rustls.
    pub certified: Arc<CertifiedKey>,
    /// When it starts to be valid.
    pub not_before: SystemTime,
    /// When a new one is due: after two thirds of what is left of its life.
    pub renew_at: SystemTime,
    /// When it ends, never after the CA.
    pub not_after: SystemTime,
}

/// Why there is no leaf for a name.
#[derive(Debug, Error)]
pub enum LeafError {
    /// The name is not among those that may be intercepted.
    #[error("{name:?} is not a name that this proxy answers for")]
    NotAllowed {
        /// The name.
        name: String,
    },
    /// The CA's constraints do not permit the name.
    #[error("the CA may not sign for {name:?}")]
    NotCovered {
        /// The name.
        name: String,
    },
    /// The CA is past its end.
    #[error("the CA expired on {}; run: azure-openai-proxy ca init --replace", .0.date())]
    CaExpired(OffsetDateTime),
    /// No key, no serial number or no signature could be made.
    #[error("cannot make a certificate")]
    Sign(#[from] rcgen::Error),
    /// rustls does not take what was made.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

/// Makes a leaf for exactly `name` with a key of its own, valid from two days before `now`.
pub fn mint(authority: &Authority, name: &str, now: SystemTime) -> Result<Leaf, LeafError> {
    let Some(name) = dns_name(name).filter(|name| authority.covers(name)) else {
        return Err(LeafError::NotCovered { name: name.to_owned() });
    };
    let ca_end = authority.not_after();
    let now = OffsetDateTime::from(now);
    if now >= ca_end {
        return Err(LeafError::CaExpired(ca_end));
    }
    let not_before = now - BACKDATED;
    let not_after = ca_end.min(not_before + LEAF_LIFE);

    let key = LeafKey::generate()?;
    let mut params = params(&name, not_before, not_after)?;
    params.crl_distribution_points = distribution_points(authority.crl_url());
    let signed = authority.sign(&params, &key)?;
    let chain = vec![signed, authority.intermediate_der().clone()];
    Ok(Leaf {
        certified: Arc::new(CertifiedKey::new(chain, Arc::new(key))),
        not_before: not_before.into(),
        renew_at: renewal(now, not_after, ca_end).into(),
        not_after: not_after.into(),
    })
}

/// The profile: what public CAs put into a server's certificate, and nothing else.
fn params(
    name: &str,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // Never empty: with an empty subject the alternative name would have to be critical (RFC 5280 §4.2.1.6).
    params.distinguished_name.push(DnType::OrganizationName, "azure-openai-proxy");
    if name.len() <= LONGEST_COMMON_NAME {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
    params.serial_number = Some(new_serial()?);
    params.not_before = not_before;
    params.not_after = not_after;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn renewal(now: OffsetDateTime, not_after: OffsetDateTime, ca_end: OffsetDateTime) -> OffsetDateTime {
    // The last leaf before the CA's end cannot be bettered by another.
    if not_after == ca_end { ca_end } else { now + (not_after - now) * 2 / 3 }
}

// === impl Leaf ===

impl Leaf {
    /// Whether it may be shown at `now`; a clock set back past its start makes it useless too.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        (self.not_before..self.renew_at).contains(&now)
    }
}

#[cfg(test)]
mod tests;

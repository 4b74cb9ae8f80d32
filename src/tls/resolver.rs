//! Which TLS configuration answers for which name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ServerConfig};

use crate::tls::ca::Authority;
use crate::tls::leaf::{self, Leaf, LeafError};
use crate::tls::{dns_name, provider};

/// Leaves for a fixed list of names, minted when first asked for and again when due. Cheap to clone.
///
/// No name outside the list is ever minted, so no client can make it grow.
#[derive(Clone)]
pub struct Leaves(Arc<Inner>);

struct Inner {
    authority: Arc<Authority>,
    slots: HashMap<Box<str>, Arc<Mutex<Option<Slot>>>>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

/// What is in use for one name.
struct Slot {
    leaf: Leaf,
    config: Arc<ServerConfig>,
}

// === impl Leaves ===

impl Leaves {
    /// Leaves of `authority` for `names`; an error that names the first one it may not sign for.
    pub fn new(
        authority: Arc<Authority>,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Self, LeafError> {
        Self::with_clock(authority, names, SystemTime::now)
    }

    /// As [`Leaves::new`], with another source of time.
    pub fn with_clock(
        authority: Arc<Authority>,
        names: impl IntoIterator<Item = String>,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Result<Self, LeafError> {
        let none = Inner { authority, slots: HashMap::new(), clock: Arc::new(clock) };
        Self(Arc::new(none)).with_names(names)
    }

    /// The same for another list of names; what was minted for a name that stays is kept.
    pub fn with_names(&self, names: impl IntoIterator<Item = String>) -> Result<Self, LeafError> {
        let Inner { authority, slots, clock } = &*self.0;
        let slot = |name: String| match dns_name(&name).filter(|name| authority.covers(name)) {
            Some(name) => {
                let kept = slots.get(&name).map(Arc::clone).unwrap_or_default();
                Ok((name, kept))
            }
            None => Err(LeafError::NotCovered { name }),
        };
        let slots = names.into_iter().map(slot).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner { authority: Arc::clone(authority), slots, clock: Arc::clone(clock) })))
    }

    /// The configuration that answers for `name`, whatever its case.
    ///
    /// [`LeafError::NotAllowed`] for a name that is not on the list.
    pub fn server_config(&self, name: &str) -> Result<Arc<ServerConfig>, LeafError> {
        let key = dns_name(name);
        let Some((name, slot)) = key.and_then(|key| self.0.slots.get_key_value(&key)) else {
            return Err(LeafError::NotAllowed { name: name.to_owned() });
        };
        // Held while minting, which takes microseconds: all others who want this name want that very leaf.
        // A panic in there leaves the old value, which is whole.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.0.clock)();
        match &*slot {
            Some(Slot { leaf, config }) if leaf.is_fresh(now) => Ok(Arc::clone(config)),
            _ => {
                let leaf = leaf::mint(&self.0.authority, name, now)?;
                let config = Arc::new(configure(Arc::clone(&leaf.certified))?);
                *slot = Some(Slot { leaf, config: Arc::clone(&config) });
                Ok(config)
            }
        }
    }

    /// The names that it answers for, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.slots.keys().map(AsRef::as_ref)
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").field("names", &self.0.slots.keys()).finish_non_exhaustive()
    }
}

/// A configuration of its own for each certificate: a ticket or session of one name means nothing to another.
pub(in crate::tls) fn configure(certified: Arc<CertifiedKey>) -> Result<ServerConfig, rustls::Error> {
    let chosen = Arc::new(SingleCertAndKey::from(certified));
    let mut config = ServerConfig::builder_with_provider(shortest_keys_first())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(chosen);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    config.ticketer = Ticketer::new()?;
    // One lets a client come back, and it gets another when it does.
    config.send_tls13_tickets = 1;
    // Early data can be replayed, and a POST must not be (RFC 8470 §4).
    config.max_early_data_size = 0;
    Ok(config)
}

/// The usual cryptography, but AES-128 is chosen before AES-256, as public servers do.
///
/// The keys of our certificates are no stronger. The larger cipher comes with SHA-384, for which few processors have
/// instructions: its key schedule was a third of all that a new connection costs here.
fn shortest_keys_first() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let mut provider = CryptoProvider::clone(&provider());
        provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
        Arc::new(provider)
    });
    Arc::clone(&PROVIDER)
}

#[cfg(test)]
mod tests;

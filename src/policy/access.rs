//! Which client may do what, by where it connects from and by the key that it shows.

use std::net::IpAddr;

use http::HeaderName;

use super::client_keys::{self, ClientKey, ClientKeys, Digest};
use super::destination::Reach;
use super::network::Network;
use super::presented::{Fields, Role};
use super::{Client, Denied, Settings};
use crate::message;

/// Credentials of one head that are looked at. No client shows so many; whoever guesses would.
const MOST: usize = 8;

/// The rules for everybody.
#[derive(Clone, Debug)]
pub struct Access {
    keys: Option<ClientKeys>,
    fields: Fields,
    trusted: Vec<Network>,
    /// Clients on loopback and in trusted networks need a key too.
    key_for_all: bool,
    /// Strangers need none for the OpenAI routes.
    open: bool,
}

/// What a client wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Use the OpenAI routes.
    Exchange,
    /// Reach hosts of its own choice, by tunnel or plain forwarding.
    Proxying,
}

/// What a request's head shows of who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// No credential.
    Nothing,
    /// Credentials of which none is a key of ours: their digests.
    Unknown(Vec<Digest>),
    /// This client key.
    Key(ClientKey),
}

/// A client that may do what it asked for. Only [`Access`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    client: Client,
    key: Option<ClientKey>,
}

// === impl Access ===

impl Access {
    /// The rules under these settings, where the proxy holds an Azure key or does not.
    ///
    /// Without such a key and without client keys there is nothing to protect: strangers bring a
    /// credential of their own, and Azure decides.
    pub fn new(settings: &Settings, holds_key: bool, key_header: Option<&HeaderName>) -> Self {
        let keys = settings.client_keys.clone();
        Self {
            open: settings.allow_anonymous || !holds_key && keys.is_none(),
            fields: Fields::new(key_header),
            trusted: settings.trusted_clients.clone(),
            key_for_all: settings.require_client_key,
            keys,
        }
    }

    /// Where a client connects from.
    pub fn client(&self, address: IpAddr) -> Client {
        let trusted = || self.trusted.iter().any(|network| network.contains(address));
        match address.to_canonical().is_loopback() {
            true => Client::Loopback,
            false if trusted() => Client::Trusted,
            false => Client::Stranger,
        }
    }

    /// Reads what a head shows in this role, and takes every key of ours out of it in either.
    pub fn examine(&self, role: Role, head: &mut message::Fields) -> Shown {
        let Some(keys) = &self.keys else { return Shown::Nothing };
        let (mut found, mut wrong) = (None, Vec::new());
        for credential in self.fields.shown(role, head).take(MOST + 1) {
            match keys.find(&credential) {
                Some(key) => found = found.or(Some(key.clone())),
                None => wrong.push(client_keys::digest_of(&credential)),
            }
        }
        let shown = match found {
            Some(key) if wrong.len() < MOST => Shown::Key(key),
            None if wrong.is_empty() => Shown::Nothing,
            _ => Shown::Unknown(wrong),
        };
        self.fields.withdraw(head, |credential| keys.find(credential).is_some());
        shown
    }

    /// Whether this client has to show a key for that, if it may have it at all.
    pub fn needs_key(&self, client: Client, right: Right) -> Result<bool, Denied> {
        match (client, right) {
            (Client::Loopback | Client::Trusted, _) => Ok(self.key_for_all),
            (Client::Stranger, Right::Exchange) if self.open => Ok(false),
            (Client::Stranger, _) if self.keys.is_none() => Err(Denied::Stranger),
            (Client::Stranger, _) => Ok(true),
        }
    }

    /// Decides.
    pub fn admit(&self, client: Client, right: Right, role: Role, shown: Shown) -> Result<Admitted, Denied> {
        match (self.needs_key(client, right)?, shown) {
            (_, Shown::Key(key)) => Ok(Admitted { client, key: Some(key) }),
            (false, _) => Ok(Admitted { client, key: None }),
            (true, Shown::Nothing) => Err(Denied::KeyMissing(role)),
            (true, Shown::Unknown(_)) => Err(Denied::KeyUnknown(role)),
        }
    }

    /// Whether what was admitted once, maybe under older settings, would be admitted now.
    ///
    /// `client` is what its address makes of it now.
    pub fn renew(&self, admitted: &Admitted, client: Client, right: Right) -> bool {
        let holds = |key| self.keys.as_ref().is_some_and(|keys| keys.holds(key));
        let keyed = admitted.key.as_ref().is_some_and(holds);
        self.needs_key(client, right).is_ok_and(|needed| keyed || !needed)
    }
}

// === impl Admitted ===

impl Admitted {
    /// How far the destinations that it chooses may resolve.
    pub fn reach(&self) -> Reach {
        Reach::of(self.client)
    }

    /// The key that it has shown.
    pub fn key(&self) -> Option<&ClientKey> {
        self.key.as_ref()
    }
}

#[cfg(test)]
mod tests;

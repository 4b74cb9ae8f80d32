//! A client's key at the door: looked at once, counted when it is wrong, and never passed on.

use std::time::Instant;

use http::header::ORIGIN;

use super::{Peer, Proxy};
use crate::error::{Error, Kind};
use crate::message::RequestHead;
use crate::message::fields::{Fields, text};
use crate::message::host_port::HostPort;
use crate::policy::Denied;
use crate::policy::access::{Admitted, Right, Shown};
use crate::policy::client_keys::ClientKey;
use crate::policy::presented::Role;

/// Where a request for the OpenAI routes came in, which is where its client proves itself.
#[derive(Clone, Copy, Debug)]
pub enum Door<'a> {
    /// On a connection to the proxy, in absolute-form.
    Absolute,
    /// On a connection to the proxy, as if it were the origin server, by this name.
    Reverse(&'a HostPort),
    /// In an intercepted tunnel; what its CONNECT has shown holds for every request in it.
    Tunnel(Option<&'a Admitted>),
}

impl Door<'_> {
    /// What the log calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tunnel(_) => "intercepted",
            Self::Absolute => "absolute",
            Self::Reverse(_) => "reverse",
        }
    }

    /// In which role the client is asked for its key.
    fn role(self) -> Role {
        match self {
            Self::Absolute => Role::Proxy,
            // What a CONNECT did not show is still to come, as the API key.
            Self::Reverse(_) | Self::Tunnel(_) => Role::Origin,
        }
    }
}

/// Decides whether a request may have what it asks for. No client key is left in its head.
///
/// An address that has shown too many wrong keys has to wait until its next one is looked at, be
/// that right or wrong.
pub fn admit(
    proxy: &Proxy,
    fields: &mut Fields,
    peer: &Peer,
    right: Right,
    role: Role,
) -> Result<Admitted, Error> {
    let (access, address, now) = (proxy.access(), peer.address.ip(), Instant::now());
    if access.needs_key(peer.client, right)?
        && let Some(wait) = proxy.failures().wait(address, now)
    {
        return Err(Kind::TooManyFailures { wait }.into());
    }
    let shown = access.examine(role, fields);
    if let (Shown::Unknown(wrong), Ok(true)) = (&shown, access.needs_key(peer.client, right)) {
        proxy.failures().note(address, wrong, now);
    }
    let admitted = access.admit(peer.client, right, role, shown);
    Ok(admitted?)
}

/// As [`admit`], for a CONNECT that is intercepted; `None` if the key is still to come.
///
/// A client that cannot authenticate to a proxy shows its key inside, as the API key. One that
/// shows a wrong key here is told so at once.
pub fn admit_interception(
    proxy: &Proxy,
    fields: &mut Fields,
    peer: &Peer,
) -> Result<Option<Admitted>, Error> {
    match admit(proxy, fields, peer, Right::Exchange, Role::Proxy) {
        Ok(admitted) => Ok(Some(admitted)),
        Err(error) if matches!(error.kind(), Kind::Denied(Denied::KeyMissing(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// As [`admit`], for a request for the OpenAI routes of this host, and for the web page that sends it; the key
/// that was shown is for the log.
///
/// A page that shows a client key was given it, so any page may.
pub fn admit_exchange(
    proxy: &Proxy,
    head: &mut RequestHead,
    peer: &Peer,
    door: Door<'_>,
    host: &HostPort,
) -> Result<Option<ClientKey>, Error> {
    let fields = &mut head.fields;
    let admitted = match door {
        Door::Tunnel(Some(admitted)) if proxy.access().renew(admitted, peer.client, Right::Exchange) => {
            // Its own credential is the client's affair, unless it is one of ours.
            proxy.access().examine(Role::Origin, fields);
            admitted.clone()
        }
        _ => admit(proxy, fields, peer, Right::Exchange, door.role())?,
    };
    match admitted.key() {
        Some(key) => Ok(Some(key.clone())),
        None => check_page(proxy, fields, peer, door, host).map(|()| None),
    }
}

/// A page's request to another origin than its own says which one that is. One to its own need not (Fetch standard,
/// "append a request Origin header"), and then the name that it was sent to is the page's own; over TLS, the name has
/// proven to be ours.
///
/// Pages of the OpenAI host itself would have come through here. Programs say that they are of the host that they ask
/// (Python's websocket-client).
fn check_page(
    proxy: &Proxy,
    fields: &Fields,
    peer: &Peer,
    door: Door<'_>,
    host: &HostPort,
) -> Result<(), Error> {
    match (fields.get(ORIGIN), door) {
        (Some(origin), Door::Tunnel(_) | Door::Absolute) if is_of(origin, host) => Ok(()),
        (Some(origin), _) => Ok(proxy.pages().check(text(origin).unwrap_or_default())?),
        (None, Door::Reverse(named)) if !peer.over_tls => Ok(proxy.pages().check_own(named)?),
        (None, _) => Ok(()),
    }
}

fn is_of(origin: &[u8], host: &HostPort) -> bool {
    let authority = text(origin).and_then(|origin| origin.strip_prefix("https://"));
    authority.and_then(|authority| HostPort::parse(authority, Some(443)).ok()).as_ref() == Some(host)
}

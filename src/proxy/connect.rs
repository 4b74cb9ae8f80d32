//! CONNECT to a host that is not intercepted: a tunnel that nobody looks into.

use std::time::{Duration, Instant};

use http::Uri;

use super::received::{Received, Switch};
use super::{Peer, Proxy};
use crate::admin::journal::figures::{Short, Span};
use crate::error::{Error, Kind};
use crate::message::Response;
use crate::message::body::{self, Body};
use crate::message::host_port::HostPort;
use crate::net::relay::{Carried, RelayError, Tally, relay};
use crate::policy::access::Admitted;
use crate::policy::client_keys::ClientKey;
use crate::upstream::link::Link;
use crate::upstream::way::Purpose;

/// The target of the lines about tunnels: their message alone says all that a person wants to know.
pub const TARGET: &str = module_path!();

/// What is said of a tunnel, once, when this is dropped.
struct Line {
    to: HostPort,
    peer: Peer,
    key: Option<ClientKey>,
    begun: Instant,
    tally: Tally,
    end: End,
}

/// How a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Both sides had finished.
    Complete,
    /// One of them broke off.
    Broken,
    /// Neither said anything for too long.
    Idle,
    /// We stop.
    Cut,
    /// The client was gone before it stood.
    Cancelled,
}

/// Connects first, so that a failure still has a status, and answers 200 only then.
pub async fn tunnel(
    proxy: &Proxy,
    mut request: Received,
    to: HostPort,
    peer: Peer,
    client: &Admitted,
) -> Result<Response<Body>, Error> {
    let begun = Instant::now();
    let permitted = proxy.policy().chosen_by(client, to)?;
    let settings = proxy.upstream_settings();
    let reaching = proxy.upstream().way().reach(&permitted, Purpose::Opaque);
    let origin = match tokio::time::timeout(settings.connect_timeout, reaching).await {
        Ok(reached) => reached.map_err(Kind::from)?,
        Err(_) => return Err(Kind::DialTimeout.into()),
    };
    let (to, idle) = (permitted.destination().clone(), settings.idle_timeout);
    tracing::debug!(client = %peer.address, %to, "tunnel opened");
    let shutdown = peer.shutdown.clone();
    let key = client.key().cloned();
    let line = Line { to, peer, key, begun, tally: Tally::default(), end: End::Cut };
    tokio::spawn(shutdown.unless_over(carry(Switch::of(&mut request), origin, idle, line)));
    Ok(Response::new(body::empty()))
}

/// Says on the log which tunnel was not opened.
pub fn log_refusal(peer: &Peer, to: &Uri, error: &Error) {
    let (client, status, reason) = (peer.address, error.kind().status().as_u16(), error.kind().reason());
    tracing::info!(target: TARGET, %client, %to, status, reason, "CONNECT {to}  {status}  {reason}");
}

async fn carry(switch: Switch, origin: Link, idle: Duration, mut line: Line) {
    // Resolves as soon as our 200 is written; fails when the client is gone before that.
    let client = match switch.switched().await {
        Ok(stream) => stream,
        Err(_) => return line.end = End::Cancelled,
    };
    line.end = match relay(client, origin, idle, &line.tally).await {
        Ok(()) => End::Complete,
        Err(RelayError::Idle(_)) => End::Idle,
        Err(RelayError::Io(error)) => {
            tracing::debug!(to = %line.to, %error, "tunnel broke");
            End::Broken
        }
    };
}

// === impl Line ===

impl Drop for Line {
    fn drop(&mut self) {
        let Self { to, peer, key, begun, tally, end } = &*self;
        let (total, Carried { up, down }) = (Span::from(begun.elapsed()), tally.carried());
        let told = match end {
            End::Complete => String::new(),
            end => format!("  {}", end.as_str()),
        };
        tracing::info!(
            target: TARGET,
            client = %peer.address,
            client_key = key.as_ref().map(ClientKey::name),
            to = %to,
            up,
            down,
            total_ms = total.0,
            outcome = end.as_str(),
            "CONNECT {to}  tunnel{told}  {total}  ↑{} ↓{}",
            Short(up),
            Short(down),
        );
    }
}

// === impl End ===

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Cut => "cut",
            Self::Cancelled => "cancelled",
        }
    }
}

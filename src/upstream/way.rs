//! The way to a destination: straight, or through the parent proxy.

use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::TlsConnector;

use super::Settings;
use super::link::Link;
use super::parent::{Exceptions, Parent, ParentError};
use crate::message::host_port::HostPort;
use crate::net::dial::{self, DialError, Override};
use crate::policy::destination::Reach;
use crate::policy::{Permitted, Policy};

/// How destinations are reached; clones are cheap.
#[derive(Clone)]
pub struct Way {
    policy: Policy,
    overrides: Arc<[Override]>,
    parent: Option<Arc<Parent>>,
    exceptions: Exceptions,
    tls: TlsConnector,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Octets that nobody on the way understands: TLS, or a tunnel.
    Opaque,
    /// Plain HTTP requests, which a parent proxy may see as such.
    Plain,
}

/// Why a destination could not be reached.
#[derive(Debug, Error)]
pub enum ReachError {
    /// Straight.
    #[error("{0}")]
    Dial(#[from] DialError),
    /// Through the parent proxy.
    #[error("{0}")]
    Parent(#[from] ParentError),
}

// === impl Way ===

impl Way {
    /// The way under these settings; a parent proxy that speaks TLS is trusted as `tls` says.
    pub fn new(settings: &Settings, policy: Policy, tls: &rustls::ClientConfig) -> Self {
        Self {
            policy,
            overrides: settings.resolve.clone().into(),
            parent: settings.parent.clone().map(Arc::new),
            exceptions: Exceptions::new(&settings.no_parent),
            tls: TlsConnector::from(Arc::new(tls.clone())),
        }
    }

    /// The parent proxy, if this destination is reached through it.
    pub fn parent_for(&self, to: &HostPort) -> Option<&Parent> {
        self.parent.as_deref().filter(|_| !self.exceptions.cover(to))
    }

    /// Connects to a destination. The caller holds the deadline.
    ///
    /// Through a parent proxy a name is looked up there, and that proxy's rules decide about its addresses. Where
    /// the destination may not be just anywhere, it is looked up and checked here too.
    pub async fn reach(&self, permitted: &Permitted, purpose: Purpose) -> Result<Link, ReachError> {
        let to = permitted.destination();
        let Some(parent) = self.parent_for(to) else {
            return Ok(Link::direct(dial::dial(permitted, &self.overrides).await?));
        };
        permitted.check_literal().map_err(DialError::from)?;
        if permitted.reach() == Reach::Public {
            dial::look_up(permitted, &self.overrides).await?;
        }
        let at = self.policy.permit(parent.at().clone(), Reach::Everywhere);
        let dialled = dial::dial(&at, &self.overrides).await;
        let stream = dialled.map_err(|error| ParentError::Dial(parent.at().clone(), error))?;
        if purpose == Purpose::Plain && parent.forwards() {
            return Ok(parent.secured(stream, &self.tls).await?.facing_parent());
        }
        Ok(parent.connect(stream, to, &self.tls).await?)
    }
}

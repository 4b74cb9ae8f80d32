//! What goes wrong on the way of a request.

mod chain;
mod kind;

use std::error::Error as StdError;
use std::fmt;

use crate::message::body::BoxError;
use crate::policy::Denied;
use crate::rewrite::Refusal;
use crate::route::RouteError;
use crate::upstream::send::SendError;

pub use chain::chain;
pub use kind::{Fault, Kind, READ_ONLY, Sought};

/// A request that is answered by us and not by an origin server.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    /// For the log only; a client never sees it.
    source: Option<BoxError>,
}

// === impl Error ===

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Adds what the log should know.
    pub fn because(kind: Kind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Some(source.into()) }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind, source: None }
    }
}

impl From<RouteError> for Error {
    fn from(error: RouteError) -> Self {
        Kind::Route(error).into()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Kind::Refused(refusal).into()
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Kind::Denied(denied).into()
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Kind::Upstream(error).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match (&self.source, &self.kind) {
            (Some(source), _) => Some(&**source),
            (None, Kind::Upstream(error)) => error.source(),
            (None, Kind::Dial(error)) => error.source(),
            (None, Kind::Parent(error)) => error.source(),
            (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests;

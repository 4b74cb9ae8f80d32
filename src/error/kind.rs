//! The closed set of what goes wrong: whose fault each is, and how it is answered.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::http1::head::HeadError;
use crate::net::dial::DialError;
use crate::policy::Denied;
use crate::policy::presented::Role;
use crate::rewrite::Refusal;
use crate::route::RouteError;
use crate::upstream::parent::ParentError;
use crate::upstream::send::SendError;
use crate::upstream::way::ReachError;

/// The closed set of what can go wrong.
#[derive(Debug)]
pub enum Kind {
    /// What came is no request, or nobody can say where it ends.
    Head(HeadError),
    /// The request line or `Host` makes no sense here.
    Route(RouteError),
    /// The rewrite core will not send it.
    Refused(Refusal),
    /// The policy forbids it.
    Denied(Denied),
    /// The client has shown too many wrong keys.
    TooManyFailures {
        /// For how long nothing that it shows is looked at.
        wait: Duration,
    },
    /// A tunnel on an HTTP/2 connection, for which there is no place among the connections.
    NoPlace,
    /// Too much content is held back already, in all or for this client.
    StoreFull,
    /// More content than may be held back.
    TooLarge {
        /// The limit in octets.
        limit: usize,
        /// What it was held back for.
        sought: Sought,
    },
    /// The client's content broke off or stood still.
    ClientContent,
    /// We have met this request before: `Via` names us.
    Loop,
    /// A WebSocket that the origin does not have; the client is to use plain HTTP.
    Upgrade,
    /// An extended CONNECT for another protocol than WebSocket.
    Protocol,
    /// None of our own pages.
    NotFound,
    /// A page of ours, by another method than GET or HEAD.
    MethodNotAllowed,
    /// DNS, connection, TLS, time or framing failed upstream.
    Upstream(SendError),
    /// Dialling for a tunnel failed.
    Dial(DialError),
    /// The parent proxy opened no tunnel.
    Parent(ParentError),
    /// Dialling for a tunnel took too long.
    DialTimeout,
    /// No leaf certificate could be made.
    Certificate,
}

/// What content is held back for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// To find what decides about the rest: the model, or the purpose of a file.
    Model,
    /// To change it in several places, or to decode it.
    Whole,
}

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client sent something that cannot be served.
    Client,
    /// The operator or the proxy itself.
    Internal,
    /// The origin server or the way to it.
    Upstream,
}

/// What is said to whoever wants to change a page of ours; no other server says it.
pub const READ_ONLY: &str = "azure-openai-proxy answers GET and HEAD here, and nothing else";

// === impl Kind ===

impl From<ReachError> for Kind {
    fn from(error: ReachError) -> Self {
        match error {
            ReachError::Dial(error) => Self::Dial(error),
            ReachError::Parent(error) => Self::Parent(error),
        }
    }
}

impl Kind {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Denied(denied)
            | Self::Dial(DialError::Denied(denied))
            | Self::Upstream(SendError::Denied(denied, _)) => fault_of(denied),
            Self::Head(_) | Self::Route(_) | Self::Refused(_) | Self::TooLarge { .. } => Fault::Client,
            Self::ClientContent | Self::Upgrade | Self::Protocol => Fault::Client,
            Self::NoPlace | Self::StoreFull => Fault::Client,
            Self::NotFound | Self::MethodNotAllowed | Self::TooManyFailures { .. } => Fault::Client,
            Self::Loop | Self::Certificate => Fault::Internal,
            Self::Upstream(_) | Self::Dial(_) | Self::Parent(_) | Self::DialTimeout => Fault::Upstream,
        }
    }

    /// The status that the client gets.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Head(error) => error.status(),
            Self::Route(RouteError::Misdirected { .. }) => StatusCode::MISDIRECTED_REQUEST,
            Self::Route(_) | Self::ClientContent => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) => refusal.status(),
            Self::Denied(denied)
            | Self::Dial(DialError::Denied(denied))
            | Self::Upstream(SendError::Denied(denied, _)) => status_of(denied),
            Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NoPlace | Self::StoreFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Upgrade => StatusCode::UPGRADE_REQUIRED,
            // RFC 9220 §3, and RFC 8441 leaves it open.
            Self::Protocol => StatusCode::NOT_IMPLEMENTED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Upstream(SendError::ConnectTimeout(..) | SendError::FirstByteTimeout(_))
            | Self::DialTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Upstream(
                SendError::Dial(..)
                | SendError::Parent(..)
                | SendError::Certificate(..)
                | SendError::Tls(_)
                | SendError::Handshake
                | SendError::Broken(_),
            )
            | Self::Dial(_)
            | Self::Parent(_) => StatusCode::BAD_GATEWAY,
            Self::Certificate => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A label for logs and for the `code` of OpenAI's envelope: few values, none from a client.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Head(_) => "malformed_request",
            Self::Route(RouteError::Misdirected { .. }) => "misdirected_request",
            Self::Route(_) => "bad_request_target",
            Self::Refused(refusal) => refusal.code(),
            Self::Denied(denied)
            | Self::Dial(DialError::Denied(denied))
            | Self::Upstream(SendError::Denied(denied, _)) => reason_of(denied),
            Self::TooManyFailures { .. } => "too_many_failures",
            Self::NoPlace => "too_many_connections",
            Self::StoreFull => "too_much_held_back",
            Self::Loop => "proxy_loop",
            Self::TooLarge { .. } => "content_too_large",
            Self::ClientContent => "content_broken",
            Self::Upgrade => "upgrade_not_supported",
            Self::Protocol => "protocol_not_supported",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Upstream(SendError::Dial(..)) | Self::Dial(_) => "upstream_unreachable",
            Self::Upstream(SendError::Parent(..)) | Self::Parent(_) => "parent_proxy",
            Self::Upstream(SendError::Certificate(..)) => "upstream_certificate",
            Self::Upstream(SendError::Tls(_)) => "upstream_tls",
            Self::Upstream(SendError::ConnectTimeout(..)) | Self::DialTimeout => "upstream_connect_timeout",
            Self::Upstream(SendError::FirstByteTimeout(_)) => "upstream_timeout",
            Self::Upstream(SendError::Broken(_) | SendError::Handshake) => "upstream_broken",
            Self::Certificate => "no_leaf_certificate",
        }
    }

    /// Whether the connection is closed after the answer, because the rest of what the client
    /// sends on it cannot be trusted or is not going to be read.
    pub fn closes(&self) -> bool {
        match self {
            // Well framed, only meant for another connection.
            Self::Route(RouteError::Misdirected { .. }) => false,
            _ => matches!(
                self,
                Self::Head(_)
                    | Self::Route(_)
                    | Self::TooLarge { .. }
                    | Self::StoreFull
                    | Self::ClientContent
            ),
        }
    }
}

fn fault_of(denied: &Denied) -> Fault {
    match denied {
        Denied::KeyMissing(_) | Denied::KeyUnknown(_) => Fault::Client,
        Denied::Stranger
        | Denied::Elsewhere
        | Denied::Page { .. }
        | Denied::OpaquePage
        | Denied::Name { .. } => Fault::Client,
        Denied::Host { .. } | Denied::Port { .. } | Denied::Address { .. } => Fault::Client,
        // A loop like the one that `Via` tells of, whose fault it is too.
        Denied::Ourselves(_) => Fault::Internal,
    }
}

fn status_of(denied: &Denied) -> StatusCode {
    match denied {
        Denied::KeyMissing(Role::Origin) | Denied::KeyUnknown(Role::Origin) => StatusCode::UNAUTHORIZED,
        Denied::KeyMissing(Role::Proxy) | Denied::KeyUnknown(Role::Proxy) => {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED
        }
        Denied::Stranger
        | Denied::Elsewhere
        | Denied::Page { .. }
        | Denied::OpaquePage
        | Denied::Name { .. } => StatusCode::FORBIDDEN,
        Denied::Host { .. } | Denied::Port { .. } | Denied::Address { .. } => StatusCode::FORBIDDEN,
        Denied::Ourselves(_) => StatusCode::LOOP_DETECTED,
    }
}

fn reason_of(denied: &Denied) -> &'static str {
    match denied {
        Denied::KeyMissing(Role::Origin) | Denied::KeyUnknown(Role::Origin) => "invalid_api_key",
        Denied::KeyMissing(Role::Proxy) | Denied::KeyUnknown(Role::Proxy) => "proxy_authentication_required",
        Denied::Stranger
        | Denied::Elsewhere
        | Denied::Page { .. }
        | Denied::OpaquePage
        | Denied::Name { .. } => "not_allowed",
        Denied::Host { .. } | Denied::Port { .. } | Denied::Address { .. } => "destination_not_allowed",
        Denied::Ourselves(_) => "proxy_loop",
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => write!(f, "not a request that can be served: {error}"),
            Self::Route(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Denied(denied) => denied.fmt(f),
            Self::TooManyFailures { wait } => {
                write!(f, "too many wrong client keys; try again in {} s", wait.as_secs() + 1)
            }
            Self::TooLarge { limit, sought: Sought::Whole } => write!(
                f,
                "this content has to be changed as a whole, but is longer than {limit} octets; raise \
                 buffered_content, or turn off what changes it: compression, nested_models, batch_models, \
                 codex_store"
            ),
            Self::TooLarge { limit, sought: Sought::Model } => write!(
                f,
                "the model was not found in the first {limit} octets of the content, which is all that is held \
                 back; send the model first, or raise buffered_content"
            ),
            Self::StoreFull => f.write_str(
                "too much content is held back already whose model is not known yet; try again, put the model first, \
                 or raise buffered_content",
            ),
            Self::NoPlace => f.write_str(
                "too many open connections, of which each tunnel is one; close some, or raise max_connections or \
                 max_connections_per_client",
            ),
            Self::ClientContent => f.write_str("the request's content broke off"),
            Self::Loop => f.write_str("this request has passed through this proxy before"),
            Self::Upgrade => f.write_str("there is no WebSocket for this; use plain HTTP"),
            Self::Protocol => f.write_str("extended CONNECT is for WebSockets only here"),
            Self::NotFound => f.write_str("not found; OpenAI paths begin with /v1/"),
            Self::MethodNotAllowed => f.write_str(READ_ONLY),
            Self::Upstream(error) => error.fmt(f),
            Self::Dial(error) => error.fmt(f),
            Self::Parent(error) => error.fmt(f),
            Self::DialTimeout => f.write_str("no connection in time"),
            Self::Certificate => f.write_str("no certificate could be made for this host"),
        }
    }
}

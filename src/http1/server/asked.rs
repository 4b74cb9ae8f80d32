//! What a request's head says of its connection.

use http::header::UPGRADE;
use http::{Method, StatusCode, Version};
use tokio::sync::oneshot;

use crate::http1::encoder::Persistence;
use crate::message::content;
use crate::message::hop_by_hop::has_option;
use crate::message::{RequestHead, ResponseHead};
use crate::net::stream::Stream;
use crate::net::switching::Switching;

/// What has to be known of a request when it is answered.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
    /// Whether the client waits to be told before it sends its content (RFC 9110 §10.1.1).
    pub(super) expects_continue: bool,
    /// Whether another request may follow (RFC 9112 §9.3).
    keeps_alive: bool,
    /// Where the connection goes, if it was asked to become something else.
    pub(super) taker: Option<oneshot::Sender<Stream>>,
}

// === impl Asked ===

impl Asked {
    /// Reads it, and adds what the answering side needs to take the connection over.
    pub(super) fn of(head: &mut RequestHead) -> Self {
        let (fields, is_new) = (&head.fields, head.version == Version::HTTP_11);
        let keeps_alive = match is_new {
            true => !has_option(fields, "close"),
            false => has_option(fields, "keep-alive"),
        };
        let expects_continue = is_new && content::expects_continue(fields);
        let switches = head.method == Method::CONNECT || is_new && fields.contains(UPGRADE);
        let taker = switches.then(|| {
            let (taker, switching) = Switching::channel();
            head.extensions.insert(switching);
            taker
        });
        let (method, version) = (head.method.clone(), head.version);
        Self { method, version, expects_continue, keeps_alive, taker }
    }

    /// Of what could not be read.
    pub(super) fn nothing() -> Self {
        Self {
            method: Method::GET,
            version: Version::HTTP_11,
            expects_continue: false,
            keeps_alive: false,
            taker: None,
        }
    }

    /// Whether a response of this status ends HTTP on the connection.
    pub(super) fn switches(&self, status: StatusCode) -> bool {
        match self.method {
            Method::CONNECT => status.is_success(),
            _ => self.taker.is_some() && status == StatusCode::SWITCHING_PROTOCOLS,
        }
    }

    /// Whether another request may follow this response.
    ///
    /// After a CONNECT that failed none may, since what follows may be meant for the tunnel; only a client that is
    /// asked for its key may try again.
    pub(super) fn goes_on(&self, head: &ResponseHead) -> bool {
        let refused =
            self.method == Method::CONNECT && head.status != StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        self.keeps_alive && !refused && !has_option(&head.fields, "close")
    }

    /// How a client that may go on is told so.
    pub(super) fn persistence(&self) -> Persistence {
        if self.version == Version::HTTP_11 { Persistence::Implied } else { Persistence::KeepAlive }
    }
}

//! Requests (RFC 9110 §6).

use http::{Extensions, Method, Uri, Version, request};

use super::fields::Fields;
use super::interim::Interim;

/// The head of a request, and its content.
#[derive(Debug)]
pub struct Request<C> {
    /// The head, in a place of its own: a request is handed on a lot.
    pub head: Box<RequestHead>,
    /// The content.
    pub content: C,
}

/// What a request says before its content.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    /// What is to be done.
    pub method: Method,
    /// The target, in whichever form (RFC 9112 §3.2).
    pub uri: Uri,
    /// Of the connection on which it came.
    pub version: Version,
    /// The field lines.
    pub fields: Fields,
    /// Who is told of responses before the final one: the client of a request that was received, if it can be told, and
    /// whoever asks of one that is sent.
    pub interim: Option<Interim>,
    /// What only few requests come with.
    pub extensions: Extensions,
}

// === impl Request ===

impl<C> Request<C> {
    /// The same request with content that is made of this one's.
    pub fn map<D>(self, map: impl FnOnce(C) -> D) -> Request<D> {
        Request { head: self.head, content: map(self.content) }
    }
}

#[cfg(test)]
impl<C> From<http::Request<C>> for Request<C> {
    fn from(request: http::Request<C>) -> Self {
        let (parts, content) = request.into_parts();
        Self { head: Box::new(parts.into()), content }
    }
}

// === impl RequestHead ===

impl From<request::Parts> for RequestHead {
    fn from(parts: request::Parts) -> Self {
        let request::Parts { method, uri, version, headers, extensions, .. } = parts;
        Self { method, uri, version, fields: (&headers).into(), interim: None, extensions }
    }
}

//! Responses (RFC 9110 §15).

use bytes::Bytes;
use http::{StatusCode, Version, response};

use super::fields::Fields;

/// The head of a response, and its content.
#[derive(Debug)]
pub struct Response<C> {
    /// The head.
    pub head: ResponseHead,
    /// The content.
    pub content: C,
}

/// What a response says before its content.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// What came of the request.
    pub status: StatusCode,
    /// Of the connection on which it came.
    pub version: Version,
    /// The field lines.
    pub fields: Fields,
    /// What stood behind the status, where it is not what usually does.
    pub reason: Option<Bytes>,
}

// === impl Response ===

impl<C> Response<C> {
    /// A response with this content, 200 and no fields.
    pub fn new(content: C) -> Self {
        Self { head: ResponseHead::default(), content }
    }

    /// The same response with content that is made of this one's.
    pub fn map<D>(self, map: impl FnOnce(C) -> D) -> Response<D> {
        Response { head: self.head, content: map(self.content) }
    }
}

#[cfg(test)]
impl<C> From<http::Response<C>> for Response<C> {
    fn from(response: http::Response<C>) -> Self {
        let (parts, content) = response.into_parts();
        Self { head: parts.into(), content }
    }
}

// === impl ResponseHead ===

impl ResponseHead {
    /// A head of this status, without fields.
    pub fn of(status: StatusCode) -> Self {
        Self { status, ..Self::default() }
    }
}

impl From<response::Parts> for ResponseHead {
    fn from(parts: response::Parts) -> Self {
        let response::Parts { status, version, headers, .. } = parts;
        Self { status, version, fields: (&headers).into(), reason: None }
    }
}

//! The one place that turns an error into a response.

use std::error::Error as _;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE,
};
use http::{StatusCode, Version};
use serde_json::json;

use crate::error::{Error, Fault, Kind, chain};
use crate::message::body::{self, Body};
use crate::message::{Response, ResponseHead};

/// Marks an answer that is the proxy's own; its value is the error's reason.
pub const ERROR_FIELD: HeaderName = HeaderName::from_static("x-azure-openai-proxy-error");

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// OpenAI's envelope: inside an exchange.
    OpenAi,
    /// One line of text: CONNECT, plain forwarding and our own pages.
    Text,
}

/// Answers an error and logs it with its causes.
pub fn error(error: &Error, form: Form, version: Version) -> Response<Body> {
    log(error);
    let (head, content) = answer(error.kind(), form, version);
    let mut response = Response::new(body::full(content));
    response.head = head;
    response
}

/// The whole answer in text, as the last octets of an HTTP/1.1 connection on which no request was read; nothing is
/// logged.
pub fn last_words(kind: &Kind) -> Vec<u8> {
    let (mut head, content) = answer(kind, Form::Text, Version::HTTP_11);
    head.fields.insert(CONNECTION, HeaderValue::from_static("close"));
    head.fields.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
    let mut octets = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in head.fields.iter() {
        octets.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    octets.extend([b"\r\n", &*content].concat());
    octets
}

fn answer(kind: &Kind, form: Form, version: Version) -> (ResponseHead, Bytes) {
    let (media_type, content) = match form {
        Form::OpenAi => ("application/json", envelope(kind)),
        Form::Text => ("text/plain; charset=utf-8", Bytes::from(format!("{kind}\n"))),
    };
    let mut head = ResponseHead { status: kind.status(), ..ResponseHead::default() };
    let fields = &mut head.fields;
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(ERROR_FIELD, HeaderValue::from_static(kind.reason()));
    if kind.closes() && version <= Version::HTTP_11 {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match kind {
        Kind::TooManyFailures { wait } => {
            fields.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        Kind::NoPlace | Kind::StoreFull => {
            fields.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    match kind.status() {
        // RFC 9110 §15.5 wants a field with each of these that says what would do.
        StatusCode::UNAUTHORIZED => fields.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            let challenge = HeaderValue::from_static("Basic realm=\"azure-openai-proxy\"");
            fields.insert(PROXY_AUTHENTICATE, challenge);
        }
        StatusCode::UPGRADE_REQUIRED if version == Version::HTTP_11 => {
            fields.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
            fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        // RFC 9110 §12.5.3: what would have been read.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
        }
        StatusCode::METHOD_NOT_ALLOWED => fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD")),
        _ => {}
    }
    (head, content)
}

fn envelope(kind: &Kind) -> Bytes {
    let (kind_of_error, param) = match kind {
        Kind::Refused(refusal) => (refusal.type_(), refusal.param()),
        _ => (error_type(kind), None),
    };
    let content = json!({
        "error": {
            "message": kind.to_string(),
            "type": kind_of_error,
            "param": param,
            "code": kind.reason(),
        }
    });
    Bytes::from(content.to_string())
}

fn error_type(kind: &Kind) -> &'static str {
    match kind.fault() {
        Fault::Client => "invalid_request_error",
        Fault::Internal => "server_error",
        Fault::Upstream => "upstream_error",
    }
}

fn log(error: &Error) {
    let kind = error.kind();
    let (reason, status) = (kind.reason(), kind.status().as_u16());
    let cause = error.source().map(chain).unwrap_or_default();
    match kind.fault() {
        // Its line in the log says all, and our own commands ask for what is not there.
        Fault::Client if matches!(kind, Kind::NotFound) => {
            tracing::debug!(reason, status, cause, "refused: {kind}")
        }
        Fault::Client => tracing::info!(reason, status, cause, "refused: {kind}"),
        Fault::Internal | Fault::Upstream => tracing::warn!(reason, status, cause, "failed: {kind}"),
    }
}

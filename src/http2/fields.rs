//! Fields that HTTP/2 has its own ways for.

use std::time::SystemTime;

use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE,
};

use crate::message::fields;

/// Takes out what speaks of a connection of HTTP/1 (RFC 9113 §8.2.2).
pub(super) fn without_connection(fields: &mut HeaderMap) {
    let trailers = fields.get(TE).is_some_and(|value| value == "trailers");
    let kept = |name: &HeaderName| match *name {
        CONNECTION | TRANSFER_ENCODING | UPGRADE => false,
        TE => trailers,
        _ => !matches!(name.as_str(), "keep-alive" | "proxy-connection"),
    };
    fields::retain(fields, kept);
}

/// Declares a length where none is declared.
pub(super) fn declare(fields: &mut HeaderMap, length: u64) {
    if !fields.contains_key(CONTENT_LENGTH) {
        fields.insert(CONTENT_LENGTH, length.into());
    }
}

/// Takes a declared length back.
pub(super) fn undeclare(fields: &mut HeaderMap) {
    fields::retain(fields, |name| *name != CONTENT_LENGTH);
}

/// Takes out what `:authority` says (RFC 9113 §8.3.1).
pub(super) fn without_host(fields: &mut HeaderMap) {
    fields::retain(fields, |name| *name != HOST);
}

/// Adds the date where there is none, as RFC 9110 §6.6.1 asks.
pub(super) fn date(fields: &mut HeaderMap) {
    if fields.contains_key(DATE) {
        return;
    }
    if let Ok(now) = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now())) {
        fields.insert(DATE, now);
    }
}

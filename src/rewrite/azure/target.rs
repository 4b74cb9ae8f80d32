//! The parts of an Azure URL that are made from a client's.

use std::borrow::Cow;
use std::fmt::Write;

use bytes::Bytes;
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::surface::ApiVersion;
use crate::rewrite::finding::Repeated;
use crate::rewrite::model_map::ModelMap;
use crate::rewrite::refusal::Refusal;

/// Everything but RFC 3986's `pchar`, as the official clients encode a deployment.
const SEGMENT: &AsciiSet = &unreserved()
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Everything but RFC 3986's `unreserved`: what no reader of queries takes for anything else.
const QUERY_VALUE: &AsciiSet = &unreserved();

const fn unreserved() -> AsciiSet {
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~')
}

/// What `api-version` an Azure URL gets.
#[derive(Clone, Copy)]
pub(super) enum Version<'a> {
    /// None at all, whatever the client wrote.
    None,
    /// The client's if v1 knows it (`v1`, `preview`), else `preview` if that is configured.
    V1 {
        /// Whether `preview` is configured.
        preview: bool,
    },
    /// This one, whatever the client wrote.
    Dated(&'a ApiVersion),
}

/// Appends a name as one path segment.
pub(super) fn push_segment(url: &mut String, name: &str) -> Result<(), Refusal> {
    if matches!(name, "" | "." | "..") {
        return Err(Refusal::ModelUnusable { model: name.into() });
    }
    url.extend(utf8_percent_encode(name, SEGMENT));
    Ok(())
}

/// Appends the client's query byte for byte and in its order, but for `api-version` and, where a map
/// is given, the value of `model` if it is mapped to another.
pub(super) fn push_query(
    url: &mut String,
    query: Option<&str>,
    version: Version<'_>,
    map: Option<&ModelMap>,
) {
    let mut mark = '?';
    let mut versioned = false;
    let mut push = |url: &mut String, pair: &str| {
        url.push(mark);
        url.push_str(pair);
        mark = '&';
    };
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key_is(key, "api-version") {
            let known = matches!(version, Version::V1 { .. }) && matches!(value, "v1" | "preview");
            if known && !versioned {
                versioned = true;
                push(url, pair);
            }
            continue;
        }
        match map.filter(|_| key_is(key, "model")).and_then(|map| mapped(map, value)) {
            None => push(url, pair),
            Some(deployment) => {
                push(url, key);
                write!(url, "={}", utf8_percent_encode(&deployment, QUERY_VALUE))
                    .expect("a String takes everything");
            }
        }
    }
    match version {
        Version::Dated(version) => push(url, &format!("api-version={version}")),
        Version::V1 { preview: true } if !versioned => push(url, "api-version=preview"),
        Version::V1 { .. } | Version::None => {}
    }
}

/// The deployment for a value as written, if it differs from the model.
fn mapped(map: &ModelMap, value: &str) -> Option<String> {
    let model = decode_form(value)?;
    let deployment = map.deployment(&model);
    (deployment != model).then(|| deployment.into_owned())
}

/// The model of `engines/{model}/…`, decoded.
pub(in crate::rewrite) fn model_in_path(path: &str) -> Option<String> {
    path.split('/').nth(1).and_then(decode)
}

/// The model of `?model=`, decoded; a second one is refused.
pub(in crate::rewrite) fn model_in_query(query: Option<&str>) -> Result<Option<String>, Refusal> {
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    let mut models = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        key_is(key, "model").then_some(value)
    });
    let first = models.next();
    if models.next().is_some() {
        return Err(Repeated.into());
    }
    Ok(first.and_then(decode_form).filter(|model| !model.is_empty()))
}

/// Whether a key as written is this one; Azure's readers do not tell case apart.
fn key_is(key: &str, name: &str) -> bool {
    key.eq_ignore_ascii_case(name)
        || (key.contains('%') && decode(key).is_some_and(|key| key.eq_ignore_ascii_case(name)))
}

/// Decodes a path segment; `None` if it is not UTF-8.
fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// Decodes a query value, where `+` is a space too.
fn decode_form(text: &str) -> Option<String> {
    if text.contains('+') { decode(&text.replace('+', " ")) } else { decode(text) }
}

/// Refuses segments `.` and `..`, which would climb out of the configured prefix; in whichever
/// encoding, and behind encoded slashes too, since some gateways decode before they resolve.
pub(in crate::rewrite) fn refuse_dots(path: &str) -> Result<(), Refusal> {
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    let mut segments = decoded.split(|b| matches!(b, b'/' | b'\\'));
    if segments.any(|segment| matches!(segment, b"." | b"..")) { Err(Refusal::DotSegment) } else { Ok(()) }
}

/// Reads what was built.
pub(in crate::rewrite) fn uri(url: String) -> Result<Uri, Refusal> {
    Uri::from_maybe_shared(Bytes::from(url)).map_err(|_| Refusal::Target)
}

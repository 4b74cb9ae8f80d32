//! Heads of messages, from octets (RFC 9112 §2–§5).

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};
use httparse::Header;
use memchr::memchr_iter;
use thiserror::Error;

use super::framing::{Framing, FramingError};
use crate::message::trailers::may_trail;
use crate::message::{Fields, RequestHead, ResponseHead};

/// Bounds of one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Octets.
    pub size: usize,
    /// Fields.
    pub fields: usize,
}

/// Why octets are no head that can be served.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HeadError {
    /// A line that does not end in CRLF, which others take for no end at all.
    #[error("a line feed without a carriage return")]
    BareLineFeed,
    /// More octets or more fields than are taken.
    #[error("a head that is too large")]
    TooLarge,
    /// A request target of more octets than a URI can have here, which is 65,534.
    #[error("a request target that is too long")]
    TargetTooLong,
    /// A request target that is none.
    #[error("a malformed request target")]
    Target,
    /// Not what a head consists of.
    #[error("a malformed head: {0}")]
    Malformed(httparse::Error),
    /// It does not say where the message ends.
    #[error("{0}")]
    Framing(#[from] FramingError),
}

/// Fields for which there is room without asking for memory.
const FEW: usize = 64;

/// Takes a request's head from the octets that have come, if all of it is there, and says how its content ends. Octets
/// before `seen` have been looked at before.
///
/// # Errors
///
/// As soon as what has come cannot become a head that is served.
pub fn request(
    inbox: &mut BytesMut,
    seen: &mut usize,
    bounds: Bounds,
) -> Result<Option<(RequestHead, Framing)>, HeadError> {
    // Empty lines before a request are nothing (RFC 9112 §2.2).
    while inbox.starts_with(b"\r\n") {
        inbox.advance(2);
        *seen = 0;
    }
    let Some(end) = end(inbox, seen, bounds.size)? else { return Ok(None) };
    let head = with_room(bounds.fields, |lines| {
        let mut read = httparse::Request::new(&mut []);
        read.parse_with_uninit_headers(&inbox[..end], lines).map_err(HeadError::from)?;
        let method = read.method.unwrap_or_default().as_bytes();
        let head = RequestHead {
            method: Method::from_bytes(method).map_err(|_| httparse::Error::Token)?,
            uri: target(read.path.unwrap_or_default())?,
            version: version(read.version),
            fields: Fields::parsed(&inbox[..end], read.headers),
            ..RequestHead::default()
        };
        let framing = Framing::of_request(&head.method, head.version, &head.fields)?;
        Ok((head, framing))
    })?;
    inbox.advance(end);
    Ok(Some(head))
}

/// Takes a response's head from the octets that have come, if all of it is there; as [`request()`].
pub fn response(
    inbox: &mut BytesMut,
    seen: &mut usize,
    bounds: Bounds,
) -> Result<Option<ResponseHead>, HeadError> {
    let Some(end) = end(inbox, seen, bounds.size)? else { return Ok(None) };
    let head = with_room(bounds.fields, |lines| {
        let mut read = httparse::Response::new(&mut []);
        let mut config = httparse::ParserConfig::default();
        config.allow_obsolete_multiline_headers_in_responses(false);
        let octets = &inbox[..end];
        config.parse_response_with_uninit_headers(&mut read, octets, lines).map_err(HeadError::from)?;
        let status =
            StatusCode::from_u16(read.code.unwrap_or_default()).map_err(|_| httparse::Error::Status)?;
        let usual = |reason: &&str| reason.is_empty() || status.canonical_reason() == Some(*reason);
        let reason = read.reason.filter(|reason| !usual(reason));
        Ok(ResponseHead {
            status,
            version: version(read.version),
            fields: Fields::parsed(&inbox[..end], read.headers),
            reason: reason.map(|reason| Bytes::copy_from_slice(reason.as_bytes())),
        })
    })?;
    inbox.advance(end);
    Ok(Some(head))
}

/// Takes the trailer section behind the last chunk (RFC 9112 §7.1.2), if all of it is there.
///
/// What would frame or route the message has no meaning there and is left out (RFC 9110 §6.5.1).
pub(super) fn trailers(inbox: &mut BytesMut, bounds: Bounds) -> Result<Option<HeaderMap>, HeadError> {
    let Some(end) = end(inbox, &mut 0, bounds.size)? else { return Ok(None) };
    let section = inbox.split_to(end);
    let mut lines = vec![httparse::EMPTY_HEADER; bounds.fields];
    let httparse::Status::Complete((_, lines)) = httparse::parse_headers(&section, &mut lines)? else {
        return Err(HeadError::Malformed(httparse::Error::HeaderName));
    };
    let mut trailers = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| httparse::Error::HeaderName)?;
        let value = HeaderValue::from_bytes(line.value).map_err(|_| httparse::Error::HeaderValue)?;
        if may_trail(&name) {
            trailers.append(name, value);
        }
    }
    Ok(Some(trailers))
}

/// Where the empty line that ends a head has its end.
fn end(inbox: &BytesMut, seen: &mut usize, limit: usize) -> Result<Option<usize>, HeadError> {
    match end_of_head(inbox, *seen)? {
        Some(end) if end <= limit => {
            *seen = 0;
            Ok(Some(end))
        }
        None if inbox.len() <= limit => {
            *seen = inbox.len();
            Ok(None)
        }
        Some(_) | None => Err(HeadError::TooLarge),
    }
}

/// Where the octet after the empty line is. All lines have to end in CRLF.
fn end_of_head(octets: &[u8], from: usize) -> Result<Option<usize>, HeadError> {
    for at in memchr_iter(b'\n', &octets[from..]).map(|at| from + at) {
        match &octets[..at] {
            [.., b'\n', b'\r'] | [b'\r'] => return Ok(Some(at + 1)),
            [.., b'\r'] => {}
            _ => return Err(HeadError::BareLineFeed),
        }
    }
    Ok(None)
}

/// Gives room for so many field lines.
fn with_room<'h, T>(
    fields: usize,
    mut read: impl FnMut(&mut [MaybeUninit<Header<'h>>]) -> Result<T, HeadError>,
) -> Result<T, HeadError> {
    let mut few = [const { MaybeUninit::uninit() }; FEW];
    match read(&mut few[..fields.min(FEW)]) {
        Err(HeadError::TooLarge) if fields > FEW => {
            let mut many: Vec<_> = std::iter::repeat_with(MaybeUninit::uninit).take(fields).collect();
            read(&mut many)
        }
        read => read,
    }
}

fn target(path: &str) -> Result<Uri, HeadError> {
    if path.len() >= usize::from(u16::MAX) {
        return Err(HeadError::TargetTooLong);
    }
    Uri::try_from(path).map_err(|_| HeadError::Target)
}

fn version(minor: Option<u8>) -> Version {
    if minor == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 }
}

// === impl HeadError ===

impl HeadError {
    /// The status that says so (RFC 9110 §15.5.15, RFC 6585 §5).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::BareLineFeed | Self::Target | Self::Malformed(_) | Self::Framing(_) => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooLarge,
            error => Self::Malformed(error),
        }
    }
}

#[cfg(test)]
mod tests;

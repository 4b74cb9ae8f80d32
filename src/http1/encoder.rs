//! Heads and content of messages, to octets (RFC 9112 §2–§7).

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, DATE, HeaderMap, TE};
use http::{Method, Version};
use http_body::SizeHint;
use thiserror::Error;

use super::framing::Framing;
use super::outbox::Outbox;
use crate::message::content::{self, is_without_content};
use crate::message::fields::Name;
use crate::message::hop_by_hop::has_option;
use crate::message::trailers::may_trail;
use crate::message::{Fields, RequestHead, ResponseHead};

/// Writes one message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoder(Framing);

/// What the head of a response has to say of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Nothing: the version says it.
    Implied,
    /// It stays open for a client that would not expect that.
    KeepAlive,
    /// It ends after this response.
    Close,
}

/// Content that is not what its head says.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Mismatch {
    /// More octets.
    #[error("more content than its head declares")]
    TooLong,
    /// Fewer octets.
    #[error("less content than its head declares")]
    TooShort,
}

/// Content that is written together with its head.
const SHORT: usize = 16 << 10;

/// Writes a request's head. The target is written as the URI has it: in absolute-form if it is absolute.
pub(super) fn request_head(
    out: &mut BytesMut,
    head: &RequestHead,
    content: &SizeHint,
    is_end: bool,
) -> Encoder {
    let declared = declared(&head.fields);
    let framing = match (declared, content.exact()) {
        (Some(declared), _) => Framing::Octets(declared),
        (None, _) if is_end => Framing::Octets(0),
        (None, Some(exact)) => Framing::Octets(exact),
        (None, None) => Framing::Chunks,
    };
    make_room(out, &head.fields, content);
    put(out, &[head.method.as_str().as_bytes(), b" "]);
    // Into memory, which cannot fail.
    let _ = write!(out, "{}", head.uri);
    put(out, &[b" HTTP/1.1\r\n"]);
    fields(out, &head.fields, declared.is_some());
    // It concerns this connection (RFC 9110 §10.1.4).
    if head.fields.contains(TE) && !head.fields.contains(CONNECTION) {
        put(out, &[b"connection: te\r\n"]);
    }
    match framing {
        Framing::Octets(count) if declared.is_none() && !is_end => length(out, count),
        Framing::Octets(_) | Framing::UntilClose => {}
        Framing::Chunks => put(out, &[b"transfer-encoding: chunked\r\n"]),
    }
    put(out, &[b"\r\n"]);
    Encoder(framing)
}

/// Writes the head of a response to a request of this method and version. Returns also whether the connection has to
/// end, for the content can be framed in no other way.
pub(super) fn response_head(
    out: &mut BytesMut,
    asked: (&Method, Version),
    head: &ResponseHead,
    content: &SizeHint,
    persistence: Persistence,
) -> (Encoder, bool) {
    let without = is_without_content(asked.0, head.status);
    let declared = declared(&head.fields);
    let framing = match (declared, content.exact()) {
        _ if without => Framing::Octets(0),
        (Some(count), _) | (None, Some(count)) => Framing::Octets(count),
        (None, None) if asked.1 == Version::HTTP_11 => Framing::Chunks,
        (None, None) => Framing::UntilClose,
    };
    let persistence = if framing == Framing::UntilClose { Persistence::Close } else { persistence };
    make_room(out, &head.fields, content);
    let version: &[u8] = if asked.1 == Version::HTTP_11 { b"HTTP/1.1 " } else { b"HTTP/1.0 " };
    put(out, &[version]);
    status_line_end(out, head);
    // What has no content though its method would let it has no length either (RFC 9110 §8.6); 304 may.
    let bare = head.status.is_informational() || head.status == 204 || *asked.0 == Method::CONNECT;
    fields(out, &head.fields, declared.is_some() && !(without && bare));
    match persistence {
        Persistence::Implied => {}
        Persistence::KeepAlive => put(out, &[b"connection: keep-alive\r\n"]),
        Persistence::Close if has_option(&head.fields, "close") => {}
        Persistence::Close => put(out, &[b"connection: close\r\n"]),
    }
    match framing {
        Framing::Octets(count) if declared.is_none() && !without => length(out, count),
        Framing::Octets(_) | Framing::UntilClose => {}
        Framing::Chunks => put(out, &[b"transfer-encoding: chunked\r\n"]),
    }
    if !head.fields.contains(DATE) && !head.status.is_informational() {
        // RFC 9110 §6.6.1 asks for one. In memory, writing cannot fail.
        let _ = write!(out, "date: {}\r\n", httpdate::HttpDate::from(std::time::SystemTime::now()));
    }
    put(out, &[b"\r\n"]);
    (Encoder(framing), framing == Framing::UntilClose)
}

/// Writes a response that comes before the final one (RFC 9110 §15.2).
pub(super) fn interim_head(out: &mut BytesMut, head: &ResponseHead) {
    put(out, &[b"HTTP/1.1 "]);
    status_line_end(out, head);
    fields(out, &head.fields, false);
    put(out, &[b"\r\n"]);
}

/// Asks once for the memory that a head with these fields takes, and with it content that is written together with it.
fn make_room(out: &mut BytesMut, fields: &Fields, content: &SizeHint) {
    /// The first line, and what is added to the fields.
    const ADDED: usize = 256;
    let head = fields.size() + ADDED;
    let content = content.exact().and_then(|octets| usize::try_from(octets).ok());
    out.reserve(head + content.filter(|&octets| octets < SHORT).unwrap_or(ADDED));
}

fn status_line_end(out: &mut BytesMut, head: &ResponseHead) {
    let usual = || head.status.canonical_reason().unwrap_or_default().as_bytes();
    let reason = head.reason.as_deref().unwrap_or_else(usual);
    put(out, &[head.status.as_str().as_bytes(), b" ", reason, b"\r\n"]);
}

/// Writes the fields, but for those that frame content: of them the length, where it is to be written.
fn fields(out: &mut BytesMut, fields: &Fields, with_length: bool) {
    let keep = |name: Name<'_>| !name.is("transfer-encoding") && (with_length || !name.is("content-length"));
    fields.write(keep, |lines| out.extend_from_slice(lines));
}

fn length(out: &mut BytesMut, count: u64) {
    // Into memory, which cannot fail.
    let _ = write!(out, "content-length: {count}\r\n");
}

/// The declared length, if it is one: no other is written.
fn declared(fields: &Fields) -> Option<u64> {
    content::length(fields).ok().flatten()
}

fn put(out: &mut BytesMut, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

// === impl Encoder ===

impl Encoder {
    /// Writes some content.
    pub(super) fn data(&mut self, data: Bytes, outbox: &mut Outbox) -> Result<(), Mismatch> {
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.0 {
            Framing::Octets(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Mismatch::TooLong)?;
                outbox.data(data);
            }
            Framing::UntilClose => outbox.data(data),
            Framing::Chunks => {
                // Into memory, which cannot fail.
                let _ = write!(outbox.small(), "{:X}\r\n", data.len());
                outbox.data(data);
                put(outbox.small(), &[b"\r\n"]);
            }
        }
        Ok(())
    }

    /// Writes the end of the content.
    pub(super) fn end(self, trailers: Option<&HeaderMap>, outbox: &mut Outbox) -> Result<(), Mismatch> {
        match self.0 {
            Framing::Octets(0) | Framing::UntilClose => {}
            Framing::Octets(_) => return Err(Mismatch::TooShort),
            Framing::Chunks => {
                let out = outbox.small();
                put(out, &[b"0\r\n"]);
                if let Some(trailers) = trailers {
                    for (name, value) in trailers.iter().filter(|(name, _)| may_trail(name)) {
                        put(out, &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
                    }
                }
                put(out, &[b"\r\n"]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

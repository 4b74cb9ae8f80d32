//! Where a message's content ends, by what its head says (RFC 9112 §6.3).
//!
//! Stricter than the RFC has to be: what two readers could read in two ways is not read at all.

use http::header::TRANSFER_ENCODING;
use http::{Method, StatusCode, Version};
use thiserror::Error;

use crate::message::Fields;
use crate::message::content::{AmbiguousLength, is_without_content, length};

/// How much content follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many octets.
    Octets(u64),
    /// Chunks until an empty one (RFC 9112 §7.1).
    Chunks,
    /// All that comes until the connection is closed: responses only.
    UntilClose,
}

/// Why nobody can say where a message ends.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FramingError {
    /// Both of the fields that frame content (RFC 9112 §6.1).
    #[error("Content-Length beside Transfer-Encoding")]
    Both,
    /// Not one number, written as everybody writes it.
    #[error(transparent)]
    Length(#[from] AmbiguousLength),
    /// Anything but `chunked`, once, in HTTP/1.1.
    #[error("a Transfer-Encoding other than chunked")]
    TransferEncoding,
    /// Content where it has no meaning (RFC 9110 §9.3.6).
    #[error("CONNECT with content")]
    Connect,
}

// === impl Framing ===

impl Framing {
    /// The content of a request.
    pub fn of_request(method: &Method, version: Version, fields: &Fields) -> Result<Self, FramingError> {
        let framing = match (length(fields)?, is_chunked(fields)) {
            (length, None) => Self::Octets(length.unwrap_or(0)),
            (Some(_), Some(_)) => return Err(FramingError::Both),
            (None, Some(true)) if version == Version::HTTP_11 => Self::Chunks,
            (None, Some(_)) => return Err(FramingError::TransferEncoding),
        };
        if *method == Method::CONNECT && framing != Self::Octets(0) {
            return Err(FramingError::Connect);
        }
        Ok(framing)
    }

    /// The content of the response to a request of this method.
    ///
    /// Any transfer coding but `chunked`, once, is refused: what it makes of the content would be taken for the content.
    pub fn of_response(
        asked: &Method,
        version: Version,
        status: StatusCode,
        fields: &Fields,
    ) -> Result<Self, FramingError> {
        if is_without_content(asked, status) {
            return Ok(Self::Octets(0));
        }
        match (length(fields)?, is_chunked(fields)) {
            (Some(_), Some(_)) => Err(FramingError::Both),
            (Some(length), None) => Ok(Self::Octets(length)),
            (None, Some(true)) if version == Version::HTTP_11 => Ok(Self::Chunks),
            (None, Some(_)) => Err(FramingError::TransferEncoding),
            (None, None) => Ok(Self::UntilClose),
        }
    }
}

/// Whether the transfer coding is `chunked` and nothing else; `None` where there is none.
fn is_chunked(fields: &Fields) -> Option<bool> {
    let mut lines = fields.get_all(TRANSFER_ENCODING);
    let line = lines.next()?;
    Some(lines.next().is_none() && line.eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &str) -> Fields {
        let line = |line| str::split_once(line, ':').map(|(name, value)| (name, value.trim())).unwrap();
        Fields::of(&lines.lines().map(line).collect::<Vec<_>>())
    }

    fn post(lines: &str) -> Result<Framing, FramingError> {
        Framing::of_request(&Method::POST, Version::HTTP_11, &fields(lines))
    }

    #[test]
    fn reads_what_frames_a_request() {
        for (lines, framing) in [
            ("Host: a", Framing::Octets(0)),
            ("Content-Length: 7", Framing::Octets(7)),
            ("content-LENGTH:0", Framing::Octets(0)),
            ("Content-Length:\t18446744073709551615 ", Framing::Octets(u64::MAX)),
            ("Transfer-Encoding: chunked", Framing::Chunks),
            ("transfer-encoding:CHUNKED", Framing::Chunks),
            ("X-Transfer-Encoding: chunked\nContent-Lengths: 1", Framing::Octets(0)),
        ] {
            assert_eq!(post(lines), Ok(framing), "{lines}");
        }
    }

    #[test]
    fn refuses_what_two_readers_read_differently() {
        for (lines, why) in [
            ("Content-Length: 5\nTransfer-Encoding: chunked", FramingError::Both),
            ("Transfer-Encoding: chunked\nContent-Length: 0", FramingError::Both),
            ("Content-Length: 5\nContent-Length: 5", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 5\nContent-Length: 6", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 5, 5", FramingError::Length(AmbiguousLength)),
            ("Content-Length: +5", FramingError::Length(AmbiguousLength)),
            ("Content-Length: -5", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 0x5", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 05", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 00", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 5 5", FramingError::Length(AmbiguousLength)),
            ("Content-Length: ", FramingError::Length(AmbiguousLength)),
            ("Content-Length: 18446744073709551616", FramingError::Length(AmbiguousLength)),
            ("Transfer-Encoding: gzip, chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked, chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked\nTransfer-Encoding: chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked\nTransfer-Encoding: identity", FramingError::TransferEncoding),
            ("Transfer-Encoding: identity", FramingError::TransferEncoding),
            ("Transfer-Encoding: xchunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked;q=1", FramingError::TransferEncoding),
            ("Transfer-Encoding: \"chunked\"", FramingError::TransferEncoding),
            ("Transfer-Encoding:", FramingError::TransferEncoding),
        ] {
            assert_eq!(post(lines), Err(why), "{lines}");
        }
        let old = Framing::of_request(&Method::POST, Version::HTTP_10, &fields("Transfer-Encoding: chunked"));
        assert_eq!(old, Err(FramingError::TransferEncoding));
        for lines in ["Content-Length: 1", "Transfer-Encoding: chunked"] {
            let connect = Framing::of_request(&Method::CONNECT, Version::HTTP_11, &fields(lines));
            assert_eq!(connect, Err(FramingError::Connect), "{lines}");
        }
    }

    #[test]
    fn reads_what_frames_a_response() {
        let (get, head, connect) = (Method::GET, Method::HEAD, Method::CONNECT);
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        for (asked, version, status, lines, framing) in [
            (&get, new, 200, "Content-Length: 3", Ok(Framing::Octets(3))),
            (&get, new, 200, "Transfer-Encoding: chunked", Ok(Framing::Chunks)),
            (&get, old, 200, "Transfer-Encoding: chunked", Err(FramingError::TransferEncoding)),
            (&get, new, 200, "Transfer-Encoding: gzip", Err(FramingError::TransferEncoding)),
            (&get, new, 200, "Transfer-Encoding: gzip, chunked", Err(FramingError::TransferEncoding)),
            (&get, new, 304, "Transfer-Encoding: gzip", Ok(Framing::Octets(0))),
            (&get, new, 200, "X: y", Ok(Framing::UntilClose)),
            (&get, new, 204, "Content-Length: 3", Ok(Framing::Octets(0))),
            (&get, new, 304, "Content-Length: 3", Ok(Framing::Octets(0))),
            (&get, new, 101, "X: y", Ok(Framing::Octets(0))),
            (&head, new, 200, "Content-Length: 3", Ok(Framing::Octets(0))),
            (&connect, new, 200, "Transfer-Encoding: chunked", Ok(Framing::Octets(0))),
            (&connect, new, 403, "Content-Length: 3", Ok(Framing::Octets(3))),
            (&get, new, 200, "Content-Length: 3\nTransfer-Encoding: chunked", Err(FramingError::Both)),
            (
                &get,
                new,
                200,
                "Content-Length: 3\nContent-Length: 4",
                Err(FramingError::Length(AmbiguousLength)),
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Framing::of_response(asked, version, status, &fields(lines)), framing, "{lines}");
        }
    }
}

//! What a request's head says of its message's end. Everything else in it is somebody else's to judge.

use memchr::memchr;

use super::FramingError;

/// The framing of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What follows the head.
    pub content: Content,
    /// Whether the answer can end HTTP on this connection: CONNECT, or `Upgrade` in HTTP/1.1.
    pub switches: bool,
}

/// How much content a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// So many octets.
    Octets(u64),
    /// Chunks until an empty one.
    Chunks,
}

// === impl Head ===

impl Head {
    /// Reads a head, from its request line to its empty line; every line has to end in CRLF.
    ///
    /// A line that is no field has no meaning here: the parser refuses it.
    pub fn read(head: &[u8]) -> Result<Self, FramingError> {
        let (request, mut rest) = line(head)?;
        let (connect, http11) = (request.starts_with(b"CONNECT "), request.ends_with(b" HTTP/1.1"));
        let (mut length, mut chunked, mut upgrade) = (None, false, false);
        while !rest.is_empty() {
            let (field, after) = line(rest)?;
            rest = after;
            if let Some(value) = value_of(field, b"content-length") {
                let value = octets(value).filter(|_| length.is_none());
                length = Some(value.ok_or(FramingError::Length)?);
            } else if let Some(value) = value_of(field, b"transfer-encoding") {
                if chunked || !http11 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(FramingError::TransferEncoding);
                }
                chunked = true;
            } else if value_of(field, b"upgrade").is_some() {
                upgrade = true;
            }
        }
        let content = match (length, chunked) {
            (Some(_), true) => return Err(FramingError::Both),
            (None, true) => Content::Chunks,
            (length, false) => Content::Octets(length.unwrap_or(0)),
        };
        if connect && content != Content::Octets(0) {
            return Err(FramingError::Connect);
        }
        Ok(Self { content, switches: connect || upgrade && http11 })
    }
}

/// The first line without its end, and what follows it.
fn line(octets: &[u8]) -> Result<(&[u8], &[u8]), FramingError> {
    let end = memchr(b'\n', octets).ok_or(FramingError::BareLineFeed)?;
    let line = octets[..end].strip_suffix(b"\r").ok_or(FramingError::BareLineFeed)?;
    Ok((line, &octets[end + 1..]))
}

/// The value of a field line of this name. Most others are told apart by where their colon stands.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.get(name.len()..)?.strip_prefix(b":")?;
    line[..name.len()].eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// A number in digits without a sign and without zeros in front, which some take for an octal number.
fn octets(value: &[u8]) -> Option<u64> {
    let plain = match value {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    std::str::from_utf8(value).ok().filter(|_| plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Head, FramingError> {
        Head::read(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes())
    }

    #[test]
    fn reads_what_frames_a_message() {
        let octets = |count, switches| Ok(Head { content: Content::Octets(count), switches });
        let chunks = Ok(Head { content: Content::Chunks, switches: false });
        for (lines, head) in [
            ("GET / HTTP/1.1\nHost: a", octets(0, false)),
            ("POST / HTTP/1.1\nContent-Length: 7", octets(7, false)),
            ("POST / HTTP/1.1\ncontent-LENGTH:0", octets(0, false)),
            ("POST / HTTP/1.0\nContent-Length:\t18446744073709551615 ", octets(u64::MAX, false)),
            ("POST / HTTP/1.1\nTransfer-Encoding: chunked", chunks),
            ("POST / HTTP/1.1\ntransfer-encoding:CHUNKED", chunks),
            ("POST / HTTP/1.1\nX-Transfer-Encoding: chunked\nContent-Lengths: 1", octets(0, false)),
            ("CONNECT a:443 HTTP/1.1\nHost: a:443", octets(0, true)),
            ("CONNECT a:443 HTTP/1.0\nContent-Length: 0", octets(0, true)),
            ("GET / HTTP/1.1\nUpgrade: websocket", octets(0, true)),
            ("GET / HTTP/1.0\nUpgrade: websocket", octets(0, false)),
            ("POST / HTTP/1.1\nUpgrade: h2c\nContent-Length: 3", octets(3, true)),
        ] {
            assert_eq!(read(lines), head, "{lines}");
        }
    }

    #[test]
    fn refuses_what_two_readers_read_differently() {
        for (fields, why) in [
            ("Content-Length: 5\nTransfer-Encoding: chunked", FramingError::Both),
            ("Transfer-Encoding: chunked\nContent-Length: 5", FramingError::Both),
            ("Transfer-Encoding: chunked\nContent-Length: 0", FramingError::Both),
            ("Content-Length: 5\nContent-Length: 5", FramingError::Length),
            ("Content-Length: 5\nContent-Length: 6", FramingError::Length),
            ("Content-Length: 5, 5", FramingError::Length),
            ("Content-Length: +5", FramingError::Length),
            ("Content-Length: -5", FramingError::Length),
            ("Content-Length: 0x5", FramingError::Length),
            ("Content-Length: 05", FramingError::Length),
            ("Content-Length: 00", FramingError::Length),
            ("Content-Length: 5 5", FramingError::Length),
            ("Content-Length: ", FramingError::Length),
            ("Content-Length: \u{b}5", FramingError::Length),
            ("Content-Length: 18446744073709551616", FramingError::Length),
            ("Transfer-Encoding: gzip, chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked, chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked\nTransfer-Encoding: chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked\nTransfer-Encoding: identity", FramingError::TransferEncoding),
            ("Transfer-Encoding: identity", FramingError::TransferEncoding),
            ("Transfer-Encoding: xchunked", FramingError::TransferEncoding),
            ("Transfer-Encoding: chunked;q=1", FramingError::TransferEncoding),
            ("Transfer-Encoding: \"chunked\"", FramingError::TransferEncoding),
            ("Transfer-Encoding: \u{b}chunked", FramingError::TransferEncoding),
            ("Transfer-Encoding:", FramingError::TransferEncoding),
        ] {
            assert_eq!(read(&format!("POST / HTTP/1.1\nHost: a\n{fields}")), Err(why), "{fields}");
        }
        let old = read("POST / HTTP/1.0\nTransfer-Encoding: chunked");
        assert_eq!(old, Err(FramingError::TransferEncoding));
        for content in ["Content-Length: 1", "Transfer-Encoding: chunked"] {
            let connect = read(&format!("CONNECT a:443 HTTP/1.1\n{content}"));
            assert_eq!(connect, Err(FramingError::Connect), "{content}");
        }
    }
}

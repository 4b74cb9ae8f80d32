use http::HeaderValue;
use http::header::CONTENT_LENGTH;

use super::*;

fn sized(octets: Option<u64>) -> SizeHint {
    octets.map_or_else(SizeHint::default, SizeHint::with_exact)
}

/// A request's head with these fields, before content of this size.
fn request(fields: &[(&str, &str)], content: Option<u64>) -> (String, Encoder) {
    let uri = "/v1/a?b".parse().unwrap();
    let head =
        RequestHead { method: Method::POST, uri, fields: Fields::of(fields), ..RequestHead::default() };
    let mut out = BytesMut::new();
    let encoder = request_head(&mut out, &head, &sized(content), content == Some(0));
    (String::from_utf8(out.to_vec()).unwrap(), encoder)
}

#[test]
fn a_request_is_framed_as_it_was_declared_or_as_it_has_to_be() {
    let line = "POST /v1/a?b HTTP/1.1\r\n";
    for (fields, content, head, framing) in [
        (&[("content-length", "3")][..], None, "content-length: 3\r\n", Framing::Octets(3)),
        (&[], Some(0), "", Framing::Octets(0)),
        (&[("content-length", "0")], Some(0), "content-length: 0\r\n", Framing::Octets(0)),
        (&[], Some(4), "content-length: 4\r\n", Framing::Octets(4)),
        (&[("te", "trailers")], Some(0), "te: trailers\r\nconnection: te\r\n", Framing::Octets(0)),
        (&[], None, "transfer-encoding: chunked\r\n", Framing::Chunks),
        (&[("transfer-encoding", "gzip")], None, "transfer-encoding: chunked\r\n", Framing::Chunks),
    ] {
        assert_eq!(request(fields, content), (format!("{line}{head}\r\n"), Encoder(framing)));
    }
}

/// A response's head without its date, to a request of this method and version.
fn response(
    asked: (Method, Version),
    status: u16,
    fields: &[(&str, &str)],
    content: Option<u64>,
    persistence: Persistence,
) -> (String, bool) {
    let status = status.try_into().unwrap();
    let head = ResponseHead { status, fields: Fields::of(fields), ..ResponseHead::default() };
    let mut out = BytesMut::new();
    let (_, ends) = response_head(&mut out, (&asked.0, asked.1), &head, &sized(content), persistence);
    let head = String::from_utf8(out.to_vec()).unwrap();
    let lines = head.split_inclusive("\r\n").skip(1).filter(|line| !line.starts_with("date: "));
    (lines.collect::<String>().trim_end().replace("\r\n", "|"), ends)
}

#[test]
fn a_response_is_framed_so_that_its_client_sees_the_end() {
    use Persistence::{Close, Implied, KeepAlive};
    let (get, head, connect) = (Method::GET, Method::HEAD, Method::CONNECT);
    let (old, new) = (Version::HTTP_10, Version::HTTP_11);
    let length = &[("content-length", "3")][..];
    for (method, version, status, fields, content, persistence, lines) in [
        (&get, new, 200, length, None, Implied, "content-length: 3"),
        (&get, new, 200, &[], Some(3), Implied, "content-length: 3"),
        (&get, new, 200, &[], Some(0), Implied, "content-length: 0"),
        (&get, new, 200, &[], None, Implied, "transfer-encoding: chunked"),
        (&get, new, 200, &[], None, Close, "connection: close|transfer-encoding: chunked"),
        (&get, new, 200, &[("connection", "close")], Some(0), Close, "connection: close|content-length: 0"),
        (&get, old, 200, length, None, KeepAlive, "content-length: 3|connection: keep-alive"),
        (&get, old, 200, &[], None, KeepAlive, "connection: close"),
        (&head, new, 200, length, Some(0), Implied, "content-length: 3"),
        (&head, new, 200, &[], Some(0), Implied, ""),
        (&get, new, 204, length, Some(0), Implied, ""),
        (&get, new, 304, length, Some(0), Implied, "content-length: 3"),
        (&connect, new, 200, length, None, Implied, ""),
        (&connect, new, 403, length, None, Close, "content-length: 3|connection: close"),
        (&get, new, 101, &[("upgrade", "x")], None, Implied, "upgrade: x"),
    ] {
        let ends = version == old && lines == "connection: close";
        let written = response((method.clone(), version), status, fields, content, persistence);
        assert_eq!(written, (lines.into(), ends), "{method} {status} {fields:?}");
    }
}

#[test]
fn a_response_is_dated_unless_it_is() {
    for (fields, count) in [(&[][..], 1), (&[("date", "then")], 1)] {
        let head = ResponseHead { fields: Fields::of(fields), ..ResponseHead::default() };
        let mut out = BytesMut::new();
        let facts = (&Method::GET, Version::HTTP_11);
        response_head(&mut out, facts, &head, &sized(Some(0)), Persistence::Implied);
        let head = String::from_utf8(out.to_vec()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert_eq!(head.matches("date: ").count(), count, "{head}");
        assert_eq!(head.contains("date: then"), !fields.is_empty());
    }
}

#[test]
fn content_is_never_more_nor_less_than_declared() {
    let mut outbox = Outbox::default();
    let mut encoder = Encoder(Framing::Octets(3));
    assert_eq!(encoder.end(None, &mut outbox), Err(Mismatch::TooShort));
    encoder.data(Bytes::from_static(b"abc"), &mut outbox).unwrap();
    assert_eq!(encoder.end(None, &mut outbox), Ok(()));
    assert_eq!(encoder.data(Bytes::from_static(b"d"), &mut outbox), Err(Mismatch::TooLong));
    assert_eq!(&outbox.small()[..], b"abc");
}

#[test]
fn chunks_are_written_with_what_may_follow_them() {
    let mut outbox = Outbox::default();
    let mut encoder = Encoder(Framing::Chunks);
    encoder.data(Bytes::new(), &mut outbox).unwrap();
    encoder.data(Bytes::from_static(b"0123456789abcdef"), &mut outbox).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    trailers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
    encoder.end(Some(&trailers), &mut outbox).unwrap();
    assert_eq!(&outbox.small()[..], b"10\r\n0123456789abcdef\r\n0\r\nx-sum: 7\r\n\r\n");
}

use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds { size: 1024, fields: 100 };

/// Reads a request's head that arrives in pieces of so many octets.
fn read(octets: &[u8], piece: usize) -> Result<Option<(RequestHead, Framing)>, HeadError> {
    let (mut inbox, mut seen) = (BytesMut::new(), 0);
    for piece in octets.chunks(piece.max(1)) {
        inbox.extend_from_slice(piece);
        if let Some(head) = request(&mut inbox, &mut seen, BOUNDS)? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

#[test]
fn a_request_is_read_in_whatever_pieces_it_arrives() {
    let octets = b"\r\n\r\nPOST /v1/a?b=%2F HTTP/1.1\r\nHost: a\r\nX-Odd: \xe9 b\t \r\nx-odd:\r\nContent-Length: 4\r\n\r\nbody";
    for piece in [1, 2, 3, 7, octets.len()] {
        let (head, framing) = read(octets, piece).unwrap().unwrap();
        assert_eq!((head.method, head.version), (Method::POST, Version::HTTP_11));
        assert_eq!(head.uri, "/v1/a?b=%2F");
        assert_eq!(framing, Framing::Octets(4));
        assert_eq!(head.fields.get_all("x-odd").collect::<Vec<_>>(), [&b"\xe9 b"[..], b""]);
    }
    let (head, _) = read(b"CONNECT a.example:443 HTTP/1.0\r\n\r\n", 100).unwrap().unwrap();
    assert_eq!(head.uri.authority().unwrap(), "a.example:443");
    assert_eq!(head.version, Version::HTTP_10);
}

#[test]
fn what_follows_a_head_stays_where_it_is() {
    let mut inbox = BytesMut::from(&b"GET / HTTP/1.1\r\n\r\n\x16\x03"[..]);
    assert!(request(&mut inbox, &mut 0, BOUNDS).unwrap().is_some());
    assert_eq!(&inbox[..], b"\x16\x03");
}

#[test]
fn what_is_no_head_is_refused_as_soon_as_it_is_seen() {
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a:b\r\n".repeat(101));
    for (octets, status) in [
        ("GET / HTTP/1.1\n", 400),
        ("\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        ("GET  / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nX: a\0\r\n\r\n", 400),
        ("GET http:// HTTP/1.1\r\n\r\n", 400),
        (&"x".repeat(1025), 431),
        (&many, 431),
    ] {
        let refused = read(octets.as_bytes(), octets.len()).unwrap_err();
        assert_eq!(refused.status(), status, "{octets:?}: {refused}");
    }
    let roomy = Bounds { size: 1 << 20, ..BOUNDS };
    let refused = request(&mut BytesMut::from(long.as_bytes()), &mut 0, roomy).unwrap_err();
    assert_eq!(refused.status(), 414);
}

#[test]
fn as_many_fields_as_are_allowed_are_read() {
    let octets = format!("GET / HTTP/1.1\r\n{}\r\n", "a:b\r\n".repeat(100));
    let (head, _) = read(octets.as_bytes(), octets.len()).unwrap().unwrap();
    assert_eq!(head.fields.len(), 100);
}

#[test]
fn a_response_is_read_and_what_it_says_behind_its_status_is_kept() {
    let mut inbox =
        BytesMut::from(&b"HTTP/1.1 299 Sure Thing\r\nX-A: b\r\n\r\nHTTP/1.0 200\r\n\r\nHTTP/1.1"[..]);
    let mut next = || response(&mut inbox, &mut 0, BOUNDS);
    let odd = next().unwrap().unwrap();
    assert_eq!((odd.status.as_u16(), odd.version), (299, Version::HTTP_11));
    assert_eq!(odd.reason.as_deref(), Some(&b"Sure Thing"[..]));
    let bare = next().unwrap().unwrap();
    assert_eq!((bare.status.as_u16(), bare.version), (200, Version::HTTP_10));
    assert!(bare.reason.is_none());
    assert!(next().unwrap().is_none());
    for octets in [
        "HTTP/1.1 99 x\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    ] {
        assert!(response(&mut BytesMut::from(octets.as_bytes()), &mut 0, BOUNDS).is_err(), "{octets:?}");
    }
}

#[test]
fn trailers_cannot_frame_or_route_a_message() {
    let mut inbox =
        BytesMut::from(&b"X-Sum: 1\r\ncontent-length: 3\r\nHost: b\r\nauthorization: c\r\n\r\nrest"[..]);
    let read = trailers(&mut inbox, BOUNDS).unwrap().unwrap();
    assert_eq!(read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-sum"]);
    assert_eq!(&inbox[..], b"rest");
    assert!(trailers(&mut BytesMut::from(&b"\r\n"[..]), BOUNDS).unwrap().unwrap().is_empty());
    assert!(trailers(&mut BytesMut::from(&b"no field\r\n\r\n"[..]), BOUNDS).is_err());
    assert!(trailers(&mut BytesMut::from(&b"X: y\n"[..]), BOUNDS).is_err());
}

proptest! {
    /// Whatever is served has one framing at most, read by another parser.
    #[test]
    fn no_head_that_is_served_has_two_framings(
        lines in prop::collection::vec(
            "(Content-Length|content-length |Transfer-Encoding|transfer-encoding\t| Transfer-Encoding|X)(:|: |:\t)(1|chunked|gzip, chunked|\r?a)(\r\n|\n|\r)",
            1..5,
        ),
    ) {
        let head = format!("POST / HTTP/1.1\r\n{}\r\n", lines.concat());
        let served = read(head.as_bytes(), head.len()).is_ok_and(|head| head.is_some());
        let named = |name: &str| head.to_ascii_lowercase().matches(name).count();
        prop_assert!(!served || named("\ncontent-length") + named("\ntransfer-encoding") < 2, "{head:?}");
    }

    #[test]
    fn pieces_make_no_difference(
        octets in "(GET |POST |CONNECT |/ |\\* |a:1 |HTTP/1.1\r\n|HTTP/1.0\r\n|Content-Length: 1\r\n|X:|[a: \r\n]|\r\n){0,12}",
        piece in 1..9_usize,
    ) {
        let [whole, pieces] = [octets.len(), piece].map(|piece| {
            let head = read(octets.as_bytes(), piece);
            head.map(|head| head.map(|(head, framing)| (head.method, head.uri, head.fields, framing)))
        });
        prop_assert_eq!(whole.is_err(), pieces.is_err());
        prop_assert!(whole.is_err() || whole == pieces);
    }
}

use proptest::prelude::*;

use super::*;

/// Follows in pieces of so many octets.
fn follow(octets: &[u8], piece: usize) -> Result<Follower, FramingError> {
    let mut follower = Follower::new(1024);
    for piece in octets.chunks(piece) {
        let passed = follower.follow(piece).map_err(|refused| refused.why)?;
        assert!(passed == piece.len() || follower.is_undecided());
    }
    Ok(follower)
}

fn ends(octets: &str) -> Result<At, FramingError> {
    let ends: Vec<_> = [1, 2, 3, 7, octets.len()]
        .into_iter()
        .map(|piece| follow(octets.as_bytes(), piece).map(|follower| (follower.at, follower.head)))
        .collect();
    assert!(ends.windows(2).all(|two| two[0] == two[1]), "{octets:?}: {ends:?}");
    ends[0].clone().map(|(at, _)| at)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LENGTH: &str = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
const CHUNKS: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKS_END: &str = "4;name=value\r\n\r\n\r\n\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
const SMUGGLER: &str = "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn messages_follow_one_another_in_whatever_pieces() {
    let chunked = format!("{CHUNKS}{CHUNKS_END}");
    for octets in [GET, LENGTH, &chunked, &format!("\r\n\r\n{GET}\r\n{LENGTH}{chunked}{chunked}{GET}")] {
        assert_eq!(ends(octets), Ok(At::Head), "{octets:?}");
        assert_eq!(ends(&format!("{octets}{SMUGGLER}")), Err(FramingError::Both), "{octets:?}");
    }
    assert_eq!(ends(&LENGTH[..LENGTH.len() - 1]), Ok(At::Content(1)));
}

#[test]
fn content_is_no_head() {
    let inside = SMUGGLER.len();
    let by_length = format!("POST / HTTP/1.1\r\nContent-Length: {inside}\r\n\r\n{SMUGGLER}");
    let by_chunks = format!("{CHUNKS}{inside:x}\r\n{SMUGGLER}\r\n0\r\n\r\n");
    for octets in [by_length, by_chunks] {
        assert_eq!(ends(&octets), Ok(At::Head), "{octets}");
    }
}

#[test]
fn what_cannot_be_followed_is_refused() {
    for (chunk, why) in [
        ("\r\n", FramingError::Chunk),
        (" 4\r\n", FramingError::Chunk),
        ("0x4\r\n", FramingError::Chunk),
        ("+4\r\n", FramingError::Chunk),
        (";\r\n", FramingError::Chunk),
        ("4\n", FramingError::Chunk),
        ("4;a\nb\r\n", FramingError::Chunk),
        ("4\rx", FramingError::Chunk),
        ("1\r\nab", FramingError::Chunk),
        ("1\r\na\rb", FramingError::Chunk),
        ("10000000000000000\r\n", FramingError::Chunk),
        ("0\r\nTrailer: x\n", FramingError::Chunk),
        ("0\r\n\n", FramingError::Chunk),
    ] {
        assert_eq!(ends(&format!("{CHUNKS}{chunk}")), Err(why), "{chunk:?}");
    }
    for octets in [
        "GET / HTTP/1.1\n",
        "\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
    ] {
        assert_eq!(ends(octets), Err(FramingError::BareLineFeed), "{octets:?}");
    }
    let endless = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(200));
    assert_eq!(ends(&endless), Err(FramingError::TooLarge));
    assert_eq!(ends(&"x".repeat(1025)), Err(FramingError::TooLarge));
}

#[test]
fn nothing_of_a_refused_message_that_arrives_whole_is_passed_on() {
    let octets = format!("{GET}{SMUGGLER}{GET}");
    let refused = Follower::new(1024).follow(octets.as_bytes()).unwrap_err();
    assert_eq!(refused, Refused { passed: GET.len(), why: FramingError::Both });
}

#[test]
fn nothing_is_said_of_octets_whose_protocol_is_undecided() {
    let connect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
    let upgrade = "POST / HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\nx";
    for head in [connect, upgrade] {
        let octets = format!("{head}\u{16}\u{3}\n");
        for switched in [true, false] {
            let mut follower = Follower::new(1024);
            assert_eq!(follower.follow(octets.as_bytes()), Ok(head.len()));
            assert_eq!(follower.follow(b"\n"), Ok(0));
            follower.answered(switched);
            assert_eq!(follower.follow(b"\n").is_ok(), switched);
        }
    }
}

proptest! {
    /// Whatever the parser would serve with both fields in it has been refused here.
    #[test]
    fn no_head_that_the_parser_takes_has_two_framings(
        lines in prop::collection::vec(
            "(Content-Length|content-length |Transfer-Encoding|transfer-encoding\t| Transfer-Encoding|X)(:|: |:\t)(1|chunked|gzip, chunked|\r?a)(\r\n|\n|\r)",
            1..5,
        ),
    ) {
        let head = format!("POST / HTTP/1.1\r\n{}\r\n", lines.concat());
        let mut fields = [httparse::EMPTY_HEADER; 8];
        let mut request = httparse::Request::new(&mut fields);
        if let Ok(httparse::Status::Complete(_)) = request.parse(head.as_bytes()) {
            let has = |name: &str| request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
            let (lengths, encodings) = (has("content-length"), has("transfer-encoding"));
            if lengths + encodings > 1 {
                prop_assert!(follow(head.as_bytes(), head.len()).is_err(), "{head:?}");
            }
        }
    }

    #[test]
    fn pieces_make_no_difference(octets in "(GET|POST|CONNECT|[0-9a-f;:\r\n ]|Content-Length|Transfer-Encoding|chunked| HTTP/1.1|\r\n){0,40}", piece in 1..9usize) {
        let [whole, pieces] = [octets.len().max(1), piece].map(|piece| {
            follow(octets.as_bytes(), piece).map(|follower| (follower.at, follower.head))
        });
        prop_assert_eq!(whole, pieces);
    }
}

use super::*;

/// Content, its trailers, what follows it, and whether it has ended.
type Read = (String, Option<HeaderMap>, String, bool);

/// Reads content that arrives in pieces of so many octets.
fn read(framing: Framing, octets: &[u8], piece: usize) -> Result<Read, ContentError> {
    let (mut decoder, mut inbox) = (Decoder::new(framing), BytesMut::new());
    let (mut content, mut trailers) = (Vec::new(), None);
    for piece in octets.chunks(piece) {
        inbox.extend_from_slice(piece);
        loop {
            match decoder.next(&mut inbox)? {
                Piece::Data(data) => {
                    assert!(!data.is_empty());
                    content.extend_from_slice(&data);
                }
                Piece::Trailers(fields) => trailers = Some(fields),
                Piece::End | Piece::More => break,
            }
        }
    }
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Ok((text(&content), trailers, text(&inbox), decoder.is_end()))
}

/// The same in all pieces.
fn read_in_pieces(framing: Framing, octets: &str) -> Result<Read, ContentError> {
    let mut reads =
        [1, 2, 3, 7, octets.len()].map(|piece| read(framing, octets.as_bytes(), piece)).into_iter();
    let first = reads.next().unwrap();
    assert!(reads.all(|read| read == first), "{octets:?}");
    first
}

#[test]
fn content_ends_where_its_framing_says() {
    for (framing, octets, content, rest, ended) in [
        (Framing::Octets(4), "bodyGET", "body", "GET", true),
        (Framing::Octets(5), "body", "body", "", false),
        (Framing::Octets(0), "GET", "", "GET", true),
        (Framing::UntilClose, "all of it", "all of it", "", false),
        (Framing::Chunks, "4\r\nbody\r\n0\r\n\r\nGET", "body", "GET", true),
        (
            Framing::Chunks,
            "4;name=value\r\n\r\n\r\n\r\nA \r\n0123456789\r\n0\r\n\r\nGET",
            "\r\n\r\n0123456789",
            "GET",
            true,
        ),
        (Framing::Chunks, "0000\r\n\r\n", "", "", true),
        (Framing::Chunks, "1\r\na\r\n0\r\n", "a", "", false),
    ] {
        assert_eq!(
            read_in_pieces(framing, octets),
            Ok((content.into(), None, rest.into(), ended)),
            "{octets:?}"
        );
    }
}

#[test]
fn trailers_come_last() {
    let (content, trailers, rest, ended) =
        read_in_pieces(Framing::Chunks, "1\r\na\r\n0\r\nX-Sum: 7\r\n\r\nGET").unwrap();
    assert_eq!((content.as_str(), rest.as_str(), ended), ("a", "GET", true));
    assert_eq!(trailers.unwrap()["x-sum"], "7");
}

#[test]
fn chunks_that_cannot_be_told_apart_are_refused() {
    let long = format!("1;{}", "x".repeat(SIZE_LINE + 1));
    for octets in [
        "\r\n",
        " 4\r\n",
        "0x4\r\n",
        "+4\r\n",
        ";\r\n",
        "4\n",
        "4;a\nb\r\n",
        "4;a\rb\r\n",
        "4\rx",
        "4 5\r\n",
        "4\t\"a\"\r\n",
        "12 x",
        "1\r\nab",
        "1\r\na\rb",
        "1\r\na\n",
        "10000000000000000\r\n",
        "11111111111111111",
        "0\r\n\n",
        "0\r\nTrailer: x\n",
        &long,
    ] {
        assert!(read_in_pieces(Framing::Chunks, octets).is_err(), "{octets:?}");
    }
}

#[test]
fn trailers_without_an_end_are_refused() {
    let octets = format!("0\r\n{}", "X: y\r\n".repeat(TRAILERS.size));
    assert!(read(Framing::Chunks, octets.as_bytes(), 4096).is_err());
}

#[test]
fn a_closed_connection_ends_only_what_ends_so() {
    for (framing, octets, clean) in [
        (Framing::UntilClose, "a", true),
        (Framing::Octets(1), "a", true),
        (Framing::Octets(2), "a", false),
        (Framing::Chunks, "1\r\na\r\n0\r\n\r\n", true),
        (Framing::Chunks, "1\r\na\r\n0\r\n", false),
        (Framing::Chunks, "", false),
    ] {
        let (mut decoder, mut inbox) = (Decoder::new(framing), BytesMut::from(octets));
        while matches!(decoder.next(&mut inbox).unwrap(), Piece::Data(_)) {}
        assert_eq!(decoder.closed().is_ok(), clean, "{octets:?}");
        assert_eq!(decoder.is_end(), clean);
    }
}

#[test]
fn the_end_that_comes_with_the_last_data_is_seen_with_it() {
    let (mut decoder, mut inbox) = (Decoder::new(Framing::Chunks), BytesMut::from("1\r\na\r\n0\r\n\r\n"));
    assert_eq!(decoder.next(&mut inbox), Ok(Piece::Data(Bytes::from_static(b"a"))));
    assert!(decoder.is_end() && inbox.is_empty());
}

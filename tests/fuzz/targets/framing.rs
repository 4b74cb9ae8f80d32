//! Where HTTP/1 messages begin and end: the same in all pieces, and where a parser of heads agrees.
#![no_main]

use azure_openai_proxy::http1::decoder::{Decoder, Piece};
use azure_openai_proxy::http1::framing::Framing;
use azure_openai_proxy::http1::head::{self, Bounds};
use azure_openai_proxy::message::Fields;
use azure_openai_proxy_fuzz::STEPS;
use bytes::BytesMut;
use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;

/// More octets than an input has.
const BOUNDS: Bounds = Bounds { size: 1 << 20, fields: 100 };

/// Which end of a connection reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Server,
    Client,
}

/// A message that was read to its end.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    target: String,
    fields: Fields,
    content: Vec<u8>,
    trailers: HeaderMap,
}

/// What was read, and whether that was all that is going to be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    messages: Vec<Message>,
    refused: bool,
}

/// A message that is being read, and what of it is still to come.
type Begun = Option<(Message, Decoder)>;

fuzz_target!(|octets: &[u8]| {
    for end in [End::Server, End::Client] {
        let whole = read(octets, octets.len().max(1), end);
        for step in STEPS {
            assert_eq!(read(octets, step, end), whole, "in pieces of {step}");
        }
        if end == End::Server {
            check_first(octets, &whole);
        }
    }
});

fn read(octets: &[u8], step: usize, end: End) -> Read {
    let (mut read, mut inbox, mut seen, mut begun) = (Read::default(), BytesMut::new(), 0, None);
    for chunk in octets.chunks(step) {
        inbox.extend_from_slice(chunk);
        while let Some(moved) = advance(&mut read, &mut begun, &mut inbox, &mut seen, end) {
            if !moved {
                break;
            }
        }
        if read.refused {
            break;
        }
    }
    read
}

/// Reads one piece; `Some(false)` if more octets are needed, `None` if what came is refused.
fn advance(
    read: &mut Read,
    begun: &mut Begun,
    inbox: &mut BytesMut,
    seen: &mut usize,
    end: End,
) -> Option<bool> {
    let Some((message, decoder)) = begun else {
        let Ok(next) = begin(inbox, seen, end) else {
            read.refused = true;
            return None;
        };
        *begun = next;
        return Some(begun.is_some());
    };
    match decoder.next(inbox) {
        Err(_) => {
            read.refused = true;
            return None;
        }
        Ok(Piece::More) => return Some(false),
        Ok(Piece::Data(data)) => message.content.extend_from_slice(&data),
        Ok(Piece::Trailers(trailers)) => message.trailers = trailers,
        Ok(Piece::End) => {
            assert!(decoder.is_end() && decoder.closed().is_ok());
            read.messages.extend(begun.take().map(|(message, _)| message));
        }
    }
    Some(true)
}

fn begin(inbox: &mut BytesMut, seen: &mut usize, end: End) -> Result<Begun, head::HeadError> {
    let (target, fields, framing) = match end {
        End::Server => match head::request(inbox, seen, BOUNDS)? {
            Some((head, framing)) => (head.uri.to_string(), head.fields, framing),
            None => return Ok(None),
        },
        End::Client => match head::response(inbox, seen, BOUNDS)? {
            Some(head) => {
                let framing = Framing::of_response(&Method::GET, head.version, head.status, &head.fields)?;
                (head.status.to_string(), head.fields, framing)
            }
            None => return Ok(None),
        },
    };
    let message = Message { target, fields, content: Vec::new(), trailers: HeaderMap::new() };
    Ok(Some((message, Decoder::new(framing))))
}

/// The first request, where another parser reads its head: two ways to frame its content are never served.
fn check_first(octets: &[u8], read: &Read) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let Ok(httparse::Status::Complete(_)) = request.parse(octets) else { return };
    let count =
        |name: &str| request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
    if count("content-length") + count("transfer-encoding") > 1 {
        assert!(read.refused && read.messages.is_empty(), "{read:?}");
    }
}

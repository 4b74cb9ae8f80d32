//! HTTP/2 frame by frame (RFC 9113 §4.1), so that a test can send what no library would.

use std::net::SocketAddr;

use http::StatusCode;

use crate::conversation::Conversation;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The client's side of an HTTP/2 connection in the clear.
pub(crate) struct Frames(Conversation);

/// The origin's side of an HTTP/2 connection in the clear.
pub(crate) struct OriginFrames(Conversation);

/// What a stream came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A response.
    Answer(StatusCode),
    /// The stream's end, with an error code.
    Reset(u32),
    /// The connection's end, with an error code.
    GoAway(u32),
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

// === impl Frames ===

impl Frames {
    /// Opens a connection and says that it has no settings of its own.
    pub(crate) async fn with(proxy: SocketAddr) -> Self {
        let mut frames = Self(Conversation::with(proxy).await);
        frames.0.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        frames.0.write(frame(SETTINGS, 0, 0, &[])).await;
        frames
    }

    /// Sends a request without content.
    pub(crate) async fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.0.write_what_it_takes(frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(fields))).await;
    }

    /// Sends requests and takes each back at once, all of them in one write.
    pub(crate) async fn ask_and_reset(
        &mut self,
        streams: impl Iterator<Item = u32>,
        fields: &[(&str, &str)],
    ) {
        let block = block(fields);
        let octets = streams.flat_map(|stream| {
            let cancel = 8_u32.to_be_bytes();
            [frame(HEADERS, END_HEADERS | END_STREAM, stream, &block), frame(RST_STREAM, 0, stream, &cancel)]
        });
        self.0.write_what_it_takes(octets.flatten().collect::<Vec<u8>>()).await;
    }

    /// Begins a request and goes on with its head in frames of this size; whether anybody stopped that.
    pub(crate) async fn ask_endlessly(&mut self, stream: u32, fields: &[(&str, &str)], size: usize) -> bool {
        self.0.write(frame(HEADERS, END_STREAM, stream, &block(fields))).await;
        let value = "y".repeat(100);
        let more = block(&[("x", &value)]).repeat(size / 105);
        // More than any limit, and still an end.
        for _ in 0..10_000 {
            if !self.0.writes(frame(CONTINUATION, 0, stream, &more)).await {
                return true;
            }
        }
        false
    }

    /// What a stream comes to, or the whole connection before that.
    pub(crate) async fn hear(&mut self, wanted: u32) -> Heard {
        loop {
            let Frame { kind, flags, stream, payload } = self.next().await;
            match kind {
                SETTINGS if flags & ACK == 0 => {
                    self.0.write_what_it_takes(frame(SETTINGS, ACK, 0, &[])).await
                }
                GOAWAY if number(&payload[4..]) != 0 => return Heard::GoAway(number(&payload[4..])),
                RST_STREAM if stream == wanted => return Heard::Reset(number(&payload)),
                HEADERS if stream == wanted => return Heard::Answer(status(&payload)),
                DATA | HEADERS => {}
                _ => {}
            }
        }
    }

    async fn next(&mut self) -> Frame {
        next(&mut self.0).await
    }
}

// === impl OriginFrames ===

impl OriginFrames {
    /// Takes the client's preface and says that there are no settings.
    pub(crate) async fn over(mut conversation: Conversation) -> Self {
        conversation.until("SM\r\n\r\n").await;
        conversation.write(frame(SETTINGS, 0, 0, &[])).await;
        Self(conversation)
    }

    /// Reads a request to its end; its stream.
    pub(crate) async fn asked(&mut self) -> u32 {
        loop {
            let Frame { kind, flags, stream, .. } = next(&mut self.0).await;
            if kind == SETTINGS && flags & ACK == 0 {
                self.0.write(frame(SETTINGS, ACK, 0, &[])).await;
            } else if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
                return stream;
            }
        }
    }

    /// Begins a response with status 200 and this content.
    pub(crate) async fn begin(&mut self, stream: u32, content: &str) {
        self.0.write(frame(HEADERS, END_HEADERS, stream, &[0x88])).await;
        self.0.write(frame(DATA, 0, stream, content.as_bytes())).await;
    }

    /// Ends it.
    pub(crate) async fn end(&mut self, stream: u32, content: &str) {
        self.0.write(frame(DATA, END_STREAM, stream, content.as_bytes())).await;
    }

    /// Says that no stream after `last` is answered any more.
    pub(crate) async fn go_away(&mut self, last: u32, code: u32) {
        self.0.write(frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())).await;
    }

    /// Waits until the client has taken note of all that was sent.
    pub(crate) async fn noted(&mut self) {
        self.0.write(frame(PING, 0, 0, &[0; 8])).await;
        loop {
            let Frame { kind, flags, .. } = next(&mut self.0).await;
            if kind == PING && flags & ACK != 0 {
                return;
            }
        }
    }
}

async fn next(conversation: &mut Conversation) -> Frame {
    let head = conversation.octets(9).await;
    let length = number(&[0, head[0], head[1], head[2]]) as usize;
    let payload = conversation.octets(length).await;
    Frame { kind: head[3], flags: head[4], stream: number(&head[5..]), payload }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Each field as a literal that is never indexed, its texts as they are (RFC 7541 §6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        assert!(text.len() < 127, "longer texts have a longer length");
        [&[text.len() as u8], text.as_bytes()].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// The status that a block begins with: one of HPACK's own (RFC 7541, appendix A) or three digits.
fn status(block: &[u8]) -> StatusCode {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    let code = match block {
        // A dynamic table of another size comes first.
        [size, rest @ ..] if size & 0xe0 == 0x20 => return status(rest),
        [index @ 0x88..=0x8e, ..] => INDEXED[usize::from(index - 0x88)],
        // Another literal: that it is no success is all that is asked here.
        _ => 599,
    };
    StatusCode::from_u16(code).expect("a status")
}

fn number(octets: &[u8]) -> u32 {
    u32::from_be_bytes(octets[..4].try_into().expect("four octets")) & 0x7fff_ffff
}

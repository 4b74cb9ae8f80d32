//! WebSockets as a server speaks them, strictly by RFC 6455: what it refuses, a proxy must not have done.

mod frame;
pub(super) mod session;

use std::io;

use http::header::{
    HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use self::frame::{Frame, Opcode};
use super::call::Answer;
use super::errors::Refusal;
use crate::message::{Fields, body, websocket};

/// Octets of a message; more is closed with 1009.
const MAX_MESSAGE: usize = 64 << 20;

/// An open WebSocket of text messages.
pub(super) struct Socket<IO> {
    io: IO,
}

/// Why a WebSocket is over, as its closing frame says (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    GoingAway = 1001,
    Protocol = 1002,
    Unsupported = 1003,
    NotUtf8 = 1007,
    TooLarge = 1009,
}

/// No message comes any more.
#[derive(Debug, Error)]
pub(super) enum Over {
    /// The client closed, and was answered.
    #[error("closed by the client")]
    Closed,
    /// The client has to be told this.
    #[error("the client broke a rule: {0:?}")]
    Broken(Code),
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
}

/// Agrees to a WebSocket, if the head asks for one in order.
///
/// # Errors
///
/// It does not, or it offers a subprotocol that only OpenAI or its preview knows.
pub(super) fn agree(head: &Parts) -> Answer {
    let fields = &Fields::from(&head.headers);
    if !websocket::is_asked_for(&head.method, head.version, fields) {
        return Err(Refusal::NotFound);
    }
    let key = only(&head.headers, SEC_WEBSOCKET_KEY.as_str()).filter(|key| is_key(key.as_bytes()));
    let version = only(&head.headers, SEC_WEBSOCKET_VERSION.as_str()).filter(|version| *version == "13");
    let key = key.and(version).and(key).ok_or(Refusal::Malformed("The WebSocket handshake is malformed."))?;
    if websocket::protocols(fields).any(|item| item.starts_with("openai-")) {
        return Err(Refusal::ClientOnlyField(SEC_WEBSOCKET_PROTOCOL));
    }
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let mut switching = Fields::new();
    websocket::switch(&mut switching);
    *response.headers_mut() = switching.to_map();
    response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, websocket::accept(key));
    if websocket::protocols(fields).any(|item| item == "realtime") {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("realtime"));
    }
    Ok(response)
}

fn only<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut lines = fields.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// Whether this is the base64 of 16 octets.
fn is_key(key: &[u8]) -> bool {
    data_encoding::BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16)
}

// === impl Socket ===

impl<IO: AsyncRead + AsyncWrite + Unpin> Socket<IO> {
    pub(super) fn new(io: IO) -> Self {
        Self { io }
    }

    /// The client's next text message. Pings are answered meanwhile.
    pub(super) async fn receive(&mut self) -> Result<String, Over> {
        let mut message = Vec::new();
        let mut begun = false;
        loop {
            let room = MAX_MESSAGE - message.len();
            let Frame { opcode, last, payload } = frame::read(&mut self.io, room).await?;
            match opcode {
                Opcode::Ping => self.write(Opcode::Pong, &payload).await?,
                Opcode::Pong => {}
                Opcode::Close => return Err(self.closed(&payload).await?),
                Opcode::Binary => return Err(Over::Broken(Code::Unsupported)),
                Opcode::Text if begun => return Err(Over::Broken(Code::Protocol)),
                Opcode::Continuation if !begun => return Err(Over::Broken(Code::Protocol)),
                Opcode::Text | Opcode::Continuation => {
                    begun = true;
                    message.extend_from_slice(&payload);
                    if last {
                        return String::from_utf8(message).map_err(|_| Over::Broken(Code::NotUtf8));
                    }
                }
            }
        }
    }

    /// Sends an event as a text message.
    pub(super) async fn send(&mut self, event: &Value) -> io::Result<()> {
        self.write(Opcode::Text, event.to_string().as_bytes()).await
    }

    /// Says that it is over; what the client says to that is not waited for.
    pub(super) async fn close(mut self, code: Code) -> io::Result<()> {
        self.write(Opcode::Close, &(code as u16).to_be_bytes()).await?;
        self.io.shutdown().await
    }

    /// Answers the client's closing frame with the same code.
    async fn closed(&mut self, payload: &[u8]) -> io::Result<Over> {
        if payload.len() == 1 || payload.get(2..).is_some_and(|reason| std::str::from_utf8(reason).is_err()) {
            return Ok(Over::Broken(Code::Protocol));
        }
        self.write(Opcode::Close, payload.get(..2).unwrap_or_default()).await?;
        self.io.shutdown().await?;
        Ok(Over::Closed)
    }

    async fn write(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        self.io.write_all(&frame::unmasked(opcode, payload)).await?;
        self.io.flush().await
    }
}

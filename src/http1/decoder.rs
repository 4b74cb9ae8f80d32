//! The content of a message, from octets (RFC 9112 §6, §7.1).

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use memchr::memchr;
use thiserror::Error;

use super::framing::Framing;
use super::head::{self, Bounds, HeadError};

/// Reads one message's content.
#[derive(Debug)]
pub struct Decoder {
    state: State,
}

/// What the next octet is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Content of which so many octets are still to come.
    Octets(u64),
    UntilClose,
    /// The size of a chunk.
    Size,
    /// A chunk's data of which so many octets are still to come.
    Data(u64),
    /// The line's end behind a chunk's data.
    DataEnd,
    Trailers,
    End,
}

/// What comes next of content.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Some of it; never empty.
    Data(Bytes),
    /// The trailers of chunked content; only the end follows.
    Trailers(HeaderMap),
    /// Nothing any more.
    End,
    /// More octets are needed.
    More,
}

/// Why content cannot be read to its end.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ContentError {
    /// Chunks that cannot be told apart.
    #[error("a malformed chunk")]
    Chunk,
    /// Behind the last chunk.
    #[error("in the trailers: {0}")]
    Trailers(#[from] HeadError),
    /// The connection was closed before the content's end.
    #[error("the connection was closed in the middle of the content")]
    Truncated,
}

/// Octets of a chunk's size and its extensions.
const SIZE_LINE: usize = 4 << 10;

/// Bounds of the trailers.
const TRAILERS: Bounds = Bounds { size: 16 << 10, fields: 64 };

// === impl Decoder ===

impl Decoder {
    /// Of content that ends so.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Octets(0) => State::End,
            Framing::Octets(count) => State::Octets(count),
            Framing::Chunks => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Whether the content has been read to its end.
    pub fn is_end(&self) -> bool {
        self.state == State::End
    }

    /// How many octets are still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        match self.state {
            State::Octets(left) => Some(left),
            State::End => Some(0),
            _ => None,
        }
    }

    /// Takes the next piece from the octets that have come.
    pub fn next(&mut self, inbox: &mut BytesMut) -> Result<Piece, ContentError> {
        loop {
            match self.state {
                State::End => return Ok(Piece::End),
                _ if inbox.is_empty() => return Ok(Piece::More),
                State::UntilClose => return Ok(Piece::Data(inbox.split().freeze())),
                State::Octets(left) => {
                    let (data, left) = cut(inbox, left);
                    self.state = if left == 0 { State::End } else { State::Octets(left) };
                    return Ok(Piece::Data(data));
                }
                State::Data(left) => {
                    let (data, left) = cut(inbox, left);
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                    self.look_ahead(inbox);
                    return Ok(Piece::Data(data));
                }
                State::DataEnd => match &inbox[..] {
                    [b'\r', b'\n', ..] => self.pass(inbox, 2, State::Size),
                    [b'\r'] => return Ok(Piece::More),
                    _ => return Err(ContentError::Chunk),
                },
                State::Size => match size_line(inbox)? {
                    Some((0, line)) => self.pass(inbox, line, State::Trailers),
                    Some((size, line)) => self.pass(inbox, line, State::Data(size)),
                    None => return Ok(Piece::More),
                },
                State::Trailers => match head::trailers(inbox, TRAILERS)? {
                    Some(trailers) => {
                        self.state = State::End;
                        return Ok(if trailers.is_empty() { Piece::End } else { Piece::Trailers(trailers) });
                    }
                    None => return Ok(Piece::More),
                },
            }
        }
    }

    /// The connection was closed: the end only of content that ends so.
    pub fn closed(&mut self) -> Result<(), ContentError> {
        match self.state {
            State::UntilClose | State::End => {
                self.state = State::End;
                Ok(())
            }
            _ => Err(ContentError::Truncated),
        }
    }

    fn pass(&mut self, inbox: &mut BytesMut, octets: usize, state: State) {
        inbox.advance(octets);
        self.state = state;
    }

    /// Where the plain end has come with the last data, nobody has to ask for it.
    fn look_ahead(&mut self, inbox: &mut BytesMut) {
        const END: &[u8] = b"\r\n0\r\n\r\n";
        if self.state == State::DataEnd && inbox.starts_with(END) {
            self.pass(inbox, END.len(), State::End);
        }
    }
}

/// Takes so many octets at most, and says how many are left.
fn cut(inbox: &mut BytesMut, left: u64) -> (Bytes, u64) {
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(inbox.len());
    (inbox.split_to(count).freeze(), left - count as u64)
}

/// A chunk's size and the octets of its line, if all of it is there; what cannot become one is refused at once.
fn size_line(octets: &[u8]) -> Result<Option<(u64, usize)>, ContentError> {
    let digits = octets.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
    let size = octets[..digits].iter().try_fold(0_u64, |size, &digit| {
        size.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?.into())
    });
    let size = size.ok_or(ContentError::Chunk)?;
    let extension = match octets[digits..] {
        [] if digits <= 16 => return Ok(None),
        [b'\r' | b'\t' | b' ' | b';', ..] if digits > 0 => &octets[digits..],
        _ => return Err(ContentError::Chunk),
    };
    // Behind white space only an extension may begin (RFC 9112 §7.1.1).
    let beyond = extension.iter().find(|octet| !matches!(octet, b'\t' | b' '));
    if !matches!(beyond, None | Some(b'\r' | b';')) {
        return Err(ContentError::Chunk);
    }
    // A carriage return or a line feed in an extension could end the line for somebody else.
    let Some(end) = memchr(b'\r', extension) else {
        let goes_on = extension.len() <= SIZE_LINE && memchr(b'\n', extension).is_none();
        return if goes_on { Ok(None) } else { Err(ContentError::Chunk) };
    };
    match extension[end..] {
        _ if end > SIZE_LINE || memchr(b'\n', &extension[..end]).is_some() => Err(ContentError::Chunk),
        [_] => Ok(None),
        [_, b'\n', ..] => Ok(Some((size, digits + end + 2))),
        _ => Err(ContentError::Chunk),
    }
}

#[cfg(test)]
mod tests;

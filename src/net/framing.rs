//! Where the messages of an HTTP/1 connection begin and end, followed beside the parser that serves them.
//!
//! That parser forgives what RFC 9112 §6.3 lets it: with `Transfer-Encoding` and `Content-Length` it believes the
//! first and drops the second, so whoever serves the request cannot tell that somebody on the way may have believed
//! the other. Here such a message is found before it is served.

pub mod head;

use memchr::{memchr, memmem};
use thiserror::Error;

use head::{Content, Head};

/// Follows one connection's octets, whichever pieces they arrive in.
#[derive(Debug)]
pub struct Follower {
    at: At,
    /// What there is of a head whose end is still to come.
    head: Vec<u8>,
    /// Most octets of a head.
    limit: usize,
    /// Whether the answer to this message decides what follows it.
    switches: bool,
}

/// What the next octet is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Head,
    /// Content of which so many octets are still to come.
    Content(u64),
    /// The size of a chunk, and whether it has a digit yet.
    Size(u64, bool),
    /// What may stand behind the size.
    Extension(u64),
    SizeLf(u64),
    /// A chunk's data of which so many octets are still to come.
    Data(u64),
    DataCr,
    DataLf,
    /// A line behind the last chunk, and whether it is empty so far.
    Trailer(bool),
    TrailerLf(bool),
    /// Nobody knows yet: CONNECT or an upgrade is being answered.
    Undecided,
    /// Not HTTP any more.
    Switched,
}

/// Why a message is not to be served.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FramingError {
    /// Both of the fields that frame content (RFC 9112 §6.1).
    #[error("Content-Length beside Transfer-Encoding")]
    Both,
    /// Not one number, written as everybody writes it.
    #[error("a Content-Length that can be read in two ways")]
    Length,
    /// Anything but `chunked`, once, in HTTP/1.1.
    #[error("a Transfer-Encoding other than chunked")]
    TransferEncoding,
    /// Content where it has no meaning (RFC 9110 §9.3.6).
    #[error("CONNECT with content")]
    Connect,
    /// A line that does not end in CRLF, which others take for no end at all.
    #[error("a line feed without a carriage return")]
    BareLineFeed,
    /// A head without an end.
    #[error("a head that is too large")]
    TooLarge,
    /// Chunks that cannot be told apart.
    #[error("a malformed chunk")]
    Chunk,
}

/// A message that must not be served any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many of the octets may still be passed on. They do not complete the message.
    pub passed: usize,
    /// What is wrong with it.
    pub why: FramingError,
}

// === impl Follower ===

impl Follower {
    /// Begins where a connection does. A head may have `limit` octets.
    pub fn new(limit: usize) -> Self {
        Self { at: At::Head, head: Vec::new(), limit, switches: false }
    }

    /// Follows octets and returns how many: all of them, unless what they mean is undecided.
    pub fn follow(&mut self, octets: &[u8]) -> Result<usize, Refused> {
        let mut passed = 0;
        while let Some(rest) = octets.get(passed..).filter(|rest| !rest.is_empty()) {
            let step = match self.at {
                At::Undecided => break,
                At::Switched => Ok(rest.len()),
                At::Head => self.head(rest),
                At::Content(left) | At::Data(left) => Ok(self.skip(left, rest)),
                _ => self.framing(rest[0]).map(|()| 1),
            };
            passed += step.map_err(|why| Refused { passed, why })?;
        }
        Ok(passed)
    }

    /// Whether the answer to the last message has to come before anything else can be followed.
    pub fn is_undecided(&self) -> bool {
        self.at == At::Undecided
    }

    /// The answer has come: another protocol follows, or the next request.
    pub fn answered(&mut self, switched: bool) {
        self.at = if switched { At::Switched } else { At::Head };
    }

    /// Takes a head, which almost always arrives whole, or a line of it.
    fn head(&mut self, rest: &[u8]) -> Result<usize, FramingError> {
        let begins = self.head.is_empty() && rest[0] != b'\r';
        let end = begins.then(|| memmem::find(rest, b"\r\n\r\n")).flatten().map(|at| at + 4);
        match end.filter(|&end| end <= self.limit) {
            Some(end) => self.begin(&rest[..end]).map(|()| end),
            None => self.line(rest),
        }
    }

    /// Takes a line of a head, or what there is of it.
    fn line(&mut self, rest: &[u8]) -> Result<usize, FramingError> {
        let line = memchr(b'\n', rest).map_or(rest, |end| &rest[..=end]);
        if self.head.len() + line.len() > self.limit {
            return Err(FramingError::TooLarge);
        }
        self.head.extend_from_slice(line);
        if line.ends_with(b"\n") {
            self.line_ended()?;
        }
        Ok(line.len())
    }

    fn line_ended(&mut self) -> Result<(), FramingError> {
        if !self.head.ends_with(b"\r\n") {
            return Err(FramingError::BareLineFeed);
        }
        if self.head.len() == 2 {
            // An empty line before a request is nothing (RFC 9112 §2.2).
            self.head.clear();
        } else if self.head.ends_with(b"\r\n\r\n") {
            // Taken, so that idle connections hold no memory for it.
            let head = std::mem::take(&mut self.head);
            self.begin(&head)?;
        }
        Ok(())
    }

    /// Begins the message that this is the whole head of.
    fn begin(&mut self, head: &[u8]) -> Result<(), FramingError> {
        let head = Head::read(head)?;
        self.switches = head.switches;
        self.at = match head.content {
            Content::Octets(0) => self.after_message(),
            Content::Octets(count) => At::Content(count),
            Content::Chunks => At::Size(0, false),
        };
        Ok(())
    }

    /// Goes over content without a look at it.
    fn skip(&mut self, left: u64, rest: &[u8]) -> usize {
        let step = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let left = left - step as u64;
        self.at = match (self.at, left) {
            (At::Data(_), 0) => At::DataCr,
            (At::Data(_), left) => At::Data(left),
            (_, 0) => self.after_message(),
            (_, left) => At::Content(left),
        };
        step
    }

    /// Takes one octet of what is between chunks (RFC 9112 §7.1).
    fn framing(&mut self, octet: u8) -> Result<(), FramingError> {
        self.at = match (self.at, octet) {
            (At::Size(size, true), b'\r') | (At::Extension(size), b'\r') => At::SizeLf(size),
            (At::Size(size, true), b'\t' | b' ' | b';') => At::Extension(size),
            (At::Size(size, _), digit) => At::Size(with_digit(size, digit).ok_or(FramingError::Chunk)?, true),
            (At::Extension(size), octet) if octet != b'\n' => At::Extension(size),
            (At::SizeLf(0), b'\n') => At::Trailer(true),
            (At::SizeLf(size), b'\n') => At::Data(size),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size(0, false),
            (At::Trailer(empty), b'\r') => At::TrailerLf(empty),
            (At::Trailer(_), octet) if octet != b'\n' => At::Trailer(false),
            (At::TrailerLf(false), b'\n') => At::Trailer(true),
            (At::TrailerLf(true), b'\n') => self.after_message(),
            _ => return Err(FramingError::Chunk),
        };
        Ok(())
    }

    fn after_message(&self) -> At {
        if self.switches { At::Undecided } else { At::Head }
    }
}

/// `None` beyond what 64 bits hold.
fn with_digit(size: u64, digit: u8) -> Option<u64> {
    let digit = char::from(digit).to_digit(16)?;
    size.checked_mul(16)?.checked_add(digit.into())
}

#[cfg(test)]
mod tests;

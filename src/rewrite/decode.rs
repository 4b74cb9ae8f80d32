//! Reading content through its `Content-Encoding` (RFC 9110 §8.4).

use std::io::{self, Read, Write};

use flate2::{read, write};
use http::header::CONTENT_ENCODING;

use crate::message::Fields;

use super::finding::{Fault, Finding, Repeated};
use super::search::Scanner;

/// A coding that can be undone here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// `gzip`, of old also `x-gzip` (RFC 1952).
    Gzip,
    /// `deflate`: DEFLATE in zlib's form (RFC 1950), never bare.
    Deflate,
}

/// What leads to a scanner: nothing, or a coding that is undone in pieces. What is decoded is not kept.
#[derive(Debug)]
pub(super) enum Reader {
    Plain(Sink),
    Gzip(Box<write::MultiGzDecoder<Sink>>),
    Deflate(Box<write::ZlibDecoder<Sink>>),
    /// The content is not what its coding says; this is where it showed.
    Broken(Sink),
}

/// Where decoded octets go: through a scanner, and away.
#[derive(Debug)]
pub(super) struct Sink {
    scanner: Scanner,
    octets: u64,
    repeated: bool,
}

static UNDECODABLE: Finding = Err(Fault::Undecodable);

// === impl Coding ===

impl Coding {
    /// The coding that these fields name, if there is one.
    ///
    /// # Errors
    ///
    /// The first coding as written, if it or a second one cannot be undone.
    pub(super) fn of(fields: &Fields) -> Result<Option<Self>, Box<str>> {
        let mut codings = codings(fields);
        let Some(first) = codings.next() else { return Ok(None) };
        let known = [("gzip", Self::Gzip), ("x-gzip", Self::Gzip), ("deflate", Self::Deflate)];
        let found = known.into_iter().find(|(name, _)| first.eq_ignore_ascii_case(name.as_bytes()));
        match (found, codings.next()) {
            (Some((_, coding)), None) => Ok(Some(coding)),
            _ => Err(first.escape_ascii().to_string().into()),
        }
    }

    /// All of the content, decoded to `expected` octets; no more than one beyond them comes out.
    pub(super) fn decode(self, content: &[u8], expected: u64) -> io::Result<Vec<u8>> {
        let mut decoded = Vec::new();
        // The one beyond is asked for because only the end of the content has the checksum looked at.
        let limit = expected.saturating_add(1);
        match self {
            Self::Gzip => read::MultiGzDecoder::new(content).take(limit).read_to_end(&mut decoded)?,
            Self::Deflate => read::ZlibDecoder::new(content).take(limit).read_to_end(&mut decoded)?,
        };
        Ok(decoded)
    }
}

/// Whether content is coded at all, in whichever way.
pub(super) fn is_coded(fields: &Fields) -> bool {
    codings(fields).next().is_some()
}

fn codings(fields: &Fields) -> impl Iterator<Item = &[u8]> {
    fields.items(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(coding: Option<Coding>, scanner: Scanner) -> Self {
        let sink = Sink { scanner, octets: 0, repeated: false };
        match coding {
            None => Self::Plain(sink),
            Some(Coding::Gzip) => Self::Gzip(Box::new(write::MultiGzDecoder::new(sink))),
            Some(Coding::Deflate) => Self::Deflate(Box::new(write::ZlibDecoder::new(sink))),
        }
    }

    /// Reads on.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Repeated> {
        let read = match self {
            Self::Plain(sink) => sink.write_all(chunk),
            // What the decoder has ready it hands over when it is flushed.
            Self::Gzip(decoder) => decoder.write_all(chunk).and_then(|()| decoder.flush()),
            Self::Deflate(decoder) => decoder.write_all(chunk).and_then(|()| decoder.flush()),
            Self::Broken(_) => Ok(()),
        };
        self.check(read)
    }

    /// The content is over.
    pub(super) fn end(&mut self) -> Result<(), Repeated> {
        let finished = match self {
            Self::Plain(_) | Self::Broken(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Deflate(decoder) => decoder.try_finish(),
        };
        self.check(finished)?;
        if !matches!(self, Self::Broken(_)) {
            self.sink_mut().scanner.end();
        }
        Ok(())
    }

    /// What was found; `None` as long as that is open.
    pub(super) fn finding(&self) -> Option<&Finding> {
        let broken = matches!(self, Self::Broken(_)).then_some(&UNDECODABLE);
        self.scanner().finding().or(broken)
    }

    pub(super) fn scanner(&self) -> &Scanner {
        &self.sink().scanner
    }

    /// How many octets were read, decoded.
    pub(super) fn octets(&self) -> u64 {
        self.sink().octets
    }

    fn check(&mut self, read: io::Result<()>) -> Result<(), Repeated> {
        let Err(_) = read else { return Ok(()) };
        if self.sink().repeated {
            return Err(Repeated);
        }
        let nothing = Sink { scanner: Scanner::Nothing, octets: 0, repeated: false };
        let sink = std::mem::replace(self.sink_mut(), nothing);
        *self = Self::Broken(sink);
        Ok(())
    }

    fn sink(&self) -> &Sink {
        match self {
            Self::Plain(sink) | Self::Broken(sink) => sink,
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Deflate(decoder) => decoder.get_ref(),
        }
    }

    fn sink_mut(&mut self) -> &mut Sink {
        match self {
            Self::Plain(sink) | Self::Broken(sink) => sink,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
        }
    }
}

// === impl Sink ===

impl Write for Sink {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.octets += octets.len() as u64;
        match self.scanner.push(octets) {
            Ok(()) => Ok(octets.len()),
            Err(repeated) => {
                self.repeated = true;
                Err(io::Error::other(repeated))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Finds the field `model` in multipart/form-data (RFC 7578, RFC 2046 §5.1) that comes in pieces.
//!
//! Files pass by at the speed of a substring search and are never kept.

use memchr::memmem::Finder;

use super::finding::{Fault, Finding, Repeated};

mod field;
mod header;

use field::Field;

pub use header::{boundary, is_form};

/// Longest header block of a part, in octets.
const LONGEST_HEAD: usize = 8 << 10;

/// Longest padding between a delimiter and its line end (RFC 2046 §5.1.1), in octets.
const LONGEST_PADDING: usize = 256;

/// The field that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `model`: its content is the name.
    Model,
    /// `session`: its content is JSON with a top-level `model`.
    Session,
    /// `purpose`: its content takes the name's place.
    Purpose,
    /// `file`: only its place is found, and the name is empty.
    File,
    /// `session`, of which only the place is found too.
    SessionPlace,
}

/// A reader of multipart/form-data in pieces; it keeps one part's head or the model, nothing else.
#[derive(Debug)]
pub struct Scanner {
    wanted: Wanted,
    /// Finds `CR LF -- boundary`. CR stands nowhere else in it, so a mismatch never has to go back.
    delimiter: Finder<'static>,
    state: State,
    /// How many octets of the delimiter the last ones were.
    matched: usize,
    /// How many of those are only supposed: the CR LF in front of a delimiter that begins the
    /// content, or the one that ends a head and a delimiter at once.
    supposed: usize,
    /// Octets read.
    offset: u64,
    /// The head being read, or what follows a delimiter.
    held: Vec<u8>,
    field: Field,
    /// Whether a wanted field was met.
    met: bool,
    finding: Option<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a part's content, or before the first delimiter.
    Data,
    /// Behind a delimiter, on its line.
    Line,
    /// In a part's head.
    Head,
    /// Nothing more is read: the last delimiter came, or a head is out of bounds.
    Over,
}

// === impl Scanner ===

impl Scanner {
    /// A scanner for content with this boundary.
    pub fn new(boundary: &str, wanted: Wanted) -> Self {
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        Self {
            wanted,
            delimiter: Finder::new(&delimiter).into_owned(),
            state: State::Data,
            matched: 2,
            supposed: 2,
            offset: 0,
            held: Vec::new(),
            field: Field::Other,
            met: false,
            finding: None,
        }
    }

    /// Reads on.
    ///
    /// # Errors
    ///
    /// The wanted field comes a second time.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Repeated> {
        let mut rest = chunk;
        while let Some((&octet, behind)) = rest.split_first() {
            let read = match self.state {
                State::Data if self.matched == 0 => self.data(rest)?,
                State::Data => usize::from(self.delimiter_octet(octet)?),
                State::Line => usize::from(self.line_octet(octet)?),
                State::Head => {
                    self.head_octet(octet)?;
                    1
                }
                State::Over => 1 + behind.len(),
            };
            self.offset += read as u64;
            rest = &rest[read..];
        }
        Ok(())
    }

    /// The content is over.
    pub fn end(&mut self) {
        self.state = State::Over;
        self.finding.get_or_insert(Err(Fault::Missing));
    }

    /// What was found; `None` as long as that is open.
    pub fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// Whether the model stands in JSON.
    pub fn is_json(&self) -> bool {
        self.wanted == Wanted::Session
    }

    /// Reads data up to the next delimiter, or what may become one, or the chunk's end.
    fn data(&mut self, rest: &[u8]) -> Result<usize, Repeated> {
        let delimiter = self.delimiter.needle();
        if let Some(at) = self.delimiter.find(rest) {
            self.matched = delimiter.len();
            self.take(&rest[..at])?;
            self.delimited();
            return Ok(at + self.matched);
        }
        let tail = rest.len().saturating_sub(delimiter.len() - 1);
        let begun = memchr::memchr(b'\r', &rest[tail..]).map(|at| tail + at);
        match begun {
            Some(at) if delimiter.starts_with(&rest[at..]) => {
                self.matched = rest.len() - at;
                self.take(&rest[..at])?;
            }
            // Not this one, but a later one may begin a delimiter.
            Some(at) => {
                self.take(&rest[..=at])?;
                return Ok(at + 1);
            }
            None => self.take(rest)?,
        }
        Ok(rest.len())
    }

    /// Reads one octet where a delimiter has begun; says whether it was one of it.
    fn delimiter_octet(&mut self, octet: u8) -> Result<bool, Repeated> {
        if self.delimiter.needle()[self.matched] != octet {
            self.replay()?;
            return Ok(false);
        }
        self.matched += 1;
        if self.matched == self.delimiter.needle().len() {
            self.delimited();
        }
        Ok(true)
    }

    /// What looked like a delimiter is data.
    fn replay(&mut self) -> Result<(), Repeated> {
        let data = self.delimiter.needle()[self.supposed..self.matched].to_vec();
        self.matched = 0;
        self.supposed = 0;
        self.take(&data)
    }

    fn delimited(&mut self) {
        self.held.clear();
        self.state = State::Line;
    }

    /// Reads one octet behind a delimiter; says whether it belongs there.
    fn line_octet(&mut self, octet: u8) -> Result<bool, Repeated> {
        let dashes = self.held.starts_with(b"-");
        match octet {
            b'-' if self.held.is_empty() => self.held.push(octet),
            b'-' if dashes => self.close(State::Over),
            b'\n' if !dashes => self.close(State::Head),
            b' ' | b'\t' | b'\r' if !dashes && self.held.len() < LONGEST_PADDING => self.held.push(octet),
            // A longer line that only begins like the delimiter.
            _ => {
                self.state = State::Data;
                self.replay()?;
                let line = std::mem::take(&mut self.held);
                self.take(&line)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The part before a delimiter is whole.
    fn close(&mut self, next: State) {
        self.state = next;
        self.held.clear();
        let finding = std::mem::replace(&mut self.field, Field::Other).end();
        if let Some(finding) = finding {
            self.finding.get_or_insert(finding);
        }
        if next == State::Over {
            self.end();
        }
    }

    /// Reads one octet of a part's head, and the head once it is whole.
    fn head_octet(&mut self, octet: u8) -> Result<(), Repeated> {
        self.held.push(octet);
        let whole = ends_with_empty_line(&self.held);
        if whole {
            let (wanted, a_file) = match self.wanted {
                Wanted::Model => (b"model".as_slice(), Some(false)),
                // In a browser's form what has a media type, as JSON has here, has a file's name too.
                Wanted::Session | Wanted::SessionPlace => (b"session".as_slice(), None),
                Wanted::Purpose => (b"purpose".as_slice(), Some(false)),
                Wanted::File => (b"file".as_slice(), Some(true)),
            };
            if header::names_field(&self.held, wanted, a_file) {
                self.begin()?;
            }
            self.state = State::Data;
            self.matched = 2;
            self.supposed = 2;
        } else if self.held.len() == LONGEST_HEAD {
            self.state = State::Over;
            self.finding.get_or_insert(Err(Fault::Malformed));
        }
        Ok(())
    }

    /// The wanted field begins behind the octet being read.
    fn begin(&mut self) -> Result<(), Repeated> {
        if self.met {
            return Err(Repeated);
        }
        self.met = true;
        self.field = Field::begin(self.wanted, self.offset + 1);
        Ok(())
    }

    /// Takes octets of a part's content.
    fn take(&mut self, data: &[u8]) -> Result<(), Repeated> {
        if let Some(finding) = self.field.take(data)? {
            self.finding.get_or_insert(finding);
        }
        Ok(())
    }
}

fn ends_with_empty_line(head: &[u8]) -> bool {
    head == b"\n" || head == b"\r\n" || head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")
}

#[cfg(test)]
mod tests;

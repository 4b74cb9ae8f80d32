//! Finds one string in a JSON text that comes in pieces: `model`, or `session.model`.
//!
//! It reads structure, not values: what it skips is told apart by quotes and brackets only, so
//! nothing is parsed, kept or recursed into, and a text that is wrong elsewhere is for the origin
//! to judge.

use memchr::memchr2;

use super::finding::{Fault, Finding, Model, Repeated};
use super::written::Written;

pub(super) mod members;

/// A reader of JSON in pieces; it keeps no more than one `Written`, whatever comes.
#[derive(Debug)]
pub struct Scanner {
    /// The keys that lead to the value, outermost first.
    path: &'static [&'static str],
    state: State,
    /// Octets before the current chunk.
    before: u64,
    /// How many objects along the path are open.
    open: usize,
    /// Brackets open in a value that is skipped.
    depth: u64,
    /// Whether the last octet of a chunk was a backslash in a string.
    escaped: bool,
    /// Whether the key just read is the one that leads on.
    leads: bool,
    /// The string being read, without its quotes.
    text: Written,
    /// Where the wanted value begins.
    start: u64,
    /// Whether the wanted key was met, whatever its value.
    met: bool,
    finding: Option<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the top level; so many octets of a byte order mark are read.
    Mark(usize),
    /// Before the first key of an object.
    FirstKey,
    /// Before a key, after a comma.
    NextKey,
    Key,
    Colon,
    Value,
    /// In the wanted value.
    Wanted,
    /// In a string that is skipped.
    Text,
    /// In a number or a literal that is skipped.
    Scalar,
    /// In an object or a list that is skipped.
    Nested,
    /// In a string in one.
    NestedText,
    /// After a value.
    After,
    /// Nothing more is read: the top level is closed, or the text is no JSON.
    Over,
}

const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

// === impl Scanner ===

impl Scanner {
    /// A scanner for the value that these keys lead to, at least one.
    pub fn new(path: &'static [&'static str]) -> Self {
        Self {
            path,
            state: State::Mark(0),
            before: 0,
            open: 0,
            depth: 0,
            escaped: false,
            leads: false,
            text: Written::default(),
            start: 0,
            met: false,
            finding: None,
        }
    }

    /// Reads on.
    ///
    /// # Errors
    ///
    /// The wanted key comes a second time.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Repeated> {
        let mut at = 0;
        while at < chunk.len() {
            at = match self.state {
                State::Key | State::Wanted | State::Text | State::NestedText => self.string(chunk, at),
                State::Nested => self.nested(chunk, at),
                State::Over => chunk.len(),
                _ => {
                    self.structure(chunk[at], self.before + at as u64)?;
                    at + 1
                }
            };
        }
        self.before += chunk.len() as u64;
        Ok(())
    }

    /// The text is over.
    pub fn end(&mut self) {
        let fault = if self.before == 0 { Fault::Missing } else { Fault::Malformed };
        self.give_up(fault);
    }

    /// What was found; `None` as long as that is open.
    pub fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// Reads one octet that is neither in a string nor in a skipped value.
    fn structure(&mut self, octet: u8, at: u64) -> Result<(), Repeated> {
        if octet.is_ascii_whitespace() && octet != b'\x0C' {
            if self.state == State::Scalar {
                self.state = State::After;
            }
            return Ok(());
        }
        match (self.state, octet) {
            (State::Mark(read), octet) if read < MARK.len() && octet == MARK[read] => {
                self.state = State::Mark(read + 1);
            }
            (State::Mark(0 | 3), b'{') => self.enter(),
            (State::Mark(_), _) => self.give_up(Fault::NotObject),
            (State::FirstKey | State::NextKey, b'"') => self.begin(State::Key),
            (State::Colon, b':') => self.state = State::Value,
            (State::Value, octet) if self.leads => self.leading_value(octet, at)?,
            (State::Value, octet) => self.skip(octet),
            (State::Scalar | State::After, b',') => self.state = State::NextKey,
            (State::FirstKey | State::Scalar | State::After, b'}') => self.leave(),
            (State::Scalar, b':' | b'"' | b'[' | b']' | b'{') => self.give_up(Fault::Malformed),
            (State::Scalar, _) => {}
            _ => self.give_up(Fault::Malformed),
        }
        Ok(())
    }

    /// Reads the first octet of a value on the path.
    fn leading_value(&mut self, octet: u8, at: u64) -> Result<(), Repeated> {
        if self.open < self.path.len() {
            match octet {
                b'{' => self.enter(),
                _ => self.skip(octet),
            }
            return Ok(());
        }
        if self.met {
            return Err(Repeated);
        }
        self.met = true;
        if octet == b'"' {
            self.start = at;
            self.begin(State::Wanted);
        } else {
            self.skip(octet);
            self.finding.get_or_insert(Err(Fault::NotString));
        }
        Ok(())
    }

    /// Reads the first octet of a value that does not matter.
    fn skip(&mut self, octet: u8) {
        match octet {
            b'"' => self.state = State::Text,
            b'{' | b'[' => {
                self.depth = 1;
                self.state = State::Nested;
            }
            b',' | b':' | b'}' | b']' => self.give_up(Fault::Malformed),
            _ => self.state = State::Scalar,
        }
    }

    fn enter(&mut self) {
        self.open += 1;
        self.state = State::FirstKey;
    }

    fn leave(&mut self) {
        self.open -= 1;
        match self.open {
            0 => self.give_up(Fault::Missing),
            _ => self.state = State::After,
        }
    }

    fn begin(&mut self, string: State) {
        self.text.clear();
        self.state = string;
    }

    /// Reads a string as far as the chunk has it.
    fn string(&mut self, chunk: &[u8], from: usize) -> usize {
        let mut at = from + usize::from(self.escaped);
        self.escaped = false;
        while let Some(found) = memchr2(b'"', b'\\', &chunk[at..]) {
            at += found;
            if chunk[at] == b'"' {
                self.keep(&chunk[from..at]);
                self.close(self.before + at as u64 + 1);
                return at + 1;
            }
            if at + 1 == chunk.len() {
                self.escaped = true;
                break;
            }
            at += 2;
        }
        self.keep(&chunk[from..]);
        chunk.len()
    }

    fn keep(&mut self, piece: &[u8]) {
        if matches!(self.state, State::Key | State::Wanted) {
            self.text.push(piece);
        }
    }

    /// A string is over; `end` is behind its quote.
    fn close(&mut self, end: u64) {
        self.state = match self.state {
            State::Key => {
                let wanted = self.path[self.open - 1];
                self.leads = self.text.whole().is_some_and(|written| reads_as(written, wanted));
                State::Colon
            }
            State::NestedText => State::Nested,
            State::Wanted => {
                let finding = self.wanted(end);
                self.finding.get_or_insert(finding);
                State::After
            }
            _ => State::After,
        };
    }

    fn wanted(&self, end: u64) -> Finding {
        let written = self.text.whole().ok_or(Fault::TooLong)?;
        let name = decode(written).ok_or(Fault::Malformed)?;
        if name.is_empty() { Err(Fault::Empty) } else { Ok(Model { name, at: self.start..end }) }
    }

    /// Reads in a skipped object or list up to a string, its end, or the chunk's.
    fn nested(&mut self, chunk: &[u8], from: usize) -> usize {
        for (at, octet) in chunk.iter().enumerate().skip(from) {
            match octet {
                b'"' => {
                    self.state = State::NestedText;
                    return at + 1;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.state = State::After;
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        chunk.len()
    }

    /// Reads no further.
    fn give_up(&mut self, fault: Fault) {
        self.state = State::Over;
        self.finding.get_or_insert(Err(fault));
    }
}

/// Whether a key as written, perhaps with escapes, is this one.
fn reads_as(written: &[u8], key: &str) -> bool {
    written == key.as_bytes()
        || (written.contains(&b'\\') && decode(written).is_some_and(|decoded| *decoded == *key))
}

/// The text of a string, given what is written between its quotes.
fn decode(written: &[u8]) -> Option<Box<str>> {
    if !written.contains(&b'\\') && !written.iter().any(u8::is_ascii_control) {
        return std::str::from_utf8(written).ok().map(Into::into);
    }
    let quoted = [b"\"", written, b"\""].concat();
    serde_json::from_slice(&quoted).ok()
}

#[cfg(test)]
mod tests;

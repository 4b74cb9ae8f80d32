//! An event stream made such as OpenAI's clients expect it, while it streams (WHATWG HTML §9.2.6).
//!
//! Whole events, and comments before them, go on in the call in which their last octet comes; only the beginning of an
//! event that is not whole yet is kept.

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

use super::splice::splice_all;

mod chunk;

use chunk::Verdict;

/// Longest event that is looked into, in octets; a longer one passes as it is.
pub const LONGEST_EVENT: usize = 1 << 20;

/// What is done to the events themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// Azure's filter results in chat completions are made harmless; all others are left.
    ChatCompletions,
    /// Azure's filter results in text completions are taken out where they have no choices.
    Completions,
    /// Nothing.
    Any,
}

/// A reader of one stream; it keeps at most one event.
///
/// Whatever becomes of its events, a stream whose last event lacks its blank line is given one: without it
/// a client that keeps to the letter never sees that event.
#[derive(Debug)]
pub struct Normaliser {
    events: Events,
    lines: Lines,
    /// The beginning of an event that is not whole yet.
    held: BytesMut,
    /// Whether the event being read is too long to be held.
    overlong: bool,
    /// Whether the last event was taken out.
    dropped: bool,
}

/// Where the reading of lines stands. Lines end with CR, LF or both.
#[derive(Debug, Default)]
struct Lines {
    /// Whether an event is open: something came since the last blank line.
    open: bool,
    /// Whether the current line has an octet.
    filled: bool,
    /// Whether the last octet was a CR, whose LF may follow.
    cr: bool,
}

// === impl Normaliser ===

impl Normaliser {
    /// A reader at the beginning of a stream.
    pub fn new(events: Events) -> Self {
        Self { events, lines: Lines::default(), held: BytesMut::new(), overlong: false, dropped: false }
    }

    /// Takes what came, and gives what can go on; that may be nothing.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let mut ready = BytesMut::with_capacity(self.held.len() + chunk.len());
        let mut rest = &chunk[..];
        if let Some(behind) = self.lines.late_lf(rest) {
            if !self.dropped {
                ready.extend_from_slice(b"\n");
            }
            rest = behind;
        }
        while let Some(end) = self.lines.event_end(rest) {
            self.held.extend_from_slice(&rest[..end]);
            self.finish_event(&mut ready);
            rest = &rest[end..];
        }
        self.held.extend_from_slice(rest);
        self.overlong |= self.held.len() > LONGEST_EVENT;
        let all_held = self.events != Events::Any && !self.overlong;
        // A comment is there to show that somebody is: it needs no blank line, and belongs to no event.
        let only_comments = all_held && self.lines.at_line() && comments(&self.held) == self.held.len();
        if only_comments {
            self.lines.open = false;
        }
        if only_comments || !all_held {
            ready.unsplit(self.held.split());
        }
        ready.freeze()
    }

    /// Ends the stream: gives what is still held, and what it lacks at its end.
    pub fn end(&mut self) -> Bytes {
        let mut ready = BytesMut::new();
        let only_comments = !self.held.is_empty() && comments(&self.held) == self.held.len();
        let lacking = if only_comments { b"" } else { self.lines.lacking() };
        self.finish_event(&mut ready);
        if !self.dropped {
            ready.extend_from_slice(lacking);
        }
        self.lines = Lines::default();
        ready.freeze()
    }

    /// Gives what is still held of a stream that broke off, as it is.
    pub fn broken(&mut self) -> Bytes {
        self.held.split().freeze()
    }

    /// Lets the held event go on, unless it is taken out.
    fn finish_event(&mut self, ready: &mut BytesMut) {
        let event = self.held.split();
        let looked_into = self.events != Events::Any && !std::mem::take(&mut self.overlong);
        let verdict = if looked_into {
            chunk::judge(&event, self.events == Events::ChatCompletions)
        } else {
            Verdict::Keep
        };
        self.dropped = verdict == Verdict::Drop;
        match verdict {
            Verdict::Keep => ready.extend_from_slice(&event),
            Verdict::Drop => ready.extend_from_slice(&event[..comments(&event)]),
            Verdict::Mend(splices) => ready.extend_from_slice(&splice_all(&event, &splices)),
        }
    }
}

// === impl Lines ===

impl Lines {
    /// Reads up to the end of the event; `None` if that is still to come.
    fn event_end(&mut self, octets: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&octet) = octets.get(at) {
            at += 1;
            match octet {
                b'\n' if std::mem::take(&mut self.cr) => {}
                b'\n' | b'\r' => {
                    self.cr = octet == b'\r';
                    if !std::mem::take(&mut self.filled) {
                        self.open = false;
                        let crlf = self.cr && octets.get(at) == Some(&b'\n');
                        self.cr &= !crlf;
                        return Some(at + usize::from(crlf));
                    }
                }
                _ => {
                    *self = Self { open: true, filled: true, cr: false };
                    at += memchr2(b'\n', b'\r', &octets[at..]).unwrap_or(octets.len() - at);
                }
            }
        }
        None
    }

    /// Reads the LF of a CR LF that ended an event, where it comes later than its CR.
    fn late_lf<'a>(&mut self, octets: &'a [u8]) -> Option<&'a [u8]> {
        let behind = octets.strip_prefix(b"\n").filter(|_| self.cr && !self.open)?;
        self.cr = false;
        Some(behind)
    }

    /// Whether an event is open, and the next octet begins a line of it.
    fn at_line(&self) -> bool {
        self.open && !self.filled && !self.cr
    }

    /// What is missing to the end of an event.
    fn lacking(&self) -> &'static [u8] {
        match self {
            Self { open: false, .. } => b"",
            Self { filled: false, cr: false, .. } => b"\n",
            // The line's end, or the LF that would be taken for the other half of its CR; and the blank line.
            Self { .. } => b"\n\n",
        }
    }
}

/// Octets of the comments that whole lines begin with.
fn comments(lines: &[u8]) -> usize {
    let mut at = 0;
    while lines.get(at) == Some(&b':') {
        let Some(end) = memchr2(b'\n', b'\r', &lines[at..]) else { break };
        at += end + if lines[at + end..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    at
}

#[cfg(test)]
mod tests;

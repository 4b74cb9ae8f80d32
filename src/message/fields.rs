//! Field lines in the order and in the letters in which they came (RFC 9110 §5).
//!
//! Names mean the same in any letters (§5.1), but not every program knows that, and the order of lines is not ours to
//! change: so lines are kept as they are written, one behind the other, and looked through. Heads have few.

mod line;
mod name;

use std::borrow::Borrow;
use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use line::{COLON, CRLF, Line, offset};
pub use name::Name;

/// The field lines of one head.
///
/// Its `Debug` shows names only: a value may be a credential.
#[derive(Clone, Default)]
pub struct Fields {
    /// `name: value` and CRLF, for each line; what is between them, and lines that were taken out, stands there too.
    text: Vec<u8>,
    lines: Vec<Line>,
}

/// Lines that a head may come with: with some more they fit into a [`HeaderMap`], which holds 24,576.
pub const MOST: usize = 16 << 10;

/// What is usually added to a head on its way: octets and lines.
const ADDED: (usize, usize) = (256, 4);

/// The value as text, if it is visible ASCII.
pub fn text(value: &[u8]) -> Option<&str> {
    let is_visible = |&octet: &u8| matches!(octet, b'\t' | b' '..=b'~');
    std::str::from_utf8(value).ok().filter(|_| value.iter().all(is_visible))
}

// === impl Fields ===

impl Fields {
    /// No lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines of a head, as `httparse` has read them in these octets: it takes none that may not stand in one.
    pub fn parsed(head: &[u8], lines: &[httparse::Header<'_>]) -> Self {
        let first = lines.first().map_or(0, |line| offset(head, line.name.as_bytes()));
        let head = head.get(first..).unwrap_or_default();
        let mut fields = Self {
            text: Vec::with_capacity(head.len() + ADDED.0),
            lines: Vec::with_capacity(lines.len() + ADDED.1),
        };
        fields.text.extend_from_slice(head);
        for line in lines {
            match Line::standing(head, line) {
                Some(line) => fields.lines.push(line),
                None => fields.push(line.name.as_bytes(), line.value, false),
            }
        }
        fields
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Octets of the lines as they are written.
    pub fn size(&self) -> usize {
        self.lines.iter().map(Line::size).sum()
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Name<'_>, &[u8])> {
        self.lines.iter().map(|line| (self.name(line), self.value(line)))
    }

    /// The value of the first line of this name.
    pub fn get(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        let name = name.as_ref();
        self.lines.iter().find(|line| self.is(line, name)).map(|line| self.value(line))
    }

    /// The values of all lines of this name, in their order.
    pub fn get_all(&self, name: impl AsRef<str>) -> impl Iterator<Item = &[u8]> {
        let length = name.as_ref().len();
        let lines = self.lines.iter().filter(move |line| line.name == length && self.is(line, name.as_ref()));
        lines.map(|line| self.value(line))
    }

    /// The value of the first line of this name, if it is visible ASCII.
    pub fn text(&self, name: impl AsRef<str>) -> Option<&str> {
        self.get(name).and_then(text)
    }

    /// The first line's value as it can be put in elsewhere.
    pub fn value_of(&self, name: impl AsRef<str>) -> Option<HeaderValue> {
        self.get(name).and_then(|value| HeaderValue::from_bytes(value).ok())
    }

    /// What stands between the commas of all lines of this name, without white space around it (RFC 9110 §5.6.1).
    pub fn items(&self, name: impl AsRef<str>) -> impl Iterator<Item = &[u8]> {
        let items = self.get_all(name).flat_map(|line| line.split(|&octet| octet == b','));
        items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
    }

    /// Whether there is a line of this name.
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.get(name).is_some()
    }

    /// Puts a line behind all others.
    pub fn append(&mut self, name: impl Borrow<HeaderName>, value: impl Borrow<HeaderValue>) {
        let (name, value) = (name.borrow(), value.borrow());
        self.push(name.as_str().as_bytes(), value.as_bytes(), value.is_sensitive());
    }

    /// Makes this the one line of its name: in the place and in the letters of the first, if there is one.
    pub fn insert(&mut self, name: impl Borrow<HeaderName>, value: impl Borrow<HeaderValue>) {
        let value = value.borrow();
        self.put(name.borrow().as_str(), value.as_bytes(), value.is_sensitive());
    }

    /// As [`insert`](Self::insert), with a number.
    pub fn insert_number(&mut self, name: impl Borrow<HeaderName>, number: u64) {
        self.put(name.borrow().as_str(), itoa::Buffer::new().format(number).as_bytes(), false);
    }

    /// Puts a line behind all others with the value of the first line of another name, if there is one.
    pub fn append_copy(&mut self, name: impl Borrow<HeaderName>, other: impl Borrow<HeaderName>) {
        let other = other.borrow().as_str();
        let Some(&line) = self.lines.iter().find(|line| self.is(line, other)) else { return };
        let (start, name) = (self.text.len(), name.borrow().as_str().as_bytes());
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(COLON);
        self.text.extend_from_within(line.value());
        self.text.extend_from_slice(CRLF);
        self.lines.push(Line { start, name: name.len(), ..line });
    }

    /// Removes all lines of this name.
    pub fn remove(&mut self, name: impl AsRef<str>) {
        self.retain_lines(|fields, line| !fields.is(line, name.as_ref()));
    }

    /// Removes all lines whose names are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(Name<'_>) -> bool) {
        self.retain_lines(|fields, line| keep(fields.name(line)));
    }

    /// Gives those lines of this name whose values are such another value, or takes them out.
    pub fn replace(
        &mut self,
        name: &HeaderName,
        is_such: impl Fn(&[u8]) -> bool,
        replacement: impl Fn(&[u8]) -> Option<HeaderValue>,
    ) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain_mut(|line| {
            if !self.is(line, name.as_str()) || !is_such(self.value(line)) {
                return true;
            }
            let replacement = replacement(self.value(line));
            if let Some(value) = &replacement {
                *line = self.rewrite(*line, value.as_bytes(), value.is_sensitive());
            }
            replacement.is_some()
        });
        self.lines = lines;
    }

    /// Hands over the lines to be kept as they are written, those that stand together in one piece.
    pub fn write(&self, keep: impl Fn(Name<'_>) -> bool, mut write: impl FnMut(&[u8])) {
        let mut piece = 0..0;
        for line in self.lines.iter().filter(|line| keep(self.name(line))) {
            if line.start != piece.end {
                write(&self.text[piece]);
                piece = line.start..line.start;
            }
            piece.end += line.size();
        }
        write(&self.text[piece]);
    }

    /// The same for who wants it so, with names in small letters.
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.len());
        for line in &self.lines {
            let name = HeaderName::from_bytes(self.name(line).as_bytes());
            // Both are good, or they would not be in here.
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(self.value(line))) {
                value.set_sensitive(line.is_sensitive);
                map.append(name, value);
            }
        }
        map
    }

    fn push(&mut self, name: &[u8], value: &[u8], is_sensitive: bool) {
        let line = Line { start: self.text.len(), name: name.len(), value: value.len(), is_sensitive };
        for part in [name, COLON, value, CRLF] {
            self.text.extend_from_slice(part);
        }
        self.lines.push(line);
    }

    /// Makes this the one line of its name. The value is one that may stand in a line.
    fn put(&mut self, name: &str, value: &[u8], is_sensitive: bool) {
        let Some(first) = self.lines.iter().position(|line| self.is(line, name)) else {
            return self.push(name.as_bytes(), value, is_sensitive);
        };
        self.lines[first] = self.rewrite(self.lines[first], value, is_sensitive);
        if self.lines[first + 1..].iter().any(|line| self.is(line, name)) {
            let mut seen = false;
            self.retain_lines(|fields, line| !fields.is(line, name) || !std::mem::replace(&mut seen, true));
        }
    }

    /// Writes a line anew, with this value.
    fn rewrite(&mut self, old: Line, value: &[u8], is_sensitive: bool) -> Line {
        let start = self.text.len();
        self.text.extend_from_within(old.start..old.start + old.name);
        for part in [COLON, value, CRLF] {
            self.text.extend_from_slice(part);
        }
        Line { start, name: old.name, value: value.len(), is_sensitive }
    }

    fn retain_lines(&mut self, mut keep: impl FnMut(&Self, &Line) -> bool) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain(|line| keep(self, line));
        self.lines = lines;
    }

    fn name(&self, line: &Line) -> Name<'_> {
        self.text[line.start..line.start + line.name].into()
    }

    fn is(&self, line: &Line, name: &str) -> bool {
        line.name == name.len() && self.name(line).is(name)
    }

    fn value(&self, line: &Line) -> &[u8] {
        &self.text[line.value()]
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &Line, another: &Line| {
            self.name(one).as_bytes().eq_ignore_ascii_case(other.name(another).as_bytes())
                && self.value(one) == other.value(another)
        };
        self.len() == other.len()
            && self.lines.iter().zip(&other.lines).all(|(one, another)| same(one, another))
    }
}

impl Eq for Fields {}

impl From<&HeaderMap> for Fields {
    fn from(map: &HeaderMap) -> Self {
        map.iter().collect()
    }
}

impl<N: Borrow<HeaderName>, V: Borrow<HeaderValue>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut fields = Self::new();
        lines.into_iter().for_each(|(name, value)| fields.append(name, value));
        fields
    }
}

#[cfg(test)]
mod tests;

//! How a head was written, beyond what its meaning is: its fields' names in the sender's own letters.

use std::ops::Range;

use bytes::Bytes;
use http::header::HeaderName;

/// An extension of a head that was read: whoever writes it on writes its names in the same letters.
///
/// Names mean the same in any letters (RFC 9110 §5.1), but not every program knows that.
#[derive(Clone, Debug, Default)]
pub struct Spelling {
    head: Bytes,
    /// In the order in which they stood.
    names: Vec<Range<usize>>,
    /// What stood behind the status, where it is not what usually does.
    pub(super) reason: Option<Bytes>,
}

/// Looks up names in the order in which they are written, which is mostly the order in which they were read.
#[derive(Debug)]
pub(super) struct Speller<'a> {
    spelling: Option<&'a Spelling>,
    next: usize,
}

// === impl Spelling ===

impl Spelling {
    /// Of a head with so many fields.
    pub(super) fn new(head: Bytes, fields: usize) -> Self {
        Self { head, names: Vec::with_capacity(fields), reason: None }
    }

    /// Octets of the head as it was written.
    pub(super) fn size(&self) -> usize {
        self.head.len()
    }

    /// Notes a name, which has to be a part of the head.
    pub(super) fn note(&mut self, name: &[u8]) {
        let start = name.as_ptr() as usize - self.head.as_ptr() as usize;
        self.names.push(start..start + name.len());
    }
}

// === impl Speller ===

impl<'a> Speller<'a> {
    pub(super) fn new(spelling: Option<&'a Spelling>) -> Self {
        Self { spelling, next: 0 }
    }

    /// The name as it was written, or in small letters where it was not.
    pub(super) fn spell<'n>(&mut self, name: &'n HeaderName) -> &'n [u8]
    where
        'a: 'n,
    {
        let small = name.as_str().as_bytes();
        let Some(Spelling { head, names, .. }) = self.spelling else { return small };
        let (before, from_here) = names.split_at(self.next.min(names.len()));
        let is_it =
            |at: &&Range<usize>| at.len() == small.len() && head[(*at).clone()].eq_ignore_ascii_case(small);
        let found = from_here.iter().position(|at| is_it(&at)).map(|step| self.next + step);
        let Some(at) = found.or_else(|| before.iter().position(|at| is_it(&at))) else { return small };
        self.next = at + 1;
        &head[names[at].clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_letters_whatever_came_or_went_between_them() {
        let head = Bytes::from_static(b"Host|X-A|x-B|X-a|Accept");
        let mut spelling = Spelling::new(head.clone(), 5);
        for part in head.split(|&octet| octet == b'|') {
            spelling.note(part);
        }
        let mut speller = Speller::new(Some(&spelling));
        let mut spell = |name: &'static str| {
            let name = HeaderName::from_static(name);
            String::from_utf8(speller.spell(&name).to_vec()).unwrap()
        };
        assert_eq!(spell("host"), "Host");
        assert_eq!(spell("new"), "new");
        assert_eq!(spell("x-a"), "X-A");
        assert_eq!(spell("x-a"), "X-a", "its second line");
        assert_eq!(spell("x-b"), "x-B", "moved behind");
        assert_eq!(spell("accept"), "Accept");
        assert_eq!(Speller::new(None).spell(&HeaderName::from_static("host")), b"host");
    }
}

//! One field line, and where it stands in the text of all.

use std::ops::Range;

/// Where a line stands in the text.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) start: usize,
    pub(super) name: usize,
    pub(super) value: usize,
    /// Whether nobody is to print or to index it (RFC 7541 §7.1.3).
    pub(super) is_sensitive: bool,
}

/// Between name and value.
pub(super) const COLON: &[u8] = b": ";

/// After the value.
pub(super) const CRLF: &[u8] = b"\r\n";

/// Where a part of these octets stands in them; far away if it is none.
pub(super) fn offset(octets: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(octets.as_ptr().addr())
}

// === impl Line ===

impl Line {
    /// The line where it stands in these octets, if it is written there as it goes on, which nearly all are.
    pub(super) fn standing(head: &[u8], line: &httparse::Header<'_>) -> Option<Self> {
        let (start, name, value) = (offset(head, line.name.as_bytes()), line.name.len(), line.value.len());
        let before = head.get(start..)?.get(name..)?.strip_prefix(COLON)?;
        let is_next = value == 0 || std::ptr::eq(before.as_ptr(), line.value.as_ptr());
        let is_all = before.get(value..)?.starts_with(CRLF);
        (is_next && is_all).then_some(Self { start, name, value, is_sensitive: false })
    }

    /// Where the value stands in the text.
    pub(super) fn value(&self) -> Range<usize> {
        let start = self.start + self.name + COLON.len();
        start..start + self.value
    }

    pub(super) fn size(&self) -> usize {
        self.name + COLON.len() + self.value + CRLF.len()
    }
}

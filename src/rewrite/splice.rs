//! A change to content that leaves all its other octets as they are.

use std::ops::Range;

use bytes::Bytes;

/// One change to content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// What is replaced, in octets from the start of the content.
    pub at: Range<u64>,
    /// What comes in its place.
    pub replacement: Bytes,
}

/// Makes the changes, which are in order and do not overlap, in whole content.
pub fn splice_all(content: &[u8], splices: &[Splice]) -> Vec<u8> {
    let added: usize = splices.iter().map(|splice| splice.replacement.len()).sum();
    let mut changed = Vec::with_capacity(content.len() + added);
    let mut kept = 0;
    for Splice { at, replacement } in splices {
        let (start, end) = (within(content, at.start), within(content, at.end));
        changed.extend_from_slice(content.get(kept..start).unwrap_or_default());
        changed.extend_from_slice(replacement);
        kept = end;
    }
    changed.extend_from_slice(&content[kept..]);
    changed
}

fn within(content: &[u8], at: u64) -> usize {
    usize::try_from(at).map_or(content.len(), |at| at.min(content.len()))
}

// === impl Splice ===

impl Splice {
    /// Puts something in without taking anything out.
    pub fn insert(at: usize, text: impl Into<Bytes>) -> Self {
        Self { at: at as u64..at as u64, replacement: text.into() }
    }

    /// Puts something in place of what stands at these octets.
    pub fn replace(at: Range<usize>, text: impl Into<Bytes>) -> Self {
        Self { at: at.start as u64..at.end as u64, replacement: text.into() }
    }

    /// The length of content that was `before` octets long; `None` if it does not reach that far.
    pub fn length_after(&self, before: u64) -> Option<u64> {
        let kept = before.checked_sub(self.at.end)?.checked_add(self.at.start)?;
        kept.checked_add(self.replacement.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_everything_between_the_changes() {
        let splices = [Splice::insert(0, "<"), Splice::replace(2..4, ""), Splice::replace(5..6, "five")];
        assert_eq!(splice_all(b"0123456", &splices), b"<014five6");
        assert_eq!(splice_all(b"0123456", &[]), b"0123456");
        assert_eq!(splice_all(b"01", &[Splice::insert(2, ">")]), b"01>");
    }
}

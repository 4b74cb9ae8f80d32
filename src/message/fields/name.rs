//! Names of fields, which mean the same in any letters (RFC 9110 §5.1).

use std::fmt;

use http::HeaderName;

/// A field's name in the letters in which it was written.
#[derive(Clone, Copy)]
pub struct Name<'a>(&'a [u8]);

// === impl Name ===

impl<'a> Name<'a> {
    /// As it was written.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether it is this name, in whatever letters.
    #[inline]
    pub fn is(self, name: impl AsRef<str>) -> bool {
        let name = name.as_ref().as_bytes();
        self.0.len() == name.len() && is_same(self.0, name)
    }

    /// Whether it is one of these.
    pub fn is_one_of(self, names: &[impl AsRef<str>]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// Whether it begins so, in whatever letters.
    pub fn begins(self, prefix: &str) -> bool {
        self.0.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix.as_bytes()))
    }
}

impl<'a> From<&'a [u8]> for Name<'a> {
    fn from(name: &'a [u8]) -> Self {
        Self(name)
    }
}

impl<'a> From<&'a HeaderName> for Name<'a> {
    fn from(name: &'a HeaderName) -> Self {
        Self(name.as_str().as_bytes())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// Whether two names of the same length differ in nothing but the case of ASCII letters.
///
/// Each exchange compares names some hundred times, and nearly all are longer than one word.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (Some(begin), Some(other_begin)) = (one.first_chunk(), other.first_chunk()) else {
        return one.eq_ignore_ascii_case(other);
    };
    let ((words, _), (other_words, _)) = (one.as_chunks(), other.as_chunks());
    // The last word overlaps the one before, where the length is no multiple of a word's.
    let last = one.last_chunk().zip(other.last_chunk());
    small(begin) == small(other_begin)
        && last.is_none_or(|(end, other_end)| small(end) == small(other_end))
        && words.iter().zip(other_words).skip(1).all(|(word, other)| small(word) == small(other))
}

/// Eight octets, of which ASCII letters are made small.
fn small(octets: &[u8; 8]) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = 0x80 * EACH;
    let word = u64::from_ne_bytes(*octets);
    // No octet carries over into the next: each is below 0x80 here, and at most 0x3f is added.
    let low = word & !HIGH;
    let from_a = low + u64::from(0x80 - b'A') * EACH;
    let past_z = low + u64::from(0x7f - b'Z') * EACH;
    word | ((from_a & !past_z & !word & HIGH) >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_octet_is_the_same_in_any_case_and_no_other() {
        for length in 1..=20 {
            for at in [0, length / 2, length - 1] {
                for one in 0..=u8::MAX {
                    for other in [one, one ^ 0x20, one ^ 0x80, one.wrapping_add(1)] {
                        let [mut left, mut right] = [[b'x'; 20], [b'X'; 20]];
                        (left[at], right[at]) = (one, other);
                        let (left, right) = (&left[..length], &right[..length]);
                        assert_eq!(
                            is_same(left, right),
                            left.eq_ignore_ascii_case(right),
                            "{left:?} {right:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_is_no_longer_and_no_shorter_one() {
        let name = Name::from(&b"Content-Length"[..]);
        assert!(name.is("content-length") && name.is("CONTENT-LENGTH"));
        assert!(!name.is("content-lengt") && !name.is("content-length:") && !name.is("content_length"));
    }
}

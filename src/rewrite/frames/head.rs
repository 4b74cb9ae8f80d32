//! The head of a frame (RFC 6455 §5.2).

use std::ops::Deref;

/// Most octets that a head has: two, eight of length, four of masking key.
const LONGEST: usize = 14;

/// Payload lengths that need more than the second octet say how many octets more.
const IN_TWO: u8 = 126;
const IN_EIGHT: u8 = 127;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// A head as it is written, perhaps not yet whole. Dereferences to its octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    octets: [u8; LONGEST],
    len: usize,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    /// Ping and pong.
    Control,
    /// One that no specification defines.
    Unknown,
}

// === impl Head ===

impl Head {
    /// Takes the octets that it lacks from the front of `chunk` and returns what is left of that.
    pub(super) fn take<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let mut rest = chunk;
        while let Some((octet, after)) = rest.split_first().filter(|_| !self.is_whole()) {
            self.octets[self.len] = *octet;
            self.len += 1;
            rest = after;
        }
        rest
    }

    pub(super) fn is_whole(&self) -> bool {
        self.len >= 2 && self.len == 2 + self.length_octets() + if self.is_masked() { 4 } else { 0 }
    }

    /// Whether the frame is the last one of its message.
    pub(super) fn is_final(&self) -> bool {
        self.octets[0] & FIN != 0
    }

    /// Whether a bit is set that only extensions give a meaning.
    pub(super) fn is_extended(&self) -> bool {
        self.octets[0] & RESERVED != 0
    }

    pub(super) fn opcode(&self) -> Opcode {
        match self.octets[0] & 0x0F {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 | 10 => Opcode::Control,
            _ => Opcode::Unknown,
        }
    }

    /// The payload's length in octets.
    pub(super) fn length(&self) -> u64 {
        match self.octets[1] & !MASKED {
            IN_TWO | IN_EIGHT => self.octets[2..2 + self.length_octets()]
                .iter()
                .fold(0, |length, octet| length << 8 | u64::from(*octet)),
            length => length.into(),
        }
    }

    /// The masking key; of a frame that is not masked, one that masks nothing.
    pub(super) fn mask(&self) -> [u8; 4] {
        let mut key = [0; 4];
        if self.is_masked() {
            key.copy_from_slice(&self.octets[self.len - 4..self.len]);
        }
        key
    }

    /// The head of the same frame with another payload.
    pub(super) fn resized(&self, length: u64, mask: [u8; 4]) -> Self {
        let masked = self.octets[1] & MASKED;
        let mut head = Self::default();
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short), _) if short < IN_TWO => head.push(&[self.octets[0], masked | short]),
            (_, Ok(length)) => {
                head.push(&[self.octets[0], masked | IN_TWO]);
                head.push(&length.to_be_bytes());
            }
            _ => {
                head.push(&[self.octets[0], masked | IN_EIGHT]);
                head.push(&length.to_be_bytes());
            }
        }
        if self.is_masked() {
            head.push(&mask);
        }
        head
    }

    fn push(&mut self, octets: &[u8]) {
        self.octets[self.len..self.len + octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }

    fn is_masked(&self) -> bool {
        self.octets[1] & MASKED != 0
    }

    fn length_octets(&self) -> usize {
        match self.octets[1] & !MASKED {
            IN_TWO => 2,
            IN_EIGHT => 8,
            _ => 0,
        }
    }
}

impl Deref for Head {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}

/// Masks a payload, or takes its mask off; `at` is where in the whole payload it begins (RFC 6455 §5.3).
pub(super) fn mask(octets: &mut [u8], key: [u8; 4], at: usize) {
    for (index, octet) in octets.iter_mut().enumerate() {
        *octet ^= key[(at + index) % 4];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_form_of_a_head() {
        for (octets, length, key) in [
            (&[0x81, 0x05][..], 5, [0; 4]),
            (&[0x81, 0x85, 1, 2, 3, 4], 5, [1, 2, 3, 4]),
            (&[0x81, 0x7E, 0x01, 0x00], 256, [0; 4]),
            (&[0x81, 0xFE, 0x00, 0x05, 1, 2, 3, 4], 5, [1, 2, 3, 4]),
            (&[0x81, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 9, 8, 7, 6], 1 << 32, [9, 8, 7, 6]),
            (&[0x81, 0x7F, 255, 255, 255, 255, 255, 255, 255, 255], u64::MAX, [0; 4]),
        ] {
            let mut head = Head::default();
            for (index, octet) in octets.iter().enumerate() {
                assert!(!head.is_whole(), "{octets:?} at {index}");
                assert!(head.take(&[*octet]).is_empty());
            }
            assert!(head.is_whole(), "{octets:?}");
            assert_eq!(head.take(b"rest"), b"rest");
            assert_eq!((&*head, head.length(), head.mask()), (octets, length, key));
        }
    }

    #[test]
    fn writes_the_shortest_form() {
        let mut head = Head::default();
        head.take(&[0x01, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        for (length, size) in [(0, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            let resized = head.resized(length, [5, 6, 7, 8]);
            assert!(resized.is_whole());
            assert_eq!((resized.len(), resized.length(), resized.mask()), (size, length, [5, 6, 7, 8]));
            assert_eq!((resized.opcode(), resized.is_final()), (Opcode::Text, false));
        }
    }
}

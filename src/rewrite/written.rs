//! A short text that comes in pieces: a key, or the model itself.

use super::finding::LONGEST_MODEL;

/// Octets that most texts have room in.
const USUAL: usize = 64;

/// A text as it is written, kept up to [`LONGEST_MODEL`] octets.
#[derive(Debug, Default)]
pub(super) struct Written {
    octets: Vec<u8>,
    overlong: bool,
}

// === impl Written ===

impl Written {
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.overlong = false;
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        self.overlong |= self.octets.len() + piece.len() > LONGEST_MODEL;
        if !self.overlong {
            self.octets.reserve(if self.octets.is_empty() { USUAL } else { 0 });
            self.octets.extend_from_slice(piece);
        }
    }

    /// The whole; `None` if it is too long to have been kept.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (!self.overlong).then_some(&*self.octets)
    }
}

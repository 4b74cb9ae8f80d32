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
    pub fn is(self, name: impl AsRef<str>) -> bool {
        self.0.eq_ignore_ascii_case(name.as_ref().as_bytes())
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

//! The keys that clients of this proxy prove themselves with: named, and known by their digests alone.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use thiserror::Error;

/// Fewest characters of a key that may be given in clear; a shorter one can be guessed.
const SHORTEST: usize = 16;

/// Most characters of a name, which appears in logs.
const LONGEST_NAME: usize = 64;

/// What stands before a digest, so that a key is not taken for one.
const SCHEME: &str = "sha256:";

/// What is kept of a key.
pub type Digest = [u8; SHA256_OUTPUT_LEN];

/// Every client key there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientKeys(Vec<ClientKey>);

/// One client's key. A key has enough randomness of its own, so a plain digest keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey {
    name: Arc<str>,
    digest: Digest,
}

/// Why a key is not taken. No variant holds any of it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientKeyError {
    /// Not a name and a digest.
    #[error("expected NAME sha256:HEX; `azure-openai-proxy client-key NAME` makes a key and its line")]
    Line,
    /// Not a name and a key.
    #[error("expected NAME=KEY")]
    Entry,
    /// A name that would not be safe in a log line.
    #[error("a client's name has 1 to {LONGEST_NAME} letters, digits, dots, hyphens and underscores")]
    Name,
    /// A key that can be guessed.
    #[error(
        "the key of {name} is shorter than {SHORTEST} characters; `azure-openai-proxy client-key {name}` makes one"
    )]
    Short {
        /// Whose key it is.
        name: String,
    },
    /// Two keys of one name: nobody could tell which of them was revoked.
    #[error("the client {name} has a key already")]
    Twice {
        /// The name.
        name: String,
    },
}

/// The line of a file of keys that lets in whoever holds `key`.
pub fn line(name: &str, key: &str) -> Result<String, ClientKeyError> {
    let ClientKey { name, digest } = ClientKey::of(name, key)?;
    Ok(format!("{name} {SCHEME}{}", HEXLOWER.encode(&digest)))
}

// === impl ClientKeys ===

impl ClientKeys {
    /// Adds what one line of a file says; nothing for an empty line or one that begins with `#`.
    pub fn add_line(&mut self, line: &str) -> Result<(), ClientKeyError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (name, rest) = line.split_once(char::is_whitespace).ok_or(ClientKeyError::Line)?;
        let hex = rest.trim_start().strip_prefix(SCHEME).ok_or(ClientKeyError::Line)?;
        let digest =
            HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok().and_then(|octets| octets.try_into().ok());
        let digest = digest.ok_or(ClientKeyError::Line)?;
        self.add(ClientKey { name: checked(name)?, digest })
    }

    /// Adds a key that is given in clear, as `NAME=KEY`; only its digest is kept.
    pub fn add_entry(&mut self, entry: &str) -> Result<(), ClientKeyError> {
        let (name, key) = entry.split_once('=').ok_or(ClientKeyError::Entry)?;
        // A key without its name, in base64: what is before its padding is no name, and is not to be printed.
        if key.trim().bytes().all(|octet| octet == b'=') {
            return Err(ClientKeyError::Entry);
        }
        self.add(ClientKey::of(name.trim(), key.trim())?)
    }

    /// The key that this text is. The time that it takes does not depend on the text.
    pub fn find(&self, presented: &str) -> Option<&ClientKey> {
        let presented = digest_of(presented);
        let matches = |key: &&ClientKey| verify_slices_are_equal(&key.digest, &presented).is_ok();
        // To the end, also when it has been found.
        self.0.iter().filter(matches).fold(None, |_, key| Some(key))
    }

    /// Whether a key that was found once, maybe under older settings, is among these.
    pub fn holds(&self, key: &ClientKey) -> bool {
        self.0.contains(key)
    }

    fn add(&mut self, key: ClientKey) -> Result<(), ClientKeyError> {
        if self.0.iter().any(|known| known.name == key.name) {
            return Err(ClientKeyError::Twice { name: key.name.to_string() });
        }
        self.0.push(key);
        Ok(())
    }
}

// === impl ClientKey ===

impl ClientKey {
    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn of(name: &str, key: &str) -> Result<Self, ClientKeyError> {
        let name = checked(name)?;
        if key.chars().count() < SHORTEST {
            return Err(ClientKeyError::Short { name: name.to_string() });
        }
        Ok(Self { name, digest: digest_of(key) })
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKey({})", self.name)
    }
}

fn checked(name: &str) -> Result<Arc<str>, ClientKeyError> {
    let safe = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(safe);
    if fits { Ok(name.into()) } else { Err(ClientKeyError::Name) }
}

/// The digest of a key.
pub fn digest_of(text: &str) -> Digest {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a-key-of-somebody";

    #[test]
    fn a_line_lets_its_key_in_and_no_other() {
        let mut keys = ClientKeys::default();
        keys.add_line(&line("alice", KEY).unwrap()).unwrap();
        keys.add_entry("bob = another-key-of-somebody").unwrap();
        for (presented, owner) in [
            (KEY, Some("alice")),
            ("another-key-of-somebody", Some("bob")),
            ("a-key-of-somebodY", None),
            ("a-key-of-somebod", None),
            ("", None),
        ] {
            assert_eq!(keys.find(presented).map(ClientKey::name), owner, "{presented}");
        }
        assert!(!line("alice", KEY).unwrap().contains(KEY) && !format!("{keys:?}").contains("sha256"));
    }

    #[test]
    fn empty_lines_and_comments_hold_no_key() {
        let mut keys = ClientKeys::default();
        for line in ["", "   ", "# alice left", "\t# x"] {
            keys.add_line(line).unwrap();
        }
        assert_eq!(keys, ClientKeys::default());
    }

    #[test]
    fn what_is_not_a_key_is_refused_without_repeating_it() {
        let hex = "0".repeat(64);
        let mut keys = ClientKeys::default();
        for (line, error) in [
            ("alice".to_owned(), ClientKeyError::Line),
            (format!("alice {KEY}"), ClientKeyError::Line),
            (format!("alice {hex}"), ClientKeyError::Line),
            (format!("alice sha256:{}", &hex[1..]), ClientKeyError::Line),
            (format!("alice sha256:{hex}0"), ClientKeyError::Line),
            (format!("alice sha256:{}x", &hex[1..]), ClientKeyError::Line),
            (format!("al\u{1b}ice sha256:{hex}"), ClientKeyError::Name),
            (format!("{} sha256:{hex}", "a".repeat(65)), ClientKeyError::Name),
        ] {
            assert_eq!(keys.add_line(&line), Err(error.clone()), "{line}");
            assert!(!error.to_string().contains(KEY));
        }
        for (entry, error) in [
            (KEY.to_owned(), ClientKeyError::Entry),
            (format!("={KEY}"), ClientKeyError::Name),
            ("alice=short".to_owned(), ClientKeyError::Short { name: "alice".into() }),
            ("alice=".to_owned(), ClientKeyError::Entry),
            // In base64, without a name: none of it is one.
            ("YS1zZWNyZXQtb2Ytc29tZWJvZHk==".to_owned(), ClientKeyError::Entry),
        ] {
            assert_eq!(keys.add_entry(&entry), Err(error), "{entry}");
        }
        keys.add_entry(&format!("alice={KEY}")).unwrap();
        let twice = ClientKeyError::Twice { name: "alice".into() };
        assert_eq!(keys.add_line(&format!("alice sha256:{hex}")), Err(twice));
    }
}

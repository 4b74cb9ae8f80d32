//! What the fuzz targets share.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The sizes of the pieces in which each input is given a second time: what a reader makes of octets must not
/// depend on how they arrive. Pieces of one octet stop it in each of its states.
pub const STEPS: [usize; 4] = [1, 2, 7, 61];

/// The content with the octets at `at` replaced.
pub fn replaced(content: &[u8], at: &std::ops::Range<u64>, with: &[u8]) -> Vec<u8> {
    let (start, end) = (at.start as usize, at.end as usize);
    assert!(start <= end && end <= content.len(), "{at:?} is not in {} octets", content.len());
    [&content[..start], with, &content[end..]].concat()
}

/// The entries of a JSON object as serde_json reads them, repeated ones too; `None` if the text is none.
pub fn entries(text: &str) -> Option<Vec<(String, &str)>> {
    let Entries(entries) = serde_json::from_str(text).ok()?;
    Some(entries.into_iter().map(|(name, value)| (name, value.get())).collect())
}

struct Entries<'a>(Vec<(String, &'a RawValue)>);

struct Visit;

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visit)
    }
}

impl<'de> Visitor<'de> for Visit {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

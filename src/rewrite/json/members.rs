//! Whole JSON text taken apart one level deep, so that changes can be made where its values stand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One member of an object.
#[derive(Debug)]
pub(in crate::rewrite) struct Member<'a> {
    /// Its name, decoded.
    pub(in crate::rewrite) name: String,
    /// Its value as written, a part of the text that was read.
    pub(in crate::rewrite) value: &'a str,
}

/// The members of an object in their order, repeated ones too; `None` if the text is no object or
/// not JSON to its end.
pub(in crate::rewrite) fn members(text: &str) -> Option<Vec<Member<'_>>> {
    serde_json::from_str(text).ok().map(|Members(members)| members)
}

/// The elements of a list as written; `None` if the text is no list.
pub(in crate::rewrite) fn elements(text: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The value of the first member of that name, unless it is `null`.
pub(in crate::rewrite) fn value<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let value = members.iter().find(|member| member.name == name)?.value;
    (value != "null").then_some(value)
}

/// The text of a value that is a string.
pub(in crate::rewrite) fn string(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// A text as JSON writes it.
pub(in crate::rewrite) fn quoted(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("a string is always JSON")
}

/// Where a part that was found in a text stands in it.
pub(in crate::rewrite) fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}

struct Members<'a>(Vec<Member<'a>>);

struct Visit;

// === impl Members ===

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visit)
    }
}

// === impl Visit ===

impl<'de> Visitor<'de> for Visit {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            members.push(Member { name, value: value.get() });
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_stands_where() {
        let text = r#" { "a" : [1, {"x":2} ,"s"],"a":null, "\u0062": 1e2 } "#;
        let members = members(text).unwrap();
        let names: Vec<_> = members.iter().map(|member| &*member.name).collect();
        assert_eq!(names, ["a", "a", "b"]);
        let list = value(&members, "a").unwrap();
        assert_eq!(&text[offset(text, list)..][..list.len()], r#"[1, {"x":2} ,"s"]"#);
        assert_eq!(elements(list).unwrap(), ["1", r#"{"x":2}"#, r#""s""#]);
        assert_eq!(value(&members, "b"), Some("1e2"));
        assert_eq!(value(&members, "c"), None);
    }

    #[test]
    fn reads_nothing_but_whole_objects() {
        for text in ["", "[]", "{", "{} x", "null", r#"{"a":}"#] {
            assert!(members(text).is_none(), "{text}");
        }
        assert!(elements("{}").is_none());
    }
}

//! The `Via` field (RFC 9110 §7.6.3): written where we act as a plain proxy, read everywhere.

use http::header::{HeaderValue, VIA};

use super::{Fields, fields};

/// Whether a message already passed through the proxy of this pseudonym.
pub fn names_us(fields: &Fields, pseudonym: &str) -> bool {
    fields
        .items(VIA)
        .filter_map(fields::text)
        .any(|hop| hop.split_ascii_whitespace().nth(1).is_some_and(|by| by.eq_ignore_ascii_case(pseudonym)))
}

/// Adds this hop to the field.
pub fn append(fields: &mut Fields, version: http::Version, pseudonym: &str) {
    let received = match version {
        http::Version::HTTP_10 => "1.0",
        http::Version::HTTP_2 => "2",
        _ => "1.1",
    };
    let hop = HeaderValue::try_from(format!("{received} {pseudonym}")).expect("a pseudonym is a token");
    fields.append(VIA, hop);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_itself_among_other_hops() {
        let mut fields = Fields::new();
        assert!(!names_us(&fields, "aop-1"));
        fields.append(VIA, HeaderValue::from_static("1.0 fred, 1.1 p.example.net (squid)"));
        append(&mut fields, http::Version::HTTP_11, "aop-1");
        assert!(names_us(&fields, "AOP-1"));
        assert!(!names_us(&fields, "aop"));
    }
}

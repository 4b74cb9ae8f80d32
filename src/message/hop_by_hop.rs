//! Fields that concern one connection only (RFC 9110 §7.6.1).

use http::header::{self, HeaderName, HeaderValue};

use super::Fields;
use super::fields::Name;

/// Removes what must not be passed on: hop-by-hop fields, every field that any `Connection`
/// line names, and all `Proxy-*` fields. The order of the rest is kept.
///
/// Of `TE` only `trailers` is passed on: those are carried on both hops, other codings are not. Whoever writes the head
/// for HTTP/1.1 has `Connection` name it (RFC 9110 §10.1.4); on HTTP/2 there is no such field.
pub fn sanitise(fields: &mut Fields) {
    sanitise_without(fields, |_| false);
}

/// As [`sanitise`]; the fields that are not wanted for another reason go with the same stroke.
pub fn sanitise_without(fields: &mut Fields, unwanted: impl Fn(Name<'_>) -> bool) {
    let trailers = fields.items(header::TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
    let named = named_by_connection(fields);
    fields.retain(|name| !is_hop_by_hop(name) && !name.is_one_of(&named) && !unwanted(name));
    if trailers {
        fields.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Whether a field never travels past one hop, whatever `Connection` says.
pub fn is_hop_by_hop(name: Name<'_>) -> bool {
    const OTHERS: [&str; 6] =
        ["connection", "te", "transfer-encoding", "upgrade", "keep-alive", "http2-settings"];
    OTHERS.iter().any(|other| name.is(other)) || name.begins("proxy-")
}

/// Whether a `Connection` line names this option (RFC 9110 §7.6.1).
pub fn has_option(fields: &Fields, option: &str) -> bool {
    fields.items(header::CONNECTION).any(|named| named.eq_ignore_ascii_case(option.as_bytes()))
}

fn named_by_connection(fields: &Fields) -> Vec<HeaderName> {
    fields
        .items(header::CONNECTION)
        // Those go anyway, and nearly all that is named is one of them.
        .filter(|option| !is_hop_by_hop((*option).into()))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        // Naming an end-to-end field that frames or routes the message would change its meaning.
        .filter(|name| !matches!(*name, header::HOST | header::CONTENT_LENGTH | header::CONTENT_TYPE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_every_field_that_any_connection_line_names() {
        let mut map = Fields::new();
        for line in ["close, X-One", "x-two"] {
            map.append(header::CONNECTION, HeaderValue::from_static(line));
        }
        for name in
            ["x-one", "x-two", "x-three", "proxy-authorization", "proxy-connection", "te", "keep-alive"]
        {
            map.append(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        sanitise(&mut map);
        assert_eq!(map.iter().map(|(name, _)| name.as_bytes()).collect::<Vec<_>>(), [b"x-three"]);
    }

    #[test]
    fn passes_on_that_trailers_are_welcome_and_no_other_transfer_coding() {
        for (line, kept) in [("deflate;q=0.5, Trailers", Some("trailers")), ("deflate", None), ("", None)] {
            let mut map = Fields::of(&[("connection", "te"), ("te", line)]);
            sanitise(&mut map);
            assert_eq!(map.text("te"), kept);
        }
    }

    #[test]
    fn cannot_be_used_to_unframe_a_message() {
        let mut map =
            Fields::of(&[("connection", "content-length, host"), ("content-length", "3"), ("host", "h")]);
        sanitise(&mut map);
        assert!(map.contains("content-length") && map.contains("host"));
    }
}

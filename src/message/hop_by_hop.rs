//! Fields that concern one connection only (RFC 9110 §7.6.1).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::fields;

/// Removes what must not be passed on: hop-by-hop fields, every field that any `Connection`
/// line names, and all `Proxy-*` fields. The order of the rest is kept.
///
/// Of `TE` only `trailers` is passed on: those are carried on both hops, other codings are not. `Connection` does
/// not name it, as it should on HTTP/1.1 (RFC 9110 §10.1.4): on HTTP/2 there is no such field, and here nobody knows yet
/// which it will be.
pub fn sanitise(fields: &mut HeaderMap) {
    sanitise_without(fields, |_| false);
}

/// As [`sanitise`]; the fields that are not wanted for another reason go with the same stroke.
pub fn sanitise_without(fields: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let trailers = wants_trailers(fields);
    let named = named_by_connection(fields);
    fields::retain(fields, |name| !is_hop_by_hop(name) && !named.contains(name) && !unwanted(name));
    if trailers {
        fields.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Whether a field never travels past one hop, whatever `Connection` says.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::TE | header::TRANSFER_ENCODING | header::UPGRADE)
        || matches!(name.as_str(), "keep-alive" | "http2-settings")
        || name.as_str().starts_with("proxy-")
}

/// Whether a `Connection` line names this option (RFC 9110 §7.6.1).
pub fn has_option(fields: &HeaderMap, option: &str) -> bool {
    let lines = fields.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&octet| octet == b','))
        .any(|named| named.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
}

fn wants_trailers(fields: &HeaderMap) -> bool {
    let codings = fields.get_all(header::TE).iter().flat_map(|line| line.as_bytes().split(|&b| b == b','));
    codings.map(<[u8]>::trim_ascii).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

fn named_by_connection(fields: &HeaderMap) -> Vec<HeaderName> {
    let lines = fields.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        // Naming an end-to-end field that frames or routes the message would change its meaning.
        .filter(|name| !matches!(*name, header::HOST | header::CONTENT_LENGTH | header::CONTENT_TYPE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|&(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn removes_every_field_that_any_connection_line_names() {
        let mut map = HeaderMap::new();
        for line in ["close, X-One", "x-two"] {
            map.append("connection", HeaderValue::from_static(line));
        }
        for name in
            ["x-one", "x-two", "x-three", "proxy-authorization", "proxy-connection", "te", "keep-alive"]
        {
            map.append(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        sanitise(&mut map);
        assert_eq!(map.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-three"]);
    }

    #[test]
    fn passes_on_that_trailers_are_welcome_and_no_other_transfer_coding() {
        for (line, kept) in [("deflate;q=0.5, Trailers", Some("trailers")), ("deflate", None), ("", None)] {
            let mut map = fields(&[("connection", "te"), ("te", line)]);
            sanitise(&mut map);
            assert_eq!(map.get("te").map(|value| value.to_str().unwrap()), kept);
        }
    }

    #[test]
    fn cannot_be_used_to_unframe_a_message() {
        let mut map =
            fields(&[("connection", "content-length, host"), ("content-length", "3"), ("host", "h")]);
        sanitise(&mut map);
        assert!(map.contains_key("content-length") && map.contains_key("host"));
    }
}

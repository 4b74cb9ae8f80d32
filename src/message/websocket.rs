//! The words of a WebSocket's opening handshake (RFC 6455 §4, RFC 8441 §5).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use data_encoding::BASE64;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{Method, Version};

/// What a server proves to have read a key with (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether an HTTP/1.1 request asks for a WebSocket.
///
/// Any other `Upgrade` may be ignored and the request served as it is (RFC 9110 §7.8).
pub fn is_asked_for(method: &Method, version: Version, fields: &HeaderMap) -> bool {
    method == Method::GET
        && version == Version::HTTP_11
        && has_token(fields, &CONNECTION, "upgrade")
        && has_token(fields, &UPGRADE, "websocket")
}

/// Whether the fields of a 101 agree to the WebSocket that was asked for with this key.
pub fn is_agreed_to(key: &HeaderValue, fields: &HeaderMap) -> bool {
    has_token(fields, &UPGRADE, "websocket") && fields.get(SEC_WEBSOCKET_ACCEPT) == Some(&accept(key))
}

/// Puts in the fields that switch an HTTP/1.1 connection, in a request as in its 101.
pub fn switch(fields: &mut HeaderMap) {
    fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// The `Sec-WebSocket-Key` for a nonce that is used once.
pub fn key(nonce: [u8; 16]) -> HeaderValue {
    HeaderValue::try_from(BASE64.encode(&nonce)).expect("base64 is visible ASCII")
}

/// The `Sec-WebSocket-Accept` that answers a key.
pub fn accept(key: &HeaderValue) -> HeaderValue {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat());
    HeaderValue::try_from(BASE64.encode(hash.as_ref())).expect("base64 is visible ASCII")
}

/// The subprotocols that are offered, in order.
pub fn protocols(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    items(fields, &SEC_WEBSOCKET_PROTOCOL)
}

/// Takes back the offer of every subprotocol that is not wanted; the field is left alone if all are.
pub fn retain_protocols(fields: &mut HeaderMap, wanted: impl Fn(&str) -> bool) {
    if protocols(fields).all(&wanted) {
        return;
    }
    let kept = protocols(fields).filter(|item| wanted(item)).collect::<Vec<_>>().join(", ");
    match HeaderValue::try_from(kept) {
        Ok(kept) if !kept.is_empty() => drop(fields.insert(SEC_WEBSOCKET_PROTOCOL, kept)),
        _ => drop(fields.remove(SEC_WEBSOCKET_PROTOCOL)),
    }
}

fn has_token(fields: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    items(fields, name).any(|item| item.eq_ignore_ascii_case(token))
}

/// The items of a comma-separated field, over all its lines.
fn items<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = fields.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        fields
    }

    #[test]
    fn answers_the_rfcs_own_key() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(super::key(*b"the sample nonce"), key);
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let mut agreed = fields(&[("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]);
        assert!(!is_agreed_to(&key, &agreed), "nothing is switched");
        switch(&mut agreed);
        assert!(is_agreed_to(&key, &agreed));
        assert!(!is_agreed_to(&HeaderValue::from_static("another"), &agreed));
    }

    #[test]
    fn is_asked_for_by_get_and_two_tokens() {
        let asked =
            fields(&[("connection", "keep-alive, Upgrade"), ("upgrade", "h2c"), ("upgrade", "WebSocket")]);
        assert!(is_asked_for(&Method::GET, Version::HTTP_11, &asked));
        assert!(!is_asked_for(&Method::POST, Version::HTTP_11, &asked));
        assert!(!is_asked_for(&Method::GET, Version::HTTP_10, &asked));
        for lines in [
            &[("connection", "upgrade"), ("upgrade", "h2c")][..],
            &[("connection", "keep-alive"), ("upgrade", "websocket")],
            &[("upgrade", "websocket")],
            &[("connection", "upgrade")],
            &[("connection", "upgrade"), ("upgrade", "websockets")],
        ] {
            assert!(!is_asked_for(&Method::GET, Version::HTTP_11, &fields(lines)), "{lines:?}");
        }
    }

    #[test]
    fn takes_back_single_offers() {
        let name = "sec-websocket-protocol";
        for (lines, kept) in [
            (&["realtime", "key.k"][..], &["realtime"][..]),
            (&["realtime, key.k,other"], &["realtime, other"]),
            (&["key.k"], &[]),
            (&["realtime ,other", "third"], &["realtime ,other", "third"]),
            (&[], &[]),
        ] {
            let pairs: Vec<_> = lines.iter().map(|&line| (name, line)).collect();
            let mut fields = fields(&pairs);
            retain_protocols(&mut fields, |item| !item.starts_with("key."));
            assert_eq!(fields.get_all(name).iter().collect::<Vec<_>>(), kept, "{lines:?}");
        }
    }
}

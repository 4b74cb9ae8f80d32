//! The words of a WebSocket's opening handshake (RFC 6455 §4, RFC 8441 §5).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use data_encoding::BASE64;
use http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{Method, Version};

use super::{Fields, fields};

/// What a server proves to have read a key with (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether an HTTP/1.1 request asks for a WebSocket.
///
/// Any other `Upgrade` may be ignored and the request served as it is (RFC 9110 §7.8).
pub fn is_asked_for(method: &Method, version: Version, fields: &Fields) -> bool {
    method == Method::GET
        && version == Version::HTTP_11
        && has_token(fields, &CONNECTION, "upgrade")
        && has_token(fields, &UPGRADE, "websocket")
}

/// Whether the fields of a 101 agree to the WebSocket that was asked for with this key.
pub fn is_agreed_to(key: &HeaderValue, fields: &Fields) -> bool {
    has_token(fields, &UPGRADE, "websocket")
        && fields.get(SEC_WEBSOCKET_ACCEPT) == Some(accept(key).as_bytes())
}

/// Puts in the fields that switch an HTTP/1.1 connection, in a request as in its 101.
pub fn switch(fields: &mut Fields) {
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
pub fn protocols(fields: &Fields) -> impl Iterator<Item = &str> {
    fields.items(SEC_WEBSOCKET_PROTOCOL).filter_map(fields::text)
}

/// Takes back the offer of every subprotocol that is not wanted; the field is left alone if all are.
pub fn retain_protocols(fields: &mut Fields, wanted: impl Fn(&str) -> bool) {
    if protocols(fields).all(&wanted) {
        return;
    }
    let kept = protocols(fields).filter(|item| wanted(item)).collect::<Vec<_>>().join(", ");
    match HeaderValue::try_from(kept) {
        Ok(kept) if !kept.is_empty() => fields.insert(SEC_WEBSOCKET_PROTOCOL, kept),
        _ => fields.remove(SEC_WEBSOCKET_PROTOCOL),
    }
}

fn has_token(fields: &Fields, name: &HeaderName, token: &str) -> bool {
    fields.items(name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_the_rfcs_own_key() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(super::key(*b"the sample nonce"), key);
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let mut agreed = Fields::of(&[("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]);
        assert!(!is_agreed_to(&key, &agreed), "nothing is switched");
        switch(&mut agreed);
        assert!(is_agreed_to(&key, &agreed));
        assert!(!is_agreed_to(&HeaderValue::from_static("another"), &agreed));
    }

    #[test]
    fn is_asked_for_by_get_and_two_tokens() {
        let asked = Fields::of(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "h2c"),
            ("upgrade", "WebSocket"),
        ]);
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
            assert!(!is_asked_for(&Method::GET, Version::HTTP_11, &Fields::of(lines)), "{lines:?}");
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
            let mut fields = Fields::of(&pairs);
            retain_protocols(&mut fields, |item| !item.starts_with("key."));
            assert_eq!(
                fields.get_all(name).map(|line| fields::text(line).unwrap()).collect::<Vec<_>>(),
                kept,
                "{lines:?}"
            );
        }
    }
}

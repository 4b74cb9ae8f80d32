//! Fields behind the content (RFC 9110 §6.5).

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    HeaderName, SET_COOKIE, TRAILER,
};

use super::hop_by_hop::is_hop_by_hop;

/// Fields that frame, route or explain a message, or say who sends it: there it is too late for them.
const ONLY_BEFORE: [HeaderName; 9] = [
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    HOST,
    SET_COOKIE,
    TRAILER,
];

/// The same of OpenAI's and Azure's, and what speaks for the origin's own name.
const ALSO_ONLY_BEFORE: [&str; 6] =
    ["api-key", "x-api-key", "openai-organization", "openai-project", "strict-transport-security", "alt-svc"];

/// Whether a field means anything behind the content, and past this hop (RFC 9110 §6.5.1).
pub fn may_trail(name: &HeaderName) -> bool {
    !ONLY_BEFORE.contains(name)
        && !ALSO_ONLY_BEFORE.contains(&name.as_str())
        && !is_hop_by_hop(name.as_str().as_bytes().into())
}

/// The trailers that [`may_trail`].
pub fn kept(trailers: &HeaderMap) -> HeaderMap {
    trailers
        .iter()
        .filter(|(name, _)| may_trail(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_frames_routes_or_authenticates_a_message_is_left_out_and_every_other_line_stays() {
        let mut trailers = HeaderMap::new();
        for name in [
            "x-sum",
            "authorization",
            "proxy-authorization",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "api-key",
            "openai-project",
            "trailer",
            "set-cookie",
            "x-sum",
            "grpc-status",
        ] {
            trailers.append(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        let kept = kept(&trailers);
        assert_eq!(
            kept.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["x-sum", "x-sum", "grpc-status"]
        );
    }
}

//! Handshakes: where they go, what they offer there, and what comes of the answer.

use http::StatusCode;
use http::header::SEC_WEBSOCKET_PROTOCOL;

use super::*;

const OFFER: &[(&str, &str)] = &[
    ("authorization", "Bearer k"),
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
    ("sec-websocket-extensions", "permessage-deflate"),
    ("sec-websocket-protocol", "realtime, openai-insecure-api-key.k, openai-beta.realtime-v1"),
    ("openai-beta", "realtime=v1"),
];

fn route(settings: &Settings, target: &str) -> Option<Route> {
    let line = format!("GET {target}");
    Request::new(&line, OFFER).with(|asked| websocket::plan(settings, asked)).unwrap()
}

#[test]
fn goes_where_azure_has_one() {
    for (target, path) in [
        ("/v1/realtime?model=gpt-4o", Some("/openai/v1/realtime?model=prod-4o")),
        ("/v1/realtime?call_id=c", Some("/openai/v1/realtime?call_id=c")),
        ("/v1/realtime?intent=transcription", Some("/openai/v1/realtime?intent=transcription")),
        ("/realtime?model=gpt-4o&api-version=x", Some("/openai/v1/realtime?model=prod-4o")),
        ("/v1/responses", Some("/openai/v1/responses")),
        ("/v1/live?model=gpt-4o", Some("/openai/v1/live?model=prod-4o")),
        ("/v1/live/sessions/s/attach", Some("/openai/v1/live/sessions/s/attach")),
        ("/openai/v1/realtime?model=gpt-4o", Some("/openai/v1/realtime?model=gpt-4o")),
        ("/openai/realtime?deployment=d&api-version=p", Some("/openai/realtime?deployment=d&api-version=p")),
        ("/v1/files", None),
        ("/v1/models", None),
        ("/v1/responses/r", None),
        ("/v1/chat/completions", None),
        ("/v1/organization/users", None),
    ] {
        for surface in ["v1", "2024-10-21"] {
            let route = route(&settings(surface), target);
            let shown =
                route.as_ref().and_then(|route| route.uri().path_and_query()).map(|path| path.as_str());
            assert_eq!(shown, path, "{target} on {surface}");
        }
        assert!(route(&settings("openai"), target).is_some(), "{target}");
    }
}

fn sent(settings: &Settings, target: &str) -> (Route, Vec<String>) {
    let route = route(settings, target).unwrap();
    let mut parts = http::Request::new(()).into_parts().0;
    parts.headers = Request::new("GET /", OFFER).fields;
    let sent = websocket::apply(settings, route.clone(), parts).unwrap();
    let mut shown: Vec<_> =
        sent.fields().iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
    shown.sort();
    (route, shown)
}

#[test]
fn offers_what_the_other_side_can_keep() {
    let always = [
        "connection: Upgrade",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
        "upgrade: websocket",
    ];
    let azure = ["api-key: ours", "host: r.openai.azure.com"];
    let mut identity = settings("v1");
    identity.models = "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301".parse().unwrap();
    for (settings, target, searched, more) in [
        (&settings("v1"), "/v1/realtime?model=m", true, &["sec-websocket-protocol: realtime"][..]),
        (
            &settings("v1"),
            "/v1/responses",
            true,
            &["openai-beta: realtime=v1", "sec-websocket-protocol: realtime, openai-beta.realtime-v1"],
        ),
        (
            &identity,
            "/v1/realtime?model=m",
            false,
            &["sec-websocket-protocol: realtime", "sec-websocket-extensions: permessage-deflate"],
        ),
        (
            &settings("v1"),
            "/openai/realtime?deployment=d",
            false,
            &[
                "openai-beta: realtime=v1",
                "sec-websocket-protocol: realtime, openai-beta.realtime-v1",
                "sec-websocket-extensions: permessage-deflate",
            ],
        ),
    ] {
        let (route, fields) = sent(settings, target);
        let mut expected: Vec<_> = always.iter().chain(&azure).chain(more).copied().collect();
        expected.sort_unstable();
        assert_eq!(fields, expected, "{target}");
        assert_eq!(websocket::renames_models(settings, &route), searched, "{target}");
    }
    let (_, fields) = sent(&settings("openai"), "/v1/realtime?model=m");
    assert_eq!(fields.len(), OFFER.len() + 1);
    for (name, value) in &OFFER[3..] {
        assert!(fields.contains(&format!("{name}: {value}")), "{name}");
    }
}

#[test]
fn names_the_subprotocol_that_a_browser_waits_for() {
    let [azure, openai] =
        ["v1", "openai"].map(|surface| route(&settings(surface), "/v1/realtime?model=m").unwrap());
    for (route, offers, answered, expected) in [
        (&azure, true, None, Some("realtime")),
        (&azure, true, Some("other"), Some("other")),
        (&azure, false, None, None),
        (&openai, true, None, None),
    ] {
        let mut fields = HeaderMap::new();
        if let Some(answered) = answered {
            fields.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(answered));
        }
        websocket::name_protocol(route, offers, &mut fields);
        assert_eq!(fields.get(SEC_WEBSOCKET_PROTOCOL).map(|value| value.to_str().unwrap()), expected);
    }
}

#[test]
fn falls_back_only_where_plain_http_can_do_it() {
    let falls = |surface, target, status| {
        websocket::falls_back(
            &route(&settings(surface), target).unwrap(),
            StatusCode::from_u16(status).unwrap(),
        )
    };
    for status in [400, 404, 405, 426, 501] {
        assert!(falls("v1", "/v1/responses", status), "{status}");
        assert!(!falls("v1", "/v1/realtime?model=m", status) && !falls("openai", "/v1/responses", status));
    }
    for status in [200, 401, 403, 429, 500, 503] {
        assert!(!falls("v1", "/v1/responses", status), "{status}");
    }
}

//! Handshakes: where they go, what they offer there, and what comes of the answer.

use http::StatusCode;
use http::header::SEC_WEBSOCKET_PROTOCOL;

use super::*;
use crate::rewrite::extras::Extras;
use crate::rewrite::frames::Rewriter;

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
        (
            "/v1/realtime/translations?model=gpt-4o&api-version=x",
            Some("/openai/v1/realtime/translations?model=prod-4o"),
        ),
        ("/v1/responses", Some("/openai/v1/responses")),
        ("/v1/live?model=gpt-4o", Some("/openai/v1/live?model=prod-4o")),
        ("/v1/live/sessions?api-version=x", Some("/openai/v1/live/sessions")),
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
    let head = RequestHead { fields: Request::new("GET /", OFFER).fields, ..RequestHead::default() };
    let sent = websocket::apply(settings, route.clone(), Box::new(head)).unwrap();
    let mut shown = sent.fields().shown();
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
        assert_eq!(websocket::searched(settings, &route).is_some(), searched, "{target}");
    }
    let (_, fields) = sent(&settings("openai"), "/v1/realtime?model=m");
    assert_eq!(fields.len(), OFFER.len() + 1);
    for (name, value) in &OFFER[3..] {
        assert!(fields.contains(&format!("{name}: {value}")), "{name}");
    }
}

/// What becomes of a message on a WebSocket of Azure's with both extras on, in frames of `size` octets.
fn changed(settings: &Settings, target: &str, message: &str, size: usize) -> String {
    let route = route(settings, target).unwrap();
    let extra = websocket::searched(settings, &route).expect("something is to be changed");
    let mut rewriter = Rewriter::new(&settings.models, 20_000).with(extra);
    let mut out = Vec::new();
    let frames = message.as_bytes().chunks(size).enumerate();
    for (index, payload) in frames {
        let last = (index + 1) * size >= message.len();
        let first = if index == 0 { 1 } else { 0 } | if last { 0x80 } else { 0 };
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&[first, 0xFE][..], &length, &[0; 4], payload].concat();
        frame.chunks(7).for_each(|chunk| rewriter.push(chunk, &mut out));
    }
    rewriter.end(&mut out);
    let (mut said, mut rest) = (Vec::new(), &*out);
    while let [_, length, after @ ..] = rest {
        let (length, after) = match (length & 0x7F, after) {
            (126, [high, low, after @ ..]) => (u16::from_be_bytes([*high, *low]).into(), after),
            (short, after) => (usize::from(short), after),
        };
        let (payload, after) = after[4..].split_at(length);
        said.extend_from_slice(payload);
        rest = after;
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn extras_reach_what_asks_for_a_response() {
    let mut settings = settings("v1");
    settings.models =
        "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301,pic=prod-pic".parse().unwrap();
    let Mode::Azure(azure) = &mut settings.mode else { panic!("settings of Azure's") };
    azure.extras = Extras { nested_models: true, codex_store: true, batch_models: false };
    let tool = r#"{"type":"image_generation","model":"pic"}"#;
    let asking = format!(r#"{{"type":"response.create", "model":"pic","tools":[{tool}],"store":false}}"#);
    let asked = asking.replace("\"pic\"", "\"prod-pic\"").replace("false", "true");
    for size in [1, 2, 3, 50, 1000] {
        assert_eq!(changed(&settings, "/v1/responses", &asking, size), asked, "frames of {size}");
    }
    let other = r#"{"type":"response.cancel","store":false}"#;
    assert_eq!(changed(&settings, "/v1/responses", other, 9), other);
    let realtime = r#"{"type":"response.create","store":false}"#;
    assert_eq!(changed(&settings, "/v1/realtime?model=m", realtime, 9), realtime, "realtime stores nothing");
    let large = format!("{{\"a\":\"{}\",{}", "a".repeat(30_000), &realtime[1..]);
    assert_eq!(changed(&settings, "/v1/responses", &large, 5000), large, "more than is held back");

    settings.models = "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301".parse().unwrap();
    let [responses, realtime] =
        ["/v1/responses", "/v1/realtime?model=m"].map(|target| route(&settings, target).unwrap());
    assert!(websocket::searched(&settings, &responses).is_some(), "they are reason enough to search");
    assert!(websocket::searched(&settings, &realtime).is_none());
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
        let mut fields = Fields::new();
        if let Some(answered) = answered {
            fields.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(answered));
        }
        websocket::name_protocol(route, offers, &mut fields);
        assert_eq!(fields.text(SEC_WEBSOCKET_PROTOCOL), expected);
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

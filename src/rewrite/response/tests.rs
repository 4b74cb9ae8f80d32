use http::Method;

use super::*;
use crate::message::host_port::HostPort;
use crate::rewrite::{Asked, Entry, Mode, ModelMap, Plan, Settings, azure, plan};

fn route(azure: bool, entry: Entry) -> Route {
    asked(&settings(azure), &Method::GET, "/v1/files", entry)
}

fn settings(azure: bool) -> Settings {
    let mut settings = azure::Settings::new("https://r.openai.azure.com".parse().unwrap());
    settings.key = Some(crate::message::redact::Secret::new("k"));
    let mode = if azure { Mode::Azure(settings) } else { Mode::OpenAi };
    Settings { mode, models: ModelMap::default() }
}

fn asked(settings: &Settings, method: &Method, path: &str, entry: Entry) -> Route {
    let (fields, host) = (Fields::new(), HostPort::parse("api.openai.com:443", None).unwrap());
    let asked = Asked { method, path, query: None, fields: &fields, host: &host, entry };
    match plan(settings, &asked) {
        Ok(Plan::Pass(route)) => route,
        Ok(Plan::Search(search)) => search.settle(settings).unwrap().0,
        other => panic!("{other:?}"),
    }
}

fn normalised(route: &Route, lines: &[(&str, &str)], from_page: bool) -> Vec<String> {
    let mut head = ResponseHead { fields: Fields::of(lines), ..ResponseHead::default() };
    normalise(route, &mut head, from_page);
    let mut shown = head.fields.shown();
    shown.sort();
    shown
}

const AZURE: &[(&str, &str)] = &[
    ("apim-request-id", "id"),
    ("strict-transport-security", "max-age=1"),
    ("alt-svc", "h3"),
    ("connection", "x-hop"),
    ("x-hop", "1"),
    ("access-control-allow-origin", "https://azure.example"),
    ("access-control-allow-credentials", "true"),
];

#[test]
fn gives_azures_answers_openais_request_id_and_no_policy_of_azures() {
    let route = route(true, Entry::Intercepted);
    assert_eq!(
        normalised(&route, AZURE, false),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://azure.example",
            "apim-request-id: id",
            "x-request-id: id",
        ]
    );
    let both = [("apim-request-id", "a"), ("x-request-id", "x")];
    assert_eq!(normalised(&route, &both, false), ["apim-request-id: a", "x-request-id: x"]);
}

#[test]
fn lets_a_page_read_azures_answer_in_place_of_what_azure_said() {
    assert_eq!(
        normalised(&route(true, Entry::Mounted), AZURE, true),
        [
            "access-control-allow-origin: *",
            "access-control-expose-headers: *",
            "apim-request-id: id",
            "x-request-id: id",
        ]
    );
}

#[test]
fn leaves_openais_answers_to_openai() {
    let lines = [("strict-transport-security", "max-age=1"), ("alt-svc", "h3"), ("keep-alive", "1")];
    assert_eq!(
        normalised(&route(false, Entry::Intercepted), &lines, true),
        ["alt-svc: h3", "strict-transport-security: max-age=1"]
    );
    assert!(normalised(&route(false, Entry::Mounted), &lines, true).is_empty());
}

fn treated(settings: &Settings, path: &str, status: u16, lines: &[(&str, &str)]) -> Treatment {
    let status = http::StatusCode::from_u16(status).unwrap();
    let head = ResponseHead { fields: Fields::of(lines), ..ResponseHead::of(status) };
    treatment(settings, &asked(settings, &Method::POST, path, Entry::Mounted), &head)
}

#[test]
fn treats_events_and_errors_by_what_they_say_they_are() {
    let settings = settings(true);
    let [chat, text, any] =
        [sse::Events::ChatCompletions, sse::Events::Completions, sse::Events::Any].map(Treatment::Events);
    for (path, status, media_type, expected) in [
        ("/v1/chat/completions", 200, "text/event-stream", chat),
        ("/v1/chat/completions", 200, "Text/Event-Stream ; charset=utf-8", chat),
        ("/v1/completions", 200, "text/event-stream", text),
        ("/v1/engines/e/completions", 200, "text/event-stream", text),
        ("/v1/responses", 200, "text/event-stream", any),
        ("/v1/chat/completions", 200, "application/json", Treatment::Pass),
        ("/v1/files", 404, "application/json; charset=utf-8", Treatment::Error),
        ("/v1/files", 500, "application/problem+json", Treatment::Error),
        ("/v1/files", 302, "application/json", Treatment::Pass),
        ("/v1/files", 502, "text/html", Treatment::Pass),
        ("/openai/v1/chat/completions", 200, "text/event-stream", Treatment::Pass),
        ("/openai/v1/chat/completions", 404, "application/json", Treatment::Pass),
    ] {
        let lines = [("content-type", media_type)];
        assert_eq!(treated(&settings, path, status, &lines), expected, "{path} {status} {media_type}");
    }
    assert_eq!(treated(&settings, "/v1/files", 404, &[]), Treatment::Pass);
}

#[test]
fn leaves_what_is_compressed_or_wanted_as_it_is_or_openais_own() {
    let events = [("content-type", "text/event-stream"), ("content-encoding", "gzip")];
    assert_eq!(treated(&settings(true), "/v1/chat/completions", 200, &events), Treatment::Pass);
    let identity = [("content-type", "text/event-stream"), ("content-encoding", "identity")];
    assert_ne!(treated(&settings(true), "/v1/chat/completions", 200, &identity), Treatment::Pass);
    assert_eq!(treated(&settings(false), "/v1/chat/completions", 200, &identity), Treatment::Pass);
    let mut as_is = settings(true);
    if let Mode::Azure(azure) = &mut as_is.mode {
        azure.responses = Style::AsIs;
    }
    assert_eq!(treated(&as_is, "/v1/chat/completions", 200, &identity), Treatment::Pass);
    assert_eq!(treated(&as_is, "/v1/files", 404, &[("content-type", "application/json")]), Treatment::Pass);
}

use http::{Method, Response};

use super::*;
use crate::message::host_port::HostPort;
use crate::rewrite::{Asked, Entry, Mode, ModelMap, Plan, Settings, azure, plan};

fn route(azure: bool, entry: Entry) -> Route {
    let mut settings = azure::Settings::new("https://r.openai.azure.com".parse().unwrap());
    settings.key = Some(crate::message::redact::Secret::new("k"));
    let mode = if azure { Mode::Azure(settings) } else { Mode::OpenAi };
    let (fields, host) = (HeaderMap::new(), HostPort::parse("api.openai.com:443", None).unwrap());
    let asked =
        Asked { method: &Method::GET, path: "/v1/files", query: None, fields: &fields, host: &host, entry };
    match plan(&Settings { mode, models: ModelMap::default() }, &asked) {
        Ok(Plan::Pass(route)) => route,
        other => panic!("{other:?}"),
    }
}

fn normalised(route: &Route, lines: &[(&'static str, &'static str)], origin: Option<&str>) -> Vec<String> {
    let mut parts = Response::new(()).into_parts().0;
    for &(name, value) in lines {
        parts.headers.append(name, HeaderValue::from_static(value));
    }
    let origin = origin.map(|origin| HeaderValue::from_str(origin).unwrap());
    normalise(route, &mut parts, origin.as_ref());
    let mut shown: Vec<_> =
        parts.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
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
        normalised(&route, AZURE, None),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://azure.example",
            "apim-request-id: id",
            "x-request-id: id",
        ]
    );
    let both = [("apim-request-id", "a"), ("x-request-id", "x")];
    assert_eq!(normalised(&route, &both, None), ["apim-request-id: a", "x-request-id: x"]);
}

#[test]
fn lets_a_page_read_azures_answer_in_place_of_what_azure_said() {
    assert_eq!(
        normalised(&route(true, Entry::Mounted), AZURE, Some("https://page.example")),
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
    let page = Some("https://page.example");
    assert_eq!(
        normalised(&route(false, Entry::Intercepted), &lines, page),
        ["alt-svc: h3", "strict-transport-security: max-age=1"]
    );
    assert!(normalised(&route(false, Entry::Mounted), &lines, page).is_empty());
}

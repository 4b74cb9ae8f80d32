use http::Method;

use super::*;
use crate::message::Fields;
use crate::message::host_port::HostPort;
use crate::rewrite::{Asked, Entry, Explained, Mode, ModelMap, Settings, azure, explain};

/// Where a request for this model goes with these settings.
fn route(api_version: &str, path: &str, model: Option<&str>) -> Route {
    let mut azure = azure::Settings::new("https://r.openai.azure.com/prefix".parse().unwrap());
    azure.surface = api_version.parse().unwrap();
    azure.key = Some(crate::message::redact::Secret::new("k"));
    let settings = Settings { mode: Mode::Azure(azure), models: "gpt-4o=prod".parse().unwrap() };
    let (fields, host) = (Fields::new(), HostPort::parse("api.openai.com:443", None).unwrap());
    let entry = Entry::Mounted;
    let asked = Asked { method: &Method::POST, path, query: None, fields: &fields, host: &host, entry };
    match explain(&settings, &asked, model).unwrap() {
        Explained::Sent(request) => Route::clone(request.route()),
        Explained::Local(answer) => panic!("{answer:?}"),
    }
}

fn completed(status: u16, content: &str) -> Option<String> {
    let route = route("v1", "/v1/chat/completions", Some("gpt-4o"));
    let completed = complete(content.as_bytes(), StatusCode::from_u16(status).unwrap(), &route)?;
    Some(String::from_utf8(completed).unwrap())
}

#[test]
fn adds_what_is_lacking_behind_what_is_there() {
    for (status, before, after) in [
        (
            401,
            r#"{"error":{"code":"401","message":"Access denied"}}"#,
            r#"{"error":{"code":"401","message":"Access denied [azure-openai-proxy sent r.openai.azure.com the key that it is configured with.]","type":"invalid_request_error","param":null}}"#,
        ),
        (
            429,
            "{ \"error\" : { \"message\": \"over the token rate limit\"\n } , \"x\":1e3 }",
            "{ \"error\" : { \"message\": \"over the token rate limit\",\"type\":\"tokens\",\"param\":null,\"code\":null\n } , \
             \"x\":1e3 }",
        ),
        (
            429,
            r#"{"error":{"message":"too many calls","code":"429"}}"#,
            r#"{"error":{"message":"too many calls","code":"429","type":"requests","param":null}}"#,
        ),
        (
            503,
            r#"{"error":{"message":"","param":"a","code":null}}"#,
            r#"{"error":{"message":"","param":"a","code":null,"type":"server_error"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"m","type":null,"code":"content_filter","innererror":{"code":"R"}}}"#,
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"content_filter","innererror":{"code":"R"},"param":null}}"#,
        ),
        (
            500,
            r#"{"error":{"type": null ,"param":null,"message":"m","code":null}}"#,
            r#"{"error":{"type": "server_error" ,"param":null,"message":"m","code":null}}"#,
        ),
    ] {
        assert_eq!(completed(status, before).as_deref(), Some(after));
        assert_eq!(completed(status, after), None, "it is whole now");
    }
}

#[test]
fn leaves_what_is_no_error_of_that_form() {
    for content in [
        "",
        "not found",
        "[]",
        "{}",
        r#"{"error":null}"#,
        r#"{"error":"words"}"#,
        r#"{"error":{}}"#,
        r#"{"error":{"message":7}}"#,
        r#"{"statusCode":401,"message":"from a gateway"}"#,
        r#"{"error":{"message":"cut off"}"#,
    ] {
        assert_eq!(completed(404, content), None, "{content}");
    }
}

const UNKNOWN_DEPLOYMENT: &str =
    r#"{"error":{"code":"DeploymentNotFound","message":"It \"does\" not exist.","type":"t","param":null}}"#;
const UNKNOWN_PATH: &str =
    r#"{"error":{"code":"404","message":"Resource not found","type":"t","param":null}}"#;

#[test]
fn a_bare_404_says_what_was_asked_for_and_what_decides_that() {
    for (content, api_version, path, model, words) in [
        (
            UNKNOWN_DEPLOYMENT,
            "v1",
            "/v1/chat/completions",
            Some("gpt-4o"),
            "It \"does\" not exist. [azure-openai-proxy asked the v1 surface for the deployment \"prod\" (which map \
             names for the model \"gpt-4o\") at /prefix/openai/v1/chat/completions with no api-version. The \
             deployment is decided by map, surface and api-version by api_version, the resource by endpoint.]",
        ),
        (
            UNKNOWN_DEPLOYMENT,
            "2024-10-21",
            "/v1/embeddings",
            Some("a\"b"),
            "It \"does\" not exist. [azure-openai-proxy asked the classic surface for the deployment \"a\"b\" (the \
             model's own name, for map names no other) at /prefix/openai/deployments/a%22b/embeddings with \
             api-version 2024-10-21. The deployment is decided by map, surface and api-version by api_version, the \
             resource by endpoint.]",
        ),
        (
            UNKNOWN_PATH,
            "preview",
            "/v1/vector_stores",
            None,
            "Resource not found [azure-openai-proxy asked the v1 surface for no particular deployment at \
             /prefix/openai/v1/vector_stores with api-version preview. The deployment is decided by map, surface \
             and api-version by api_version, the resource by endpoint.]",
        ),
        (
            UNKNOWN_PATH,
            "v1",
            "/v1/completions",
            Some("gpt-4o"),
            "Resource not found [azure-openai-proxy asked the v1 surface for the deployment \"prod\" (which map \
             names for the model \"gpt-4o\") at /prefix/openai/v1/completions with no api-version. The deployment \
             is decided by map, surface and api-version by api_version, the resource by endpoint. A model that is \
             served on classic paths only belongs in classic_models.]",
        ),
    ] {
        let route = route(api_version, path, model);
        let completed = complete(content.as_bytes(), StatusCode::NOT_FOUND, &route).unwrap();
        let completed: serde_json::Value = serde_json::from_slice(&completed).unwrap();
        assert_eq!(completed["error"]["message"], words);
    }
}

#[test]
fn a_401_says_whose_key_it_was() {
    let azure = azure::Settings::new("https://r.openai.azure.com".parse().unwrap());
    let settings = Settings { mode: Mode::Azure(azure), models: ModelMap::default() };
    let content = br#"{"error":{"code":"401","message":"No."}}"#;
    for (token, whose) in [
        (
            "unused",
            "client's own API key, since it has no Azure key itself: give it one in AZURE_OPENAI_API_KEY",
        ),
        ("eyJh.e30.c2ln", "client's own Entra token"),
    ] {
        let fields = Fields::of(&[("authorization", &format!("Bearer {token}"))]);
        let host = HostPort::parse("api.openai.com:443", None).unwrap();
        let (method, path, entry) = (&Method::POST, "/v1/chat/completions", Entry::Mounted);
        let asked = Asked { method, path, query: None, fields: &fields, host: &host, entry };
        let Explained::Sent(request) = explain(&settings, &asked, Some("m")).unwrap() else {
            panic!("{token}")
        };
        let said = complete(content, StatusCode::UNAUTHORIZED, request.route()).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains(&format!("sent r.openai.azure.com the {whose}")), "{said}");
        assert!(!said.contains(token), "{said}");
    }
}

#[test]
fn other_errors_keep_their_words() {
    let not_bare =
        r#"{"error":{"message":"No response found with id 'x'.","type":"t","param":null,"code":"404"}}"#;
    assert_eq!(completed(404, not_bare), None);
    assert_eq!(completed(400, UNKNOWN_DEPLOYMENT), None);
}

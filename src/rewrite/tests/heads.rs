//! What becomes of heads, and what is answered by them alone.

use http::StatusCode;
use proptest::prelude::*;

use super::*;
use crate::rewrite::route::Scope;

#[test]
fn openai_gets_what_the_client_sent() {
    let lines = [
        ("authorization", "Bearer k"),
        ("openai-organization", "o"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("host", "proxy:8080"),
    ];
    let request = Request::new("POST /v1/responses", &lines);
    let (sent, _) = request.send(&settings("openai"), b"", 1).unwrap();
    assert_eq!(sent.route().credential(), credential::CredentialKind::AsItCame);
    let lines = ["authorization: Bearer k", "openai-organization: o", "host: api.openai.com"];
    assert_eq!(sent.fields().shown(), lines);
}

#[test]
fn answers_a_preflight_for_azure_and_passes_it_to_openai() {
    let lines = [
        ("origin", "https://page.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let request = Request::new("OPTIONS /v1/chat/completions", &lines);
    let Ok(Plan::Local(answer)) = request.plan(&settings("v1")) else { panic!("not answered") };
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization,content-type"),
    ] {
        assert_eq!(answer.fields.text(name), Some(value));
    }
    assert!(matches!(request.plan(&settings("openai")), Ok(Plan::Pass(_))));
    let plain = Request::new("OPTIONS /v1/chat/completions", &[]);
    assert!(matches!(plain.plan(&settings("v1")), Ok(Plan::Pass(_))));
}

#[test]
fn lists_the_map_in_openais_form() {
    let listed = |line: &str| match Request::new(line, &[]).plan(&settings("v1")) {
        Ok(Plan::Local(answer)) => serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap(),
        other => panic!("{other:?}"),
    };
    let list = listed("GET /v1/models");
    let ids: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(
        (list["object"].as_str(), ids),
        (Some("list"), vec!["gpt-4o", "whisper-1", "hush", "a/b", "g 4"])
    );
    let one = listed("GET /v1/models/a%2Fb");
    assert_eq!((one["id"].as_str(), one["object"].as_str()), (Some("a/b"), Some("model")));
    let none = listed("GET /v1/models/nope");
    assert_eq!(none["error"]["code"], "model_not_found");
    assert!(none["error"]["message"].as_str().unwrap().contains("--map 'nope=DEPLOYMENT'"));
}

#[test]
fn a_route_says_where_and_as_whom_without_the_key() {
    let request = Request::new("POST /v1/chat/completions?api-key=hush", &[]);
    let (sent, _) = request.send(&settings("2024-10-21"), br#"{"model":"gpt-4o"}"#, 64).unwrap();
    let route = sent.route();
    assert_eq!((route.operation(), route.surface()), ("chat/completions", Scope::Deployment));
    assert_eq!(route.uri().path(), "/openai/deployments/prod-4o/chat/completions");
    assert_eq!(
        (route.model().map(AsRef::as_ref), route.deployment().map(AsRef::as_ref)),
        (Some("gpt-4o"), Some("prod-4o"))
    );
    assert_eq!(route.credential().to_string(), "configured key");
    assert!(!format!("{sent:?}").contains("ours"));
}

#[test]
fn a_calls_ephemeral_token_is_kept_on_azures_own_path_too() {
    let lines = [("authorization", "Bearer ek_1")];
    for calls in ["realtime/calls", "realtime/translations/calls"] {
        for (path, operation) in [("/openai/v1", "azure"), ("/v1", calls)] {
            let line = format!("POST {path}/{calls}?webrtcfilter=on");
            let (sent, _) = Request::new(&line, &lines).send(&settings("v1"), b"v=0", 1).unwrap();
            assert_eq!(sent.fields().text("authorization").unwrap(), "Bearer ek_1", "{line}");
            assert_eq!(sent.route().operation(), operation, "{line}");
        }
    }
}

#[test]
fn realtime_goes_without_openais_beta_field() {
    let lines = [("openai-beta", "realtime=v1")];
    for line in ["GET /v1/realtime?model=m", "GET /v1/realtime/translations?model=m", "GET /v1/live/sessions"]
    {
        let (sent, _) = Request::new(line, &lines).send(&settings("v1"), b"", 1).unwrap();
        assert!(!sent.fields().contains("openai-beta"), "{line}");
    }
    let lines = [("openai-beta", "assistants=v2")];
    let (sent, _) = Request::new("GET /v1/assistants", &lines).send(&settings("v1"), b"", 1).unwrap();
    assert_eq!(sent.fields().text("openai-beta").unwrap(), "assistants=v2");
}

#[test]
fn azure_is_told_which_deployment_makes_images() {
    const FIELD: &str = "x-ms-oai-image-generation-deployment";
    let mut settings = settings("v1");
    let Mode::Azure(azure) = &mut settings.mode else { panic!("azure mode") };
    azure.image_deployment = Some(HeaderValue::from_static("painter"));
    for (line, sent, expected) in [
        ("POST /v1/responses", None, Some("painter")),
        ("GET /v1/responses", None, Some("painter")),
        ("POST /v1/responses", Some("the-clients"), Some("the-clients")),
        ("GET /v1/responses/r", None, None),
        ("POST /v1/chat/completions", None, None),
        ("POST /openai/v1/responses", None, None),
    ] {
        let lines: Vec<_> = sent.map(|value| (FIELD, value)).into_iter().collect();
        let (request, _) = Request::new(line, &lines).send(&settings, b"{}", 1).unwrap();
        assert_eq!(request.fields().text(FIELD), expected, "{line}");
    }
}

proptest! {
    #[test]
    fn nothing_of_one_hop_or_of_the_clients_goes_upstream(
        names in prop::collection::vec("x-[a-z]{1,4}", 0..4),
        surface in prop::sample::select(vec!["v1", "2024-10-21"]),
    ) {
        let connection = names.join(", ");
        let mut request = Request::new("GET /v1/files", &[
            ("connection", "keep-alive"),
            ("keep-alive", "1"),
            ("upgrade", "h2c"),
            ("te", "deflate"),
            ("proxy-authorization", "Basic client"),
            ("authorization", "Bearer client"),
            ("api-key", "client"),
            ("openai-organization", "client"),
            ("openai-project", "client"),
        ]);
        request.fields.append(http::header::CONNECTION, connection.parse::<HeaderValue>().unwrap());
        for name in &names {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.fields.insert(name, HeaderValue::from_static("client"));
        }
        let (sent, _) = request.send(&settings(surface), b"", 1).unwrap();
        prop_assert_eq!(sent.fields().shown(), ["api-key: ours", "host: r.openai.azure.com"]);
    }
}

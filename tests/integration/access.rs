//! Who may do what: by the address that a client connects from, and whether it shows a key.

use data_encoding::BASE64;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use azure_openai_proxy::message::body::{self, Body};

use crate::client::{self, OPENAI_HOST, Whole, within};
use crate::stage::{AZURE_HOST, Stage};

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// A client key, and the setting that makes it one.
pub(crate) const KEY: &str = "aop-client-key-of-alice";
pub(crate) const KEYS: (&str, &str) = ("AZURE_OPENAI_PROXY_CLIENT_KEYS", "alice=aop-client-key-of-alice");

/// Clients on other machines.
pub(crate) const STRANGER: &str = "198.51.100.7";
pub(crate) const NEIGHBOUR: &str = "198.51.100.8";

pub(crate) fn bearer(key: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {key}")).unwrap()
}

pub(crate) fn basic(key: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Basic {}", BASE64.encode(format!("anyone:{key}").as_bytes()))).unwrap()
}

/// A chat completion on the reverse route, with these fields.
pub(crate) fn chat(fields: &[(&'static str, HeaderValue)]) -> Request<Body> {
    let mut request = client::post("proxy.local", "/v1/chat/completions", CHAT);
    request.headers_mut().remove(AUTHORIZATION);
    for (name, value) in fields {
        request.headers_mut().append(*name, value.clone());
    }
    request
}

pub(crate) async fn ask_over<IO>(io: IO, request: Request<Body>) -> Whole
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut sender = client::http1_over(io).await;
    client::whole(within(sender.send_request(request)).await.expect("an answer")).await
}

pub(crate) fn connect(authority: &str, credential: Option<HeaderValue>) -> Request<Body> {
    let mut request = Request::connect(authority).header("Host", authority).body(body::empty()).unwrap();
    request.headers_mut().extend(credential.map(|value| (PROXY_AUTHORIZATION, value)));
    request
}

/// Nothing that arrived upstream holds the client's key.
pub(crate) fn assert_key_stayed_here(stage: &Stage) {
    for seen in stage.recorder.seen() {
        let fields: Vec<_> = seen.fields.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        assert!(!fields.iter().any(|field| field.contains(KEY)), "{fields:?}");
        assert!(!fields.iter().any(|field| field.contains(basic(KEY).to_str().unwrap())), "{fields:?}");
        assert!(!seen.path_and_query.contains(KEY), "{}", seen.path_and_query);
    }
}

pub(crate) type Inside = hyper::client::conn::http1::SendRequest<Body>;

pub(crate) async fn intercepted(
    stage: &Stage,
    credential: Option<HeaderValue>,
) -> Result<Inside, StatusCode> {
    let mut sender = client::http1_over(stage.from(STRANGER)).await;
    let request = connect(&format!("{OPENAI_HOST}:443"), credential);
    let response = within(sender.send_request(request)).await.expect("CONNECT is answered");
    if !response.status().is_success() {
        return Err(response.status());
    }
    let tunnel = TokioIo::new(within(hyper::upgrade::on(response)).await.expect("an upgrade"));
    let tls = client::tls(tunnel, OPENAI_HOST, &stage.ca_pem, &["http/1.1"]).await;
    Ok(client::http1_over(tls.expect("our CA is trusted")).await)
}

pub(crate) async fn inside_chat(inside: &mut Inside, fields: &[(&'static str, HeaderValue)]) -> Whole {
    let mut request = chat(fields);
    request.headers_mut().insert("host", HeaderValue::from_static(OPENAI_HOST));
    within(inside.ready()).await.expect("the connection goes on");
    client::whole(within(inside.send_request(request)).await.expect("an answer")).await
}

#[tokio::test]
async fn strangers_without_a_key_to_protect_use_the_openai_routes_and_nothing_else() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_API_KEY", "")]).await;
    let own = [("authorization", bearer(&stage.key))];
    assert_eq!(ask_over(stage.from(STRANGER), chat(&own)).await.status, StatusCode::OK);
    let mut inside = intercepted(&stage, None).await.expect("an OpenAI route");
    assert_eq!(inside_chat(&mut inside, &own).await.status, StatusCode::OK);
    let tunnel = connect(&format!("{AZURE_HOST}:443"), None);
    assert_eq!(ask_over(stage.from(STRANGER), tunnel).await.status, StatusCode::FORBIDDEN);
    let forward = Request::get("http://other.example/").header("Host", "other.example");
    let forward = forward.body(body::empty()).unwrap();
    assert_eq!(ask_over(stage.from(STRANGER), forward).await.status, StatusCode::FORBIDDEN);
    assert_no_pages(&stage, STRANGER).await;
}

#[tokio::test]
async fn trusted_networks_need_no_key_and_see_no_pages() {
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_PROXY_TRUSTED_CLIENTS", "198.51.100.8")]).await;
    assert_eq!(ask_over(stage.from(NEIGHBOUR), chat(&[])).await.status, StatusCode::OK);
    let tunnel = |address| ask_status(stage.from(address), connect(&format!("{AZURE_HOST}:443"), None));
    assert_eq!(tunnel(NEIGHBOUR).await, StatusCode::OK);
    assert_eq!(tunnel(STRANGER).await, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert_no_pages(&stage, NEIGHBOUR).await;
}

async fn ask_status<IO>(io: IO, request: Request<Body>) -> StatusCode
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut sender = client::http1_over(io).await;
    within(sender.send_request(request)).await.expect("an answer").status()
}

async fn assert_no_pages(stage: &Stage, address: &str) {
    for page in ["/", "/ca.pem", "/events", "/metrics", "/proxy.pac"] {
        let answer = ask_over(stage.from(address), client::get("localhost", page)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}: {}", answer.text());
    }
    // Orchestrators ask from other machines; they learn that somebody answers, not who.
    for probe in ["/healthz", "/readyz"] {
        let answer = ask_over(stage.from(address), client::get("10.1.2.3", probe)).await;
        assert_eq!((answer.status, &*answer.text()), (StatusCode::OK, "ok\n"));
        assert_eq!(answer.field("x-azure-openai-proxy"), "");
    }
}

#[tokio::test]
async fn clients_of_this_machine_are_asked_for_a_key_only_if_everybody_is() {
    for (for_all, status) in [("false", StatusCode::OK), ("true", StatusCode::UNAUTHORIZED)] {
        let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_PROXY_REQUIRE_CLIENT_KEY", for_all)]).await;
        assert_eq!(client::ask(stage.proxy, chat(&[])).await.status, status);
        let keyed = chat(&[("authorization", bearer(KEY))]);
        assert_eq!(client::ask(stage.proxy, keyed).await.status, StatusCode::OK);
        let tunnel = client::tunnel(stage.proxy, &format!("{AZURE_HOST}:443")).await;
        assert_eq!(tunnel.is_ok(), status == StatusCode::OK);
        assert_key_stayed_here(&stage);
    }
}

/// It cannot carry a key, so it is answered to whoever asks, and goes nowhere; not to OpenAI either.
#[tokio::test]
async fn a_browsers_question_needs_no_key_and_is_no_way_in() {
    for mode in ["azure", "openai"] {
        let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_PROXY_MODE", mode)]).await;
        let question = Request::options("/v1/responses")
            .header("Host", "10.1.2.3:8080")
            .header("Origin", "https://app.example")
            .header("Access-Control-Request-Method", "POST")
            .header("Authorization", "Bearer sk-of-the-stranger")
            .body(body::full("{}"))
            .unwrap();
        let answer = ask_over(stage.from(STRANGER), question).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{mode}: {}", answer.text());
        assert_eq!(answer.field("access-control-allow-origin"), "*", "{mode}");
        assert!(stage.recorder.seen().is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn a_question_of_no_browser_is_a_request_like_any_other() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let question = Request::options("/v1/files")
        .header("Host", "10.1.2.3:8080")
        .header("Access-Control-Request-Method", "GET")
        .body(body::full("content"))
        .unwrap();
    assert_eq!(ask_over(stage.from(STRANGER), question).await.status, StatusCode::UNAUTHORIZED);
    assert!(stage.recorder.seen().is_empty(), "it went upstream with the proxy's key");
}

#[tokio::test]
async fn a_page_whose_own_name_leads_here_does_not_use_the_key() {
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_PROXY_TRUSTED_CLIENTS", "10.9.0.0/16")]).await;
    let chat = |name: &'static str, fields| {
        let mut request = chat(fields);
        request.headers_mut().insert("host", HeaderValue::from_static(name));
        request
    };
    for from in ["127.0.0.1", "10.9.1.2"] {
        let refused = ask_over(stage.from(from), chat("evil.example:8080", &[])).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text().contains("--allow-origin http://evil.example:8080"), "{}", refused.text());
        assert!(stage.recorder.seen().is_empty(), "it went upstream with the proxy's key");
    }
    // A page has no client key, and whoever was given one may.
    let key = [("authorization", bearer(KEY))];
    for (name, fields) in [("evil.example:8080", &key[..]), ("localhost:8080", &[])] {
        assert_eq!(ask_over(stage.from("127.0.0.1"), chat(name, fields)).await.status, StatusCode::OK);
    }
}

/// As nginx on the same machine sends it on.
#[tokio::test]
async fn a_client_elsewhere_behind_a_proxy_on_this_machine_is_none_of_this_machine() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let for_another = ("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
    let for_us = ("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
    let key = ("authorization", bearer(KEY));
    for (fields, status) in [
        (&[for_another.clone()][..], StatusCode::UNAUTHORIZED),
        (&[for_another.clone(), key], StatusCode::OK),
        (&[for_us], StatusCode::OK),
    ] {
        assert_eq!(ask_over(stage.from("127.0.0.1"), chat(fields)).await.status, status, "{fields:?}");
    }
    for page in ["/", "/metrics"] {
        let mut request = client::get("localhost", page);
        assert_eq!(client::ask(stage.proxy, client::get("localhost", page)).await.status, StatusCode::OK);
        request.headers_mut().insert(for_another.0, for_another.1.clone());
        assert_eq!(client::ask(stage.proxy, request).await.status, StatusCode::FORBIDDEN, "{page}");
    }
}

/// What has no page is meant for OpenAI, and whoever asks learns how its paths begin.
#[tokio::test]
async fn a_path_that_is_nothing_is_404_for_everybody() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for from in ["127.0.0.1", STRANGER] {
        let request = client::post("localhost", "/api/v1/chat/completions", "{}");
        let answer = ask_over(stage.from(from), request).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "not_found"), "{from}");
        assert!(answer.text().contains("/v1/"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_page_that_shows_a_client_key_is_served_wherever_it_is_from() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let page = ("origin", HeaderValue::from_static("https://chat.example"));
    let preflight = Request::options("/v1/chat/completions")
        .header("Host", "proxy.example")
        .header("Origin", "http://localhost:3000")
        .header("Access-Control-Request-Method", "POST")
        .body(body::empty())
        .unwrap();
    assert_eq!(ask_over(stage.from(STRANGER), preflight).await.status, StatusCode::NO_CONTENT);
    let keyed = chat(&[page.clone(), ("authorization", bearer(KEY))]);
    assert_eq!(ask_over(stage.from(STRANGER), keyed).await.status, StatusCode::OK);
    assert_eq!(ask_over(stage.from("127.0.0.1"), chat(&[page])).await.status, StatusCode::FORBIDDEN);
}

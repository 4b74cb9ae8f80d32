//! Who may do what: by the address that a client connects from and by the key that it shows.

use data_encoding::BASE64;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use azure_openai_proxy::message::body::{self, Body};

use crate::client::{self, OPENAI_HOST, Whole, within};
use crate::conversation::Conversation;
use crate::origin::{Origin, Pki};
use crate::stage::{AZURE_HOST, Stage};

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// A client key, and the setting that makes it one.
pub(crate) const KEY: &str = "aop-client-key-of-alice";
pub(crate) const KEYS: (&str, &str) = ("AZURE_OPENAI_PROXY_CLIENT_KEYS", "alice=aop-client-key-of-alice");

/// Clients on other machines.
pub(crate) const STRANGER: &str = "198.51.100.7";
const NEIGHBOUR: &str = "198.51.100.8";

fn bearer(key: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {key}")).unwrap()
}

pub(crate) fn basic(key: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Basic {}", BASE64.encode(format!("anyone:{key}").as_bytes()))).unwrap()
}

/// A chat completion on the reverse route, with these fields.
fn chat(fields: &[(&'static str, HeaderValue)]) -> Request<Body> {
    let mut request = client::post("proxy.example", "/v1/chat/completions", CHAT);
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
fn assert_key_stayed_here(stage: &Stage) {
    for seen in stage.recorder.seen() {
        let fields: Vec<_> = seen.fields.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        assert!(!fields.iter().any(|field| field.contains(KEY)), "{fields:?}");
        assert!(!fields.iter().any(|field| field.contains(basic(KEY).to_str().unwrap())), "{fields:?}");
        assert!(!seen.path_and_query.contains(KEY), "{}", seen.path_and_query);
    }
}

#[tokio::test]
async fn the_reverse_route_takes_a_client_key_where_an_api_key_stands() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for (fields, status) in [
        (vec![("authorization", bearer(KEY))], StatusCode::OK),
        (vec![("api-key", HeaderValue::from_static(KEY))], StatusCode::OK),
        (
            vec![("authorization", bearer("sk-of-the-client")), ("api-key", HeaderValue::from_static(KEY))],
            StatusCode::OK,
        ),
        (vec![], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer("sk-of-the-client"))], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer(&stage.key))], StatusCode::UNAUTHORIZED),
        (vec![("proxy-authorization", basic(KEY))], StatusCode::UNAUTHORIZED),
    ] {
        let before = stage.recorder.seen().len();
        let answer = ask_over(stage.from(STRANGER), chat(&fields)).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text());
        let passed = status == StatusCode::OK;
        assert_eq!(stage.recorder.seen().len() - before, usize::from(passed), "{fields:?}");
        if !passed {
            assert_eq!(
                (answer.code().as_str(), answer.field("www-authenticate")),
                ("invalid_api_key", "Bearer")
            );
        }
    }
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn a_tunnel_takes_a_client_key_after_407_on_the_same_connection() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let authority = format!("{AZURE_HOST}:443");
    let mut sender = client::http1_over(stage.from(STRANGER)).await;
    for credential in [None, Some(basic("no-key-of-anybody"))] {
        let refused = within(sender.send_request(connect(&authority, credential))).await.expect("an answer");
        let refused = client::whole(refused).await;
        assert_eq!(refused.status, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        assert_eq!(refused.field("proxy-authenticate"), "Basic realm=\"azure-openai-proxy\"");
    }
    let response = within(sender.send_request(connect(&authority, Some(basic(KEY))))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let tunnel = TokioIo::new(within(hyper::upgrade::on(response)).await.unwrap());
    client::tls(tunnel, AZURE_HOST, &stage.simulator_ca_pem, &["http/1.1"]).await.expect("the origin itself");
}

#[tokio::test]
async fn a_key_shown_at_connect_holds_for_everything_inside() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let mut inside = intercepted(&stage, Some(basic(KEY))).await.expect("the tunnel is opened");
    let repeated = ("proxy-authorization", basic(KEY));
    for fields in [
        vec![("authorization", bearer("sk-of-the-client"))],
        vec![],
        // As Deno does.
        vec![repeated, ("authorization", bearer("sk-of-the-client"))],
        vec![("authorization", bearer(KEY))],
    ] {
        let answer = inside_chat(&mut inside, &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{fields:?}: {}", answer.text());
    }
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn without_a_key_at_connect_each_request_inside_shows_one() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let mut inside = intercepted(&stage, None).await.expect("the key may still come");
    for (fields, status) in [
        (vec![], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer("sk-of-the-client"))], StatusCode::UNAUTHORIZED),
        (vec![("proxy-authorization", basic(KEY))], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer(KEY))], StatusCode::OK),
        (vec![("api-key", HeaderValue::from_static(KEY))], StatusCode::OK),
        (vec![], StatusCode::UNAUTHORIZED),
    ] {
        let answer = inside_chat(&mut inside, &fields).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text());
    }
    assert_key_stayed_here(&stage);
    let refused = intercepted(&stage, Some(basic("no-key-of-anybody"))).await;
    assert_eq!(refused.err(), Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED), "told at once");
}

type Inside = hyper::client::conn::http1::SendRequest<Body>;

async fn intercepted(stage: &Stage, credential: Option<HeaderValue>) -> Result<Inside, StatusCode> {
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

async fn inside_chat(inside: &mut Inside, fields: &[(&'static str, HeaderValue)]) -> Whole {
    let mut request = chat(fields);
    request.headers_mut().insert("host", HeaderValue::from_static(OPENAI_HOST));
    within(inside.ready()).await.expect("the connection goes on");
    client::whole(within(inside.send_request(request)).await.expect("an answer")).await
}

#[tokio::test]
async fn absolute_form_takes_a_client_key_as_a_proxy_does() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for (credential, status) in [
        (("proxy-authorization", basic(KEY)), StatusCode::OK),
        (("authorization", bearer(KEY)), StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        (("proxy-authorization", basic("no-key-of-anybody")), StatusCode::PROXY_AUTHENTICATION_REQUIRED),
    ] {
        let mut request = chat(std::slice::from_ref(&credential));
        *request.uri_mut() = format!("http://{OPENAI_HOST}/v1/chat/completions").parse().unwrap();
        request.headers_mut().insert("host", HeaderValue::from_static(OPENAI_HOST));
        let answer = ask_over(stage.from(STRANGER), request).await;
        assert_eq!(answer.status, status, "{credential:?}: {}", answer.text());
        let challenged = answer.field("proxy-authenticate").starts_with("Basic ");
        assert_eq!(challenged, status == StatusCode::PROXY_AUTHENTICATION_REQUIRED, "{credential:?}");
    }
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn a_client_key_is_never_taken_for_the_azure_key() {
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_API_KEY", "")]).await;
    let own = HeaderValue::try_from(stage.key.clone()).unwrap();
    let both = [("authorization", bearer(KEY)), ("api-key", own)];
    assert_eq!(ask_over(stage.from(STRANGER), chat(&both)).await.status, StatusCode::OK);
    let seen = stage.recorder.seen();
    assert_eq!(seen[0].fields["api-key"], stage.key.as_str());
    for address in [STRANGER, "127.0.0.1"] {
        let answer = ask_over(stage.from(address), chat(&both[..1])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{address}: {}", answer.text());
    }
    assert_eq!(stage.recorder.seen().len(), seen.len(), "nothing was sent");
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn a_client_key_never_reaches_openai_either() {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server(OPENAI_HOST));
    let (root, resolve) = (pki.root_file(), format!("{OPENAI_HOST}:443:{}", origin.address()));
    let stage = Stage::with_variables(&[
        KEYS,
        ("AZURE_OPENAI_PROXY_MODE", "openai"),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", root.to_str().unwrap()),
        ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
    ])
    .await;
    let fields = [
        ("authorization", bearer(KEY)),
        ("proxy-authorization", basic(KEY)),
        ("openai-project", "p".parse().unwrap()),
    ];
    let asking = tokio::spawn(ask_over(stage.from(STRANGER), chat(&fields)));
    let mut there = origin.accept().await;
    let head = there.head().await.to_ascii_lowercase();
    assert!(head.contains("openai-project: p") && !head.contains("authorization"), "{head}");
    there.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(within(asking).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn ten_wrong_keys_close_the_door_to_that_address_alone() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for attempt in 0..10 {
        let fields = [("authorization", bearer(&format!("wrong-key-number-{attempt}")))];
        let answer = ask_over(stage.from(STRANGER), chat(&fields)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{attempt}");
    }
    let right = [("authorization", bearer(KEY))];
    let answer = ask_over(stage.from(STRANGER), chat(&right)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many_failures"));
    let wait: u64 = answer.field("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let request = connect(&format!("{AZURE_HOST}:443"), Some(basic(KEY)));
    assert_eq!(ask_over(stage.from(STRANGER), request).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask_over(stage.from(NEIGHBOUR), chat(&right)).await.status, StatusCode::OK);
    assert_eq!(ask_over(stage.from("127.0.0.1"), chat(&[])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn showing_no_key_is_no_wrong_key() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for _ in 0..12 {
        let answer = ask_over(stage.from(STRANGER), chat(&[])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
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
    for page in ["/", "/ca.pem", "/events", "/metrics", "/proxy.pac", "/status"] {
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

#[tokio::test]
async fn a_websocket_takes_a_client_key_also_as_a_subprotocol() {
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_MODEL_MAPPER", "rt=gpt-realtime")]).await;
    for (credential, status) in [
        (format!("Authorization: Bearer {KEY}"), "101"),
        (format!("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{KEY}"), "101"),
        ("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-of-the-client".to_owned(), "401"),
        ("X: y".to_owned(), "401"),
    ] {
        let mut conversation = Conversation::over(stage.from(STRANGER));
        let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let target = "GET /v1/realtime?model=rt HTTP/1.1\r\nHost: proxy.example\r\n";
        conversation.write(format!("{target}{handshake}{credential}\r\n\r\n")).await;
        let head = conversation.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{credential}: {head}");
    }
    assert_key_stayed_here(&stage);
}

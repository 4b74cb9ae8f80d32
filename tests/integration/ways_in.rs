//! Every way in leads through the same rewrite core.

use http::StatusCode;

use crate::client::{self, OPENAI_HOST};
use crate::conversation::Conversation;
use crate::stage::Stage;

const CHAT: &str = r#"{ "seed": 1e2,"model":"gpt-4o", "messages": [{"role":"user","content":"hi"}] }"#;

/// What the simulator has to see, to the octet.
const REWRITTEN: &str =
    r#"{ "seed": 1e2,"model":"demo-gpt-4o", "messages": [{"role":"user","content":"hi"}] }"#;

fn assert_rewritten(stage: &Stage, way: &str) {
    let seen = stage.recorder.seen().pop().unwrap_or_else(|| panic!("{way}: nothing arrived"));
    assert_eq!(seen.path_and_query, "/openai/v1/chat/completions", "{way}");
    assert_eq!(String::from_utf8_lossy(&seen.content), REWRITTEN, "{way}");
    assert_eq!(seen.fields["api-key"], stage.key.as_str(), "{way}");
    assert_eq!(seen.fields["content-length"], REWRITTEN.len().to_string(), "{way}");
    assert!(!seen.fields.contains_key("authorization"), "{way}");
}

#[tokio::test]
async fn the_intercepted_tunnel() {
    let stage = Stage::set().await;
    let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
    for _ in 0..2 {
        let response =
            sender.send_request(client::post(OPENAI_HOST, "/v1/chat/completions", CHAT)).await.unwrap();
        assert_eq!(client::whole(response).await.status, StatusCode::OK);
        assert_rewritten(&stage, "tunnel");
    }
}

#[tokio::test]
async fn the_intercepted_tunnel_over_http2() {
    let stage = Stage::set().await;
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    let uri = format!("https://{OPENAI_HOST}/v1/chat/completions");
    let mut request = client::post(OPENAI_HOST, &uri, CHAT);
    request.headers_mut().remove("host");
    let answer = client::whole(sender.send_request(request).await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_rewritten(&stage, "h2");
}

/// As axios has it before 1.17.
#[tokio::test]
async fn an_https_url_without_connect() {
    let stage = Stage::set().await;
    let request = client::post(OPENAI_HOST, &format!("https://{OPENAI_HOST}/v1/chat/completions"), CHAT);
    let answer = client::ask(stage.proxy, request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_rewritten(&stage, "absolute-form");
}

/// As Python's websocket-client has it; a page of another host is refused inside a tunnel too.
#[tokio::test]
async fn an_origin_that_is_the_host_itself() {
    let stage = Stage::set().await;
    let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
    for (origin, status) in [
        ("https://api.openai.com", StatusCode::OK),
        ("https://API.openai.com:443", StatusCode::OK),
        ("http://api.openai.com", StatusCode::FORBIDDEN),
        ("https://eu.api.openai.com", StatusCode::FORBIDDEN),
        ("https://evil.example", StatusCode::FORBIDDEN),
    ] {
        let mut request = client::post(OPENAI_HOST, "/v1/chat/completions", CHAT);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let answer = client::whole(sender.send_request(request).await.unwrap()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
    let mut mounted = client::post("localhost", "/v1/chat/completions", CHAT);
    mounted.headers_mut().insert("origin", "https://api.openai.com".parse().unwrap());
    assert_eq!(client::ask(stage.proxy, mounted).await.status, StatusCode::FORBIDDEN, "by base URL");
}

/// Keys that withstand quantum computers, and long lists, make ClientHellos that no record holds.
#[tokio::test]
async fn a_hello_that_takes_more_than_one_record() {
    let stage = Stage::set().await;
    let tunnel = client::tunnel(stage.proxy, &format!("{OPENAI_HOST}:443")).await.unwrap();
    let mut protocols: Vec<_> = (0..400).map(|number| format!("{number:060}")).collect();
    protocols.push("http/1.1".to_owned());
    let protocols: Vec<_> = protocols.iter().map(String::as_str).collect();
    let tls = client::tls(tunnel, OPENAI_HOST, &stage.ca_pem, &protocols).await.unwrap();
    let mut sender = client::http1_over(tls).await;
    let response =
        sender.send_request(client::post(OPENAI_HOST, "/v1/chat/completions", CHAT)).await.unwrap();
    assert_eq!(client::whole(response).await.status, StatusCode::OK);
    assert_rewritten(&stage, "a long hello");
}

/// Some clients tunnel what they do not encrypt; it is encrypted upstream all the same.
#[tokio::test]
async fn the_intercepted_tunnel_without_tls() {
    let stage = Stage::set().await;
    let tunnel = async || client::tunnel(stage.proxy, &format!("{OPENAI_HOST}:443")).await.unwrap();
    let mut sender = client::http1_over(tunnel().await).await;
    let response =
        sender.send_request(client::post(OPENAI_HOST, "/v1/chat/completions", CHAT)).await.unwrap();
    assert_eq!(client::whole(response).await.status, StatusCode::OK);
    assert_rewritten(&stage, "in the clear");

    let mut sender = client::http2_over(tunnel().await).await;
    let mut request = client::post("", &format!("http://{OPENAI_HOST}/v1/chat/completions"), CHAT);
    request.headers_mut().remove("host");
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(client::whole(response).await.status, StatusCode::OK);
    assert_rewritten(&stage, "HTTP/2 in the clear");

    // What is neither ends the tunnel and reaches nobody.
    let mut conversation = Conversation::over(tunnel().await);
    conversation.write(b"\x05\x01\x00").await;
    assert_eq!(conversation.rest().await.0, "");
    assert_eq!(stage.recorder.seen().len(), 2);
}

#[tokio::test]
async fn the_base_url_with_and_without_v1_and_with_doubled_slashes() {
    let stage = Stage::set().await;
    let host = stage.proxy.to_string();
    for path in
        ["/v1/chat/completions", "/chat/completions", "//v1/chat/completions", "/v1//chat/completions"]
    {
        let answer = client::ask(stage.proxy, client::post(&host, path, CHAT)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_rewritten(&stage, path);
    }
}

#[tokio::test]
async fn absolute_form_for_an_openai_host() {
    let stage = Stage::set().await;
    let request = client::post(OPENAI_HOST, &format!("http://{OPENAI_HOST}/v1/chat/completions"), CHAT);
    assert_eq!(client::ask(stage.proxy, request).await.status, StatusCode::OK);
    assert_rewritten(&stage, "absolute form");
}

#[tokio::test]
async fn tls_to_the_proxy_itself() {
    let stage = Stage::set().await;
    let tls =
        client::tls(client::connect(stage.proxy).await, "localhost", &stage.ca_pem, &["http/1.1"]).await;
    let mut sender = client::http1_over(tls.unwrap()).await;
    let response =
        sender.send_request(client::post("localhost", "/v1/chat/completions", CHAT)).await.unwrap();
    assert_eq!(client::whole(response).await.status, StatusCode::OK);
    assert_rewritten(&stage, "TLS listener");
}

#[tokio::test]
async fn http2_by_prior_knowledge() {
    let stage = Stage::set().await;
    let mut sender = client::http2_over(client::connect(stage.proxy).await).await;
    let mut request = client::post("", &format!("http://{}/v1/chat/completions", stage.proxy), CHAT);
    request.headers_mut().remove("host");
    let answer = client::whole(sender.send_request(request).await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_rewritten(&stage, "prior knowledge");
}

//! An upstream that breaks off in the middle: the client's stream is aborted, never ended as if whole.

use http_body_util::BodyExt;

use crate::client::{self, OPENAI_HOST, within};
use crate::conversation::Conversation;
use crate::errors::CHAT;
use crate::origin::{Origin, Pki};
use crate::stage::{AZURE_HOST, Stage};

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n";
const COUNTED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\ndata:";
const UNTIL_CLOSED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\ndata:";

fn request(host: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer k\r\nContent-Length: {}\r\n\r\n{CHAT}",
        CHAT.len()
    )
}

/// Takes a request and answers it with just these octets.
async fn answer_with(origin: &Origin, octets: &str) {
    let mut upstream = origin.accept().await;
    upstream.head().await;
    upstream.octets(CHAT.len() + "demo-".len()).await;
    upstream.write(octets).await;
}

#[tokio::test]
async fn http1_clients_see_no_end() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for answer in [CHUNKED, COUNTED] {
        for intercepted in [false, true] {
            let (mut client, host) = match intercepted {
                true => (Conversation::intercepted(stage.proxy, &stage.ca_pem).await, OPENAI_HOST),
                false => (Conversation::with(stage.proxy).await, "localhost"),
            };
            client.write(request(host)).await;
            answer_with(&origin, answer).await;
            let (text, _) = client.rest().await;
            assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("data:"), "{text}");
            assert!(!text.ends_with("0\r\n\r\n"), "{text}");
        }
    }
}

#[tokio::test]
async fn http2_clients_see_a_reset() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    for answer in [CHUNKED, COUNTED] {
        let mut request = client::post("", &format!("https://{OPENAI_HOST}/v1/chat/completions"), CHAT);
        request.headers_mut().remove("host");
        let (response, ()) = tokio::join!(sender.send_request(request), answer_with(&origin, answer));
        let broken = within(response.unwrap().into_body().collect()).await.unwrap_err();
        // The stream alone: the next round goes over the same connection.
        assert!(format!("{broken:?}").contains("Reset"), "{broken:?}");
    }
}

#[tokio::test]
async fn a_reset_stream_upstream_is_aborted_downstream() {
    let stage = Stage::set().await;
    let content =
        r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"a b c d e [broken]"}]}"#;
    let host = stage.proxy.to_string();
    let mut sender = client::http1_over(client::connect(stage.proxy).await).await;
    let response = sender.send_request(client::post(&host, "/v1/chat/completions", content)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(within(response.into_body().collect()).await.is_err());
}

#[tokio::test]
async fn content_that_ends_with_its_connection_is_whole() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(request("localhost")).await;
    answer_with(&origin, UNTIL_CLOSED).await;
    client.head().await;
    assert_eq!(client.until("0\r\n\r\n").await, "5\r\ndata:\r\n0\r\n\r\n");
}

/// Without TLS's goodbye anybody on the way could have cut it (RFC 9112 §9.8).
#[tokio::test]
async fn content_that_ends_with_its_connection_is_broken_if_tls_was_not_ended() {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server(AZURE_HOST));
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let roots = pki.root_file().display().to_string();
    let variables =
        [("AZURE_OPENAI_PROXY_RESOLVE", &*resolve), ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &roots)];
    let stage = Stage::with_variables(&variables).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(request("localhost")).await;
    answer_with(&origin, UNTIL_CLOSED).await;
    let (text, _) = client.rest().await;
    assert!(text.contains("data:") && !text.ends_with("0\r\n\r\n"), "{text}");
}

//! HTTP/2 on both legs: who else is on the connection makes no difference.

use std::time::{Duration, Instant};

use azure_openai_proxy::message::body::{self, Body, BoxError};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::task::JoinSet;

use crate::client::{self, OPENAI_HOST, within};
use crate::stage::Stage;

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// Requests on one connection; the upstream's allows more.
const STREAMS: usize = 60;

/// Octets of a file that the simulator keeps: several times what one stream may have in flight.
const FILE: usize = 4 << 20;

/// An HTTP/2 request for OpenAI's host.
fn request(method: &str, path: &str, content: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("https://{OPENAI_HOST}{path}"))
        .header("authorization", "Bearer sk-of-the-client")
        .header("content-type", "application/json")
        .body(content)
        .expect("a request")
}

#[tokio::test]
async fn many_streams_of_one_connection_are_answered_beside_one_that_stands_still() {
    let stage = Stage::set().await;
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    let silence = StreamBody::new(stream::pending::<Result<Frame<Bytes>, BoxError>>()).boxed_unsync();
    let stalled = request("POST", "/v1/chat/completions", silence);
    within(sender.ready()).await.unwrap();
    let stalled = tokio::spawn(sender.send_request(stalled));
    let mut asked = JoinSet::new();
    for _ in 0..STREAMS {
        within(sender.ready()).await.unwrap();
        asked.spawn(sender.send_request(request("POST", "/v1/chat/completions", body::full(CHAT))));
    }
    while let Some(answer) = within(asked.join_next()).await {
        assert_eq!(answer.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert!(!stalled.is_finished());
    assert!(stage.recorder.seen().iter().all(|seen| seen.version == Version::HTTP_2));
}

#[tokio::test]
async fn a_connection_without_requests_ends_after_the_keep_alive_timeout() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_KEEPALIVE_TIMEOUT", "500ms")]).await;
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    within(sender.ready()).await.unwrap();
    let answer = within(sender.send_request(request("POST", "/v1/chat/completions", body::full(CHAT)))).await;
    let answered = answer.unwrap();
    assert_eq!(answered.status(), StatusCode::OK);
    within(answered.into_body().collect()).await.unwrap();
    let begun = Instant::now();
    while !sender.is_closed() {
        assert!(begun.elapsed() < client::DEADLINE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() > Duration::from_millis(400), "{:?}", begun.elapsed());
}

/// Upstream they share a connection, whose window is large enough for all of them to leave theirs full.
#[tokio::test]
async fn clients_who_do_not_read_their_answers_hold_nobody_else_up() {
    let stage = Stage::set().await;
    let host = stage.proxy.to_string();
    let form = format!(
        "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{}\r\n--B--\r\n",
        "x".repeat(FILE)
    );
    let mut upload = client::post(&host, "/v1/files", form);
    upload.headers_mut().insert("content-type", "multipart/form-data; boundary=B".parse().unwrap());
    let file = client::ask(stage.proxy, upload).await.json();
    let path = format!("/v1/files/{}/content", file["id"].as_str().expect("an id"));
    let mut unread = Vec::new();
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    for _ in 0..STREAMS {
        within(sender.ready()).await.unwrap();
        let answer = within(sender.send_request(request("GET", &path, body::empty()))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        unread.push(answer);
    }
    for _ in 0..20 {
        let answer = client::ask(stage.proxy, client::post(&host, "/v1/chat/completions", CHAT)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    // The client's own connection is full of what it does not read.
    let last = unread.swap_remove(0);
    drop(unread);
    let last = client::whole(last).await;
    assert_eq!(last.content.len(), FILE);
}

#[tokio::test]
async fn the_protocol_upstream_is_by_alpn_or_as_it_is_set() {
    for (setting, version) in [("any", Version::HTTP_2), ("1", Version::HTTP_11), ("2", Version::HTTP_2)] {
        let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_UPSTREAM_HTTP", setting)]).await;
        let host = stage.proxy.to_string();
        let answer = client::ask(stage.proxy, client::post(&host, "/v1/chat/completions", CHAT)).await;
        assert_eq!(answer.status, StatusCode::OK, "{setting}");
        assert_eq!(stage.recorder.seen()[0].version, version, "{setting}");
    }
}

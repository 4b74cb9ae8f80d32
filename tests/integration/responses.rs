//! Answers are made such as OpenAI's clients expect them, and in nothing else other than Azure gave them.

use http::StatusCode;
use http_body_util::BodyExt;

use crate::client::{self, Whole, within};
use crate::conversation::Conversation;
use crate::errors::CHAT;
use crate::origin::Origin;
use crate::stage::Stage;

const FILTER: &str =
    "data: {\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n";
const WORD: &str = "data: {\"id\":\"1\", \"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
const ANNOTATION: &str = "data: {\"choices\":[{\"index\":0,\"content_filter_offsets\":{}}]}\n\n";
const MENDED: &str = "data: {\"choices\":[{\"delta\":{},\"index\":0,\"content_filter_offsets\":{}}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\n\n";
const ERROR: &str = "event: error\ndata: {\"error\":{\"message\":\"late\"}}\n\n";

/// A connection that has taken a request whole.
pub(crate) async fn take(origin: &Origin) -> (Conversation, String, Vec<u8>) {
    let mut upstream = origin.accept().await;
    let head = upstream.head().await;
    let length = field(&head, "content-length").map_or(0, |length| length.parse().expect("a length"));
    let content = upstream.octets(length).await;
    (upstream, head, content)
}

/// The value of a field in a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What a client gets when Azure answers its request for this path with these octets.
async fn answered(stage: &Stage, origin: &Origin, path: &str, octets: &str) -> Whole {
    let request = client::post(&stage.proxy.to_string(), path, CHAT);
    let (answer, _) = tokio::join!(client::ask(stage.proxy, request), async {
        let (mut upstream, ..) = take(origin).await;
        upstream.write(octets).await;
    });
    answer
}

fn stream(media_type: &str, events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n{events}")
}

fn counted(status: &str, fields: &str, content: &str) -> String {
    let length = content.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{fields}Content-Length: {length}\r\n\r\n{content}"
    )
}

#[tokio::test]
async fn each_event_goes_on_when_it_is_whole_and_before_the_next_one_comes() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client
        .write(format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{CHAT}",
            CHAT.len()
        ))
        .await;
    let (mut upstream, ..) = take(&origin).await;
    upstream.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
    ).await;
    client.head().await;
    for (sent, seen) in [(FILTER, ""), (WORD, WORD), (ANNOTATION, MENDED), (USAGE, USAGE), (ERROR, ERROR)] {
        let (beginning, end) = sent.split_at(sent.len() / 2);
        for part in [beginning, end] {
            upstream.write(format!("{:x}\r\n{part}\r\n", part.len())).await;
        }
        if !seen.is_empty() {
            assert_eq!(client.until(seen).await, format!("{:X}\r\n{seen}", seen.len()));
            client.until("\r\n").await;
        }
    }
    upstream.write("e\r\ndata: [DONE]\r\n\r\n0\r\n\r\n").await;
    assert!(client.until("0\r\n\r\n").await.contains("data: [DONE]"));
}

#[tokio::test]
async fn a_stream_gets_what_its_end_lacks_and_keeps_its_other_octets() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let as_is = Stage::before(&origin, &[("AZURE_OPENAI_PROXY_RESPONSES", "as-is")]).await;
    let events = [FILTER, WORD, ANNOTATION, USAGE, "data: [DONE]\n"].concat();
    for (path, expected) in [
        ("/v1/chat/completions", [WORD, MENDED, USAGE, "data: [DONE]\n\n"].concat()),
        ("/v1/responses", format!("{events}\n")),
        ("/v1/images/generations", format!("{events}\n")),
        // Azure's own form was asked for, so Azure's own form it is.
        ("/openai/v1/chat/completions", events.clone()),
    ] {
        let answer = answered(&stage, &origin, path, &stream("text/event-stream", &events)).await;
        assert_eq!(answer.text(), expected, "{path}");
        let answer = answered(&as_is, &origin, path, &stream("text/event-stream", &events)).await;
        assert_eq!(answer.text(), events, "{path} as it is");
    }
    let gzip = "text/event-stream\r\nContent-Encoding: gzip";
    for media_type in ["text/plain", "application/octet-stream", gzip] {
        let answer = answered(&stage, &origin, "/v1/chat/completions", &stream(media_type, &events)).await;
        assert_eq!(answer.text(), events, "{media_type}");
    }
}

#[tokio::test]
async fn a_declared_length_does_not_outlive_the_stream_that_had_it() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let events = [FILTER, WORD].concat();
    let octets = counted("200 OK", "", &events).replace("application/json", "text/event-stream");
    let answer = answered(&stage, &origin, "/v1/chat/completions", &octets).await;
    assert_eq!((answer.text(), answer.field("content-length")), (WORD.to_owned(), ""));
}

#[tokio::test]
async fn an_error_is_completed_and_its_fields_stay() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let limited = r#"{"error":{"code":"429","message":"You have exceeded the token rate limit."}}"#;
    let fields = "retry-after: 7\r\nretry-after-ms: 6543\r\nx-ratelimit-remaining-tokens: -1\r\n\
        apim-request-id: abc\r\nContent-MD5: x\r\n";
    let answer =
        answered(&stage, &origin, "/v1/chat/completions", &counted("429 Busy", fields, limited)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        answer.text(),
        r#"{"error":{"code":"429","message":"You have exceeded the token rate limit.","type":"tokens","param":null}}"#
    );
    assert_eq!(answer.field("content-length"), answer.content.len().to_string());
    for (name, value) in [
        ("retry-after", "7"),
        ("retry-after-ms", "6543"),
        ("x-ratelimit-remaining-tokens", "-1"),
        ("x-request-id", "abc"),
        ("content-md5", ""),
    ] {
        assert_eq!(answer.field(name), value, "{name}");
    }
    let chunked = format!(
        "HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{limited}\r\n0\r\n\r\n",
        limited.len()
    );
    let answer = answered(&stage, &origin, "/v1/responses", &chunked).await;
    assert_eq!(answer.json()["error"]["type"], "server_error");
}

#[tokio::test]
async fn a_bare_404_says_what_was_asked_for() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=nowhere")]).await;
    let answer = client::ask(stage.proxy, client::post("localhost", "/v1/chat/completions", CHAT)).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "DeploymentNotFound"));
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The API deployment for this resource does not exist."), "{message}");
    for word in
        ["\"nowhere\"", "\"gpt-4o\"", "v1 surface", "no api-version", "map", "api_version", "endpoint"]
    {
        assert!(message.contains(word), "{word} in {message}");
    }
    assert!(!answer.fields.contains_key("x-azure-openai-proxy-error"), "it is Azure's error, not ours");
}

#[tokio::test]
async fn an_error_that_is_long_or_of_another_form_goes_on_as_it_is() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(70_000));
    for (fields, content) in
        [("", &*long), ("", "no JSON"), ("Content-Encoding: gzip\r\n", r#"{"error":{"message":""}}"#)]
    {
        let answer = answered(&stage, &origin, "/v1/responses", &counted("400 Bad", fields, content)).await;
        assert_eq!(answer.text(), content);
        assert_eq!(answer.field("content-length"), content.len().to_string());
    }
}

#[tokio::test]
async fn an_error_that_breaks_off_is_not_made_whole() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut sender = client::http1_over(client::connect(stage.proxy).await).await;
    let request = client::post(&stage.proxy.to_string(), "/v1/responses", CHAT);
    let (response, _) = tokio::join!(sender.send_request(request), async {
        let (mut upstream, ..) = take(&origin).await;
        upstream
            .write(
                "HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"error\"",
            )
            .await;
    });
    let response = within(async { response }).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(within(response.into_body().collect()).await.is_err());
}

#[tokio::test]
async fn every_chunk_of_the_strict_simulators_stream_has_what_clients_read() {
    let stage = Stage::set().await;
    let content = r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},
        "messages":[{"role":"user","content":"a b [async-filter]"}]}"#;
    let answer = client::ask(stage.proxy, client::post("localhost", "/v1/chat/completions", content)).await;
    let text = answer.text();
    let chunks: Vec<serde_json::Value> = text
        .split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
        .collect();
    let (usage, choices): (Vec<_>, Vec<_>) = chunks.iter().partition(|chunk| chunk["usage"].is_object());
    assert_eq!(usage.len(), 1);
    assert!(choices.iter().all(|chunk| chunk["choices"][0]["delta"].is_object()), "{text}");
    assert!(
        choices.iter().any(|chunk| chunk["choices"][0].get("content_filter_offsets").is_some()),
        "{text}"
    );
    assert!(text.ends_with("data: [DONE]\n\n"));
}

//! What HTTP has beside requests and responses arrives too: codings, expectations, trailers, and no content at all.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, StatusCode};

use crate::client::{self, OPENAI_HOST, within};
use crate::conversation::{Conversation, End};
use crate::errors::CHAT;
use crate::faults;
use crate::origin::{Origin, Pki};
use crate::responses::{field, take};
use crate::stage::Stage;

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes()).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn coded(path: &str, content: Vec<u8>) -> http::Request<azure_openai_proxy::message::body::Body> {
    let mut request = client::post("localhost", path, content);
    request.headers_mut().insert("content-encoding", http::HeaderValue::from_static("gzip"));
    request
}

#[tokio::test]
async fn compressed_content_goes_on_compressed_unless_its_model_changes() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for (model, changes) in [("gpt-4o", true), ("gpt-5", false)] {
        let came = gzip(&format!(r#"{{"input":"x","model":"{model}"}}"#));
        let request = coded("/v1/responses", came.clone());
        let (answer, (head, content)) = tokio::join!(client::ask(stage.proxy, request), async {
            let (mut upstream, head, content) = take(&origin).await;
            upstream.write(EMPTY).await;
            (head, content)
        });
        assert_eq!(answer.status, StatusCode::OK);
        if changes {
            assert_eq!(content, br#"{"input":"x","model":"demo-gpt-4o"}"#);
            assert_eq!(field(&head, "content-encoding"), None);
        } else {
            assert_eq!(content, came);
            assert_eq!(field(&head, "content-encoding"), Some("gzip"));
        }
    }
}

#[tokio::test]
async fn a_little_that_decodes_to_a_lot_is_too_large() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_BUFFERED_CONTENT", "1MiB")]).await;
    let bomb = gzip(&format!(r#"{{"input":"{}","model":"gpt-4o"}}"#, " ".repeat(64 << 20)));
    assert!(bomb.len() < 1 << 17);
    let answer = client::ask(stage.proxy, coded("/v1/responses", bomb)).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "content_too_large"));
    assert!(stage.recorder.seen().is_empty());
}

/// Nothing of it is held back, but all of it is looked into for a second model.
#[tokio::test]
async fn a_little_that_decodes_to_a_lot_behind_its_model_is_not_followed_to_its_end() {
    let stage = Stage::set().await;
    // As members of one file, of which each is decoded for itself (RFC 1952 §2.2).
    let [begin, end] = [r#"{"model":"unmapped","input":""#, r#""}"#].map(gzip);
    let bomb = [begin, gzip(&" ".repeat(4 << 20)).repeat(40), end].concat();
    let answer = client::ask(stage.proxy, coded("/v1/responses", bomb)).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "invalid_content"));
}

#[tokio::test]
async fn extras_change_what_they_say_and_nothing_when_they_are_off() {
    let origin = Origin::plain();
    let off = Stage::before(&origin, &[]).await;
    let on = [
        ("AZURE_OPENAI_PROXY_NESTED_MODELS", "true"),
        ("AZURE_OPENAI_PROXY_BATCH_MODELS", "true"),
        ("AZURE_OPENAI_PROXY_CODEX_STORE", "true"),
        ("AZURE_OPENAI_PROXY_STRIP_DOTS", "true"),
    ];
    let on = Stage::before(&origin, &on).await;
    let form = |model: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--B\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"b.jsonl\"\r\n\r\n{{\"body\":{{\"model\":\"{model}\"}}}}\r\n--B--\r\n"
        )
    };
    let json = "application/json";
    for (path, kind, came, without, with) in [
        (
            "/v1/responses",
            json,
            r#"{"model":"gpt-4.1","store":false,"tools":[{"type":"image_generation","model":"gpt-image-1"}]}"#.to_owned(),
            r#"{"model":"gpt-4.1","store":false,"tools":[{"type":"image_generation","model":"gpt-image-1"}]}"#.to_owned(),
            r#"{"model":"gpt-41","store":true,"tools":[{"type":"image_generation","model":"demo-image"}]}"#.to_owned(),
        ),
        ("/v1/files", "multipart/form-data; boundary=B", form("gpt-4o"), form("gpt-4o"), form("demo-gpt-4o")),
    ] {
        for (stage, expected) in [(&off, without), (&on, with)] {
            let mut request = client::post("localhost", path, came.clone());
            request.headers_mut().insert("content-type", http::HeaderValue::from_str(kind).unwrap());
            let (_, content) = tokio::join!(client::ask(stage.proxy, request), async {
                let (mut upstream, _, content) = take(&origin).await;
                upstream.write(EMPTY).await;
                content
            });
            assert_eq!(String::from_utf8(content).unwrap(), expected, "{path}");
        }
    }
}

/// The head of a request whose content waits for a 100.
fn expecting(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
         Expect: 100-continue\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn the_clients_100_comes_when_the_origin_has_said_so() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(expecting("/v1/uploads/u/parts", 5)).await;
    let mut upstream = origin.accept().await;
    assert_eq!(field(&upstream.head().await, "expect"), Some("100-continue"));
    upstream.write("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hello").await;
    assert_eq!(upstream.octets(5).await, b"hello");
    upstream.write(EMPTY).await;
    assert!(client.rest().await.0.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn responses_before_the_final_one_arrive_where_they_can() {
    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nX-Odd: 1\r\n";
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for (mut client, version, expected) in [
        (Conversation::with(stage.proxy).await, "1.1", HINTS),
        (Conversation::intercepted(stage.proxy, &stage.ca_pem).await, "1.1", HINTS),
        // It would take the first response for the final one (RFC 9110 §15.2).
        (Conversation::with(stage.proxy).await, "1.0", ""),
    ] {
        let request =
            format!("GET /v1/files HTTP/{version}\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n");
        client.write(request).await;
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.write("HTTP/1.1 102 Processing\r\n\r\n").await;
        // What speaks for Azure's name or concerns its connection does not arrive.
        let own = "Strict-Transport-Security: max-age=1\r\nConnection: x-odd2\r\nX-Odd2: 1\r\n";
        upstream.write(format!("{HINTS}{own}\r\n")).await;
        if !expected.is_empty() {
            assert_eq!(client.head().await, "HTTP/1.1 102 Processing\r\n\r\n");
            assert_eq!(client.head().await, format!("{expected}\r\n"));
        }
        upstream.write(EMPTY).await;
        let (answer, _) = client.rest().await;
        assert!(answer.starts_with(&format!("HTTP/{version} 200 ")), "{answer}");
    }
}

/// A client on HTTP/2, in a tunnel.
async fn http2_client(stage: &Stage) -> h2::client::SendRequest<bytes::Bytes> {
    let tunnel =
        client::tunnel(stage.proxy, &format!("{OPENAI_HOST}:443")).await.expect("the tunnel is opened");
    let io = client::tls(tunnel, OPENAI_HOST, &stage.ca_pem, &["h2"]).await.expect("our CA is trusted");
    let (sender, connection) = within(h2::client::handshake(io)).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn responses_before_the_final_one_arrive_on_http2_too() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut sender = http2_client(&stage).await;
    let request = http::Request::get(format!("https://{OPENAI_HOST}/v1/files")).body(()).expect("a request");
    let (mut response, _) = sender.send_request(request, true).expect("it is sent");
    let mut upstream = origin.accept().await;
    upstream.head().await;
    let own = "Strict-Transport-Security: max-age=1\r\nConnection: x-odd\r\nX-Odd: 1\r\n";
    for status in [102, 103] {
        upstream.write(format!("HTTP/1.1 {status} Early\r\nLink: </x>; rel=preload\r\n{own}\r\n")).await;
        let early = within(std::future::poll_fn(|cx| response.poll_informational(cx))).await;
        let early = early.expect("a response before the final one").expect("a response");
        assert_eq!(early.status().as_u16(), status);
        let names: Vec<_> = early.headers().keys().map(http::HeaderName::as_str).collect();
        assert_eq!(
            names,
            ["link"],
            "what speaks for Azure's name or concerns its connection does not arrive"
        );
    }
    upstream.write(EMPTY).await;
    assert!(within(std::future::poll_fn(|cx| response.poll_informational(cx))).await.is_none());
    assert_eq!(within(response).await.expect("the final one").status(), StatusCode::OK);
}

/// An origin of HTTP/2 that answers early, asks for content that waits for that, and then answers.
async fn early_origin(origin: &Origin) -> Vec<u8> {
    let mut connection =
        within(h2::server::handshake(origin.accept().await.into_stream())).await.expect("a handshake");
    let (request, mut respond) = within(connection.accept()).await.expect("a request").expect("a whole one");
    let answering = tokio::spawn(async move {
        let early = |status: u16| http::Response::builder().status(status);
        respond
            .send_informational(early(103).header("link", "</x>").body(()).expect("a head"))
            .expect("sent");
        let mut octets = Vec::new();
        if request.headers().get("expect").is_some() {
            respond.send_informational(early(100).body(()).expect("a head")).expect("sent");
        }
        let mut content = request.into_body();
        while let Some(data) = within(content.data()).await {
            octets.extend_from_slice(&data.expect("content"));
        }
        respond.send_response(http::Response::new(()), true).expect("sent");
        octets
    });
    // The proxy keeps the connection, so this goes on.
    tokio::spawn(async move { while connection.accept().await.is_some() {} });
    within(answering).await.expect("it answers")
}

#[tokio::test]
async fn responses_before_the_final_one_arrive_from_an_origin_of_http2() {
    let (origin, stage, _pki) = faults::http2().await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(expecting("/v1/uploads/u/parts", 5)).await;
    let (octets, ()) = tokio::join!(early_origin(&origin), async {
        assert_eq!(client.head().await, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
        assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
        client.write("hello").await;
        assert!(client.rest().await.0.starts_with("HTTP/1.1 200 OK\r\n"));
    });
    assert_eq!(octets, b"hello");
}

#[tokio::test]
async fn responses_before_the_final_one_go_from_http2_to_http2() {
    let (origin, stage, _pki) = faults::http2().await;
    let mut sender = http2_client(&stage).await;
    let request = http::Request::post(format!("https://{OPENAI_HOST}/v1/uploads/u/parts"))
        .header("expect", "100-continue")
        .header("content-type", "application/octet-stream")
        .body(())
        .expect("a request");
    let (mut response, mut content) = sender.send_request(request, false).expect("it is sent");
    let (octets, ()) = tokio::join!(early_origin(&origin), async {
        for status in [103, 100] {
            let early = within(std::future::poll_fn(|cx| response.poll_informational(cx))).await;
            assert_eq!(early.expect("one more").expect("a response").status().as_u16(), status);
        }
        content.send_data(bytes::Bytes::from_static(b"hello"), true).expect("sent");
        assert!(within(std::future::poll_fn(|cx| response.poll_informational(cx))).await.is_none());
        assert_eq!(within(response).await.expect("the final one").status(), StatusCode::OK);
    });
    assert_eq!(octets, b"hello");
}

#[tokio::test]
async fn a_final_response_in_place_of_the_100_arrives_in_its_place() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(expecting("/v1/uploads/u/parts", 5)).await;
    let mut upstream = origin.accept().await;
    upstream.head().await;
    upstream.write("HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let (answer, end) = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 417 ") && !answer.contains(" 100 "), "{answer}");
    assert_eq!(end, End::Closed);
}

#[tokio::test]
async fn an_origin_that_never_says_100_gets_the_content_all_the_same() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(expecting("/v1/uploads/u/parts", 5)).await;
    let mut upstream = origin.accept().await;
    upstream.head().await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hello").await;
    assert_eq!(upstream.octets(5).await, b"hello");
    upstream.write(EMPTY).await;
    assert!(client.rest().await.0.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn content_that_has_to_be_searched_is_asked_for_by_the_proxy() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(expecting("/v1/chat/completions", CHAT.len())).await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write(CHAT).await;
    let mut upstream = origin.accept().await;
    upstream.head().await;
    upstream.write("HTTP/1.1 100 Continue\r\n\r\n").await;
    upstream.octets(CHAT.len() + "demo-".len()).await;
    upstream.write(EMPTY).await;
    assert!(client.rest().await.0.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    let length = CHAT.len();
    client.write(format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\
         Trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{CHAT}\r\n0\r\nx-sum: 1\r\n\r\n"
    )).await;
    let mut upstream = origin.accept().await;
    let head = upstream.head().await;
    assert_eq!((field(&head, "te"), field(&head, "trailer")), (Some("trailers"), Some("x-sum")));
    assert!(upstream.until("x-sum: 1\r\n\r\n").await.contains("demo-gpt-4o"));
    upstream.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTrailer: x-end\r\nTransfer-Encoding: chunked\r\n\r\n\
         9\r\ndata: x\n\n\r\n0\r\nx-end: 2\r\n\r\n",
    ).await;
    assert!(client.rest().await.0.ends_with("data: x\n\n\r\n0\r\nx-end: 2\r\n\r\n"));
}

#[tokio::test]
async fn what_has_no_content_is_given_none() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for (method, answer, status, length) in [
        (Method::HEAD, "200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 7\r\n\r\n", 200, "7"),
        (Method::HEAD, "404 No\r\nContent-Type: application/json\r\nContent-Length: 70\r\n\r\n", 404, "70"),
        (Method::DELETE, "204 None\r\nContent-Type: text/event-stream\r\n\r\n", 204, ""),
        (Method::GET, "304 Same\r\nETag: \"x\"\r\n\r\n", 304, ""),
        (
            Method::GET,
            "302 Go\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
            302,
            "0",
        ),
    ] {
        let mut request = client::get("localhost", "/v1/files/f%2F1?b=2&a=%20&a=+");
        *request.method_mut() = method.clone();
        let (whole, head) = tokio::join!(client::ask(stage.proxy, request), async {
            let (mut upstream, head, _) = take(&origin).await;
            upstream.write(format!("HTTP/1.1 {answer}")).await;
            head
        });
        assert_eq!(
            head.lines().next(),
            Some(&*format!("{method} /openai/v1/files/f%2F1?b=2&a=%20&a=+ HTTP/1.1"))
        );
        assert_eq!(
            (whole.status.as_u16(), whole.field("content-length")),
            (status, length),
            "{method} {answer}"
        );
        assert!(whole.content.is_empty());
        if status == 302 {
            assert_eq!(
                whole.field("location"),
                "https://elsewhere.example/",
                "the client may follow it, not we"
            );
        }
    }
    assert!(origin.is_untouched());
}

#[tokio::test]
async fn clouds_projects_and_gateways_are_plain_configuration() {
    for (host, pasted, path, header, line) in [
        ("r.openai.azure.us", "/", "", "api-key", "api-key: "),
        ("r.cognitiveservices.azure.cn", "/openai/deployments/x", "", "api-key", "api-key: "),
        (
            "r.services.ai.azure.com",
            "/api/projects/p",
            "/api/projects/p",
            "Authorization",
            "authorization: Bearer ",
        ),
        (
            "g.azure-api.net",
            "/team/openai/v1/",
            "/team",
            "Ocp-Apim-Subscription-Key",
            "ocp-apim-subscription-key: ",
        ),
    ] {
        let pki = Pki::new();
        let origin = Origin::secure(pki.server(host));
        let root = pki.root_file();
        let stage = Stage::with_variables(&[
            ("AZURE_OPENAI_ENDPOINT", &format!("https://{host}{pasted}")),
            ("AZURE_OPENAI_PROXY_KEY_HEADER", header),
            ("AZURE_OPENAI_PROXY_RESOLVE", &format!("{host}:443:{}", origin.address())),
            ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", root.to_str().expect("a path of ours")),
        ])
        .await;
        let request = client::post("localhost", "/v1/chat/completions", CHAT);
        let (_, head) = tokio::join!(client::ask(stage.proxy, request), async {
            let (mut upstream, head, _) = take(&origin).await;
            upstream.write(EMPTY).await;
            head
        });
        assert!(head.starts_with(&format!("POST {path}/openai/v1/chat/completions HTTP/1.1\r\n")), "{head}");
        assert_eq!(field(&head, "host"), Some(host));
        let credential = format!("\r\n{line}{}\r\n", stage.key);
        assert!(head.to_ascii_lowercase().contains(&credential.to_ascii_lowercase()), "{head}");
        assert!(!head.contains("sk-of-the-client"), "{head}");
    }
}

//! Admission, TLS, pacing and the recorder.

use std::time::Instant;

use http::Version;
use http::header::HeaderName;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::{self, pem};

#[tokio::test]
async fn every_answer_carries_azure_s_fields() {
    let server = Server::start().await;
    let bad = server.get("/nowhere").await;
    assert_eq!(bad.refusal(), (404, "404".into()));
    for answer in [bad, server.get("/openai/v1/models").await] {
        for name in
            ["apim-request-id", "x-ms-region", "x-ratelimit-remaining-tokens", "strict-transport-security"]
        {
            assert!(answer.fields.contains_key(name), "{name}");
        }
        assert!(!answer.fields.contains_key("x-request-id"));
    }
}

#[tokio::test]
async fn the_head_is_judged_before_the_content() {
    let server = Server::start().await;
    for (path, name, value, expected) in [
        ("/openai/v1/models", "authorization", "Bearer azure-key", 200),
        ("/openai/v1/models", "authorization", "Bearer sk-client", 401),
        ("/openai/v1/models", "x-nothing", "", 401),
        ("/openai/models?api-version=2024-10-21", "authorization", "Bearer azure-key", 401),
        ("/openai/models?api-version=2024-10-21", "api-key", "azure-key", 200),
        ("/openai/models", "api-key", "azure-key", 404),
        ("/openai/v1/models?api-version=2024-10-21", "api-key", "azure-key", 400),
        ("/openai/v1/assistants", "api-key", "azure-key", 404),
        ("/v1/models", "api-key", "azure-key", 404),
    ] {
        let request = Request::get(path).header("host", "x").header(name, value).body(body::empty()).unwrap();
        assert_eq!(server.ask(request).await.status.as_u16(), expected, "{path} with {name}: {value}");
    }
    let mut leaky = keyed(Method::GET, "/openai/v1/models", "", body::empty());
    leaky.headers_mut().insert("openai-organization", "org-1".parse().unwrap());
    let refused = server.ask(leaky).await;
    assert_eq!(refused.refusal(), (400, "BadRequest".into()));
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("openai-organization"));
}

#[tokio::test]
async fn content_must_be_a_json_object() {
    let server = Server::start().await;
    let path = "/openai/v1/chat/completions";
    for (media_type, content) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", ""),
        ("text/plain", "{}"),
    ] {
        let request = keyed(Method::POST, path, media_type, body::full(content));
        assert_eq!(
            server.ask(request).await.refusal(),
            (400, "BadRequest".into()),
            "{media_type} {content:?}"
        );
    }
    let typed = keyed(
        Method::POST,
        path,
        "Application/JSON; charset=utf-8",
        body::full(chat("gpt-4o-mini", "x").to_string()),
    );
    server.ask(typed).await.ok();
}

#[tokio::test]
async fn content_that_breaks_off_is_refused() {
    let server = Server::start().await;
    let mut io = TcpStream::connect(server.addr).await.unwrap();
    let head = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\napi-key: {KEY}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"model\":"
    );
    io.write_all(head.as_bytes()).await.unwrap();
    io.shutdown().await.unwrap();
    let mut answer = String::new();
    io.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("announced length"), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_content_that_never_comes() {
    let server = Server::start().await;
    let mut io = TcpStream::connect(server.addr).await.unwrap();
    io.write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
    let mut answer = String::new();
    io.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer:?}");
}

#[tokio::test]
async fn the_recorder_shows_what_arrived() {
    let server = Server::start().await;
    let content = chat("gpt-4o-mini", "hello").to_string();
    let path = "/openai/v1/chat/completions?a=%20b&a=c";
    server.ask(keyed(Method::POST, path, "application/json", body::full(content.clone()))).await.ok();
    server.get("/openai/v1/models").await.ok();
    let seen = server.recorder.seen();
    assert_eq!(seen.len(), 2);
    let first = &seen[0];
    assert_eq!(
        (&first.method, first.path_and_query.as_str(), first.version),
        (&Method::POST, path, Version::HTTP_11)
    );
    assert_eq!((first.content.as_slice(), first.length), (content.as_bytes(), content.len() as u64));
    assert_eq!((first.authority.as_str(), &first.fields["api-key"]), ("any.example", &KEY.parse().unwrap()));
    assert_eq!(first.progress, Progress::Answered(StatusCode::OK));
    assert!(!format!("{seen:?}").contains(KEY), "a key must not be printed");
}

#[tokio::test]
async fn a_long_upload_is_counted_but_not_kept() {
    let server = Server::start().await;
    let file = "0123456789abcdef".repeat(500_000);
    let parts = [("purpose", None, "assistants"), ("file", Some("big"), file.as_str())];
    let made = server.form("/openai/v1/files", &parts).await.ok();
    assert_eq!(made["bytes"], 8_000_000);
    let seen = &server.recorder.seen()[0];
    assert!(seen.length > 8_000_000 && seen.content.len() == 1 << 20);
    let path = format!("/openai/v1/files/{}/content", made["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_recorder_forgets_the_oldest() {
    let server = Server::start().await;
    let io = TcpStream::connect(server.addr).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..260 {
        let answer =
            sender.send_request(keyed(Method::GET, "/openai/v1/models", "", body::empty())).await.unwrap();
        answer.into_body().collect().await.unwrap();
    }
    let numbers: Vec<u64> = server.recorder.seen().iter().map(|seen| seen.number).collect();
    assert_eq!(numbers, (4..260).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_stream_comes_at_the_pace_and_ends_with_its_client() {
    let server = Server::with(|settings| settings.pace = Duration::from_millis(30)).await;
    let mut content = chat("gpt-4o-mini", &"word ".repeat(400));
    content["stream"] = true.into();
    let path = "/openai/v1/chat/completions";
    let start = Instant::now();
    let request = keyed(Method::POST, path, "application/json", body::full(content.to_string()));
    let mut content = server.send(request).await.into_body();
    for number in 0..5 {
        let event = content.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(start.elapsed() >= Duration::from_millis(30) * number, "event {number} came early");
        assert_eq!(event.windows(2).filter(|end| end == b"\n\n").count(), 1, "one event a frame");
    }
    assert!(start.elapsed() < Duration::from_secs(10), "the first events wait for no others");
    assert_eq!(server.recorder.seen()[0].progress, Progress::Answering(StatusCode::OK));
    drop(content);
    server.recorder.wait_for(|seen| seen.progress == Progress::Abandoned).await;
}

#[tokio::test]
async fn tls_has_both_protocols_and_one_name() {
    let settings = Settings { pace: Duration::ZERO, ..Settings::demo(Secret::new(KEY)) };
    let host = settings.host.clone();
    let bound = bind(settings, (Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let (addr, recorder, root) = (bound.addr(), bound.recorder(), bound.root_pem().unwrap().to_owned());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(bound.run(async { drop(stopped.await) }));

    let h1 = connect(addr, &host, &root, b"http/1.1").await.unwrap();
    assert_eq!(over_h1(h1, &host).await, StatusCode::OK);
    let h1 = connect(addr, &host, &root, b"http/1.1").await.unwrap();
    assert_eq!(over_h1(h1, "other.openai.azure.com").await, StatusCode::NOT_FOUND);
    let h2 = connect(addr, &host, &root, b"h2").await.unwrap();
    assert_eq!(over_h2(h2, &host).await, StatusCode::OK);
    assert!(connect(addr, "other.openai.azure.com", &root, b"h2").await.is_err());
    let versions: Vec<Version> = recorder.seen().iter().map(|seen| seen.version).collect();
    assert_eq!(versions, [Version::HTTP_11, Version::HTTP_11, Version::HTTP_2]);

    stop.send(()).unwrap();
    run.await.unwrap();
}

async fn connect(addr: SocketAddr, name: &str, root: &str, alpn: &[u8]) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pem::certificates(root.as_bytes()).unwrap().remove(0)).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(tls::provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let io = TcpStream::connect(addr).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, io).await
}

async fn over_h1(io: TlsStream<TcpStream>, host: &str) -> StatusCode {
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    let mut request = keyed(Method::GET, "/openai/v1/models", "", body::empty());
    request.headers_mut().insert(HeaderName::from_static("host"), host.parse().unwrap());
    sender.send_request(request).await.unwrap().status()
}

async fn over_h2(io: TlsStream<TcpStream>, host: &str) -> StatusCode {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    let mut request = keyed(Method::GET, &format!("https://{host}/openai/v1/models"), "", body::empty());
    request.headers_mut().remove("host");
    sender.send_request(request).await.unwrap().status()
}

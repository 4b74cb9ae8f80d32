//! Clients that mean no harm: each repeats one thing until the time is over, and counts what it sees.

use std::pin::Pin;
use std::sync::Arc;

use azure_openai_proxy::message::body::Body;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::{self, OPENAI_HOST, within};
use crate::ground::Ground;

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"one two three"}]}"#;
const STREAM: &str = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"one two three four five six"}]}"#;
const REFUSED: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"[429]"}]}"#;
const BROKEN: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"a b c d e f [broken]"}]}"#;

/// Octets of a large upload.
const LARGE: usize = 4 << 20;

pub(crate) type Once = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Clients that keep their connections, and the chats on each of those.
const KEPT: usize = 8;
const CHATS: usize = 200;

/// Starts all of them. Most requests come from clients that keep their connections, as they do elsewhere.
pub(crate) fn begin(ground: &Arc<Ground>) -> Vec<JoinHandle<()>> {
    let kept = (0..KEPT).map(|_| repeat(ground, |ground| Box::pin(kept(ground))));
    let others = vec![
        repeat(ground, |ground| Box::pin(reverse(ground))),
        repeat(ground, |ground| Box::pin(reverse_http2(ground))),
        repeat(ground, |ground| Box::pin(intercepted(ground))),
        repeat(ground, |ground| Box::pin(intercepted_http2(ground))),
        repeat(ground, |ground| Box::pin(tunnel(ground))),
        repeat(ground, |ground| Box::pin(forward(ground))),
        repeat(ground, |ground| Box::pin(websocket(ground))),
        repeat(ground, |ground| Box::pin(large(ground))),
        repeat(ground, |ground| Box::pin(leaving(ground))),
        repeat(ground, |ground| Box::pin(refused_and_broken(ground))),
    ];
    kept.chain(others).collect()
}

/// Does it again and again until the time is over.
pub(crate) fn repeat(ground: &Arc<Ground>, once: fn(Arc<Ground>) -> Once) -> JoinHandle<()> {
    let ground = Arc::clone(ground);
    tokio::spawn(async move {
        while ground.goes_on() {
            once(Arc::clone(&ground)).await;
        }
    })
}

fn assert_is_whole_stream(answer: &client::Whole) {
    assert!(answer.content.ends_with(b"data: [DONE]\n\n"), "{}", answer.text());
}

async fn reverse(ground: Arc<Ground>) {
    let mut sender = client::http1_over(client::connect(ground.proxy).await).await;
    for content in [CHAT, STREAM, CHAT] {
        let request = client::post("localhost", "/v1/chat/completions", content);
        let answer = client::whole(within(sender.send_request(request)).await.expect("an answer")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        if content == STREAM {
            assert_is_whole_stream(&answer);
        }
        ground.tally.saw(answer.status);
    }
}

/// A request as HTTP/2 writes it.
fn for_http2(origin: &str, content: &'static str) -> Request<Body> {
    let mut request = client::post("", &format!("{origin}/v1/chat/completions"), content);
    request.headers_mut().remove("host");
    request
}

async fn reverse_http2(ground: Arc<Ground>) {
    let mut sender = client::http2_over(client::connect(ground.proxy).await).await;
    at_once(&ground, &mut sender, &format!("http://{}", ground.proxy)).await;
}

/// Ten streams on one connection.
async fn at_once(ground: &Ground, sender: &mut http2::SendRequest<Body>, origin: &str) {
    let asked: Vec<_> = (0..10).map(|_| sender.send_request(for_http2(origin, STREAM))).collect();
    for answer in asked {
        let answer = client::whole(within(answer).await.expect("an answer")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_is_whole_stream(&answer);
        ground.tally.saw(answer.status);
    }
}

async fn kept(ground: Arc<Ground>) {
    let mut sender = client::intercepted(ground.proxy, &ground.ca_pem).await;
    ground.tally.intercepted.add();
    for _ in (0..CHATS).take_while(|_| ground.goes_on()) {
        let request = client::post(OPENAI_HOST, "/v1/chat/completions", CHAT);
        let answer = client::whole(within(sender.send_request(request)).await.expect("an answer")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        ground.tally.saw(answer.status);
    }
}

async fn intercepted(ground: Arc<Ground>) {
    let mut sender = client::intercepted(ground.proxy, &ground.ca_pem).await;
    ground.tally.intercepted.add();
    for content in [STREAM, CHAT] {
        let request = client::post(OPENAI_HOST, "/v1/chat/completions", content);
        let answer = client::whole(within(sender.send_request(request)).await.expect("an answer")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        ground.tally.saw(answer.status);
    }
}

async fn intercepted_http2(ground: Arc<Ground>) {
    let mut sender = client::intercepted_http2(ground.proxy, &ground.ca_pem).await;
    ground.tally.intercepted.add();
    at_once(&ground, &mut sender, &format!("https://{OPENAI_HOST}")).await;
}

async fn tunnel(ground: Arc<Ground>) {
    let mut io = client::tunnel(ground.proxy, &ground.origin.to_string()).await.expect("it is opened");
    ground.tally.opened.add();
    for size in [1, 1000, 100_000] {
        let (said, mut heard) = (vec![b'x'; size], vec![0; size]);
        let (mut reading, mut writing) = tokio::io::split(&mut io);
        let (written, read) =
            within(async { tokio::join!(writing.write_all(&said), reading.read_exact(&mut heard)) }).await;
        written.expect("it is taken");
        read.expect("it comes back");
        assert_eq!(said, heard);
    }
}

async fn forward(ground: Arc<Ground>) {
    for (path, status) in [("/good", 200), ("/garbage", 502), ("/cut", 200)] {
        let host = ground.origin.to_string();
        let mut sender = client::http1_over(client::connect(ground.proxy).await).await;
        let request = client::get(&host, &format!("http://{host}{path}"));
        let response = within(sender.send_request(request)).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{path}");
        let content = within(response.into_body().collect()).await;
        assert_eq!(content.is_err(), path == "/cut", "{path}");
        ground.tally.elsewhere.add();
    }
}

async fn websocket(ground: Arc<Ground>) {
    let request = tungstenite::handshake::client::Request::get("ws://localhost/v1/realtime?model=rt")
        .header("Host", "localhost")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Authorization", "Bearer sk-of-the-client")
        .body(())
        .expect("a request");
    let io = client::connect(ground.proxy).await;
    let (mut socket, response) =
        within(tokio_tungstenite::client_async(request, io)).await.expect("a WebSocket");
    ground.tally.saw(response.status());
    within(socket.next()).await.expect("a greeting").expect("a message");
    for _ in 0..10 {
        let update = r#"{"type":"session.update","session":{"type":"realtime","model":"rt"}}"#;
        within(socket.send(Message::text(update))).await.expect("it is taken");
        let answer = within(socket.next()).await.expect("an answer").expect("a message");
        assert!(answer.to_text().expect("text").contains("session.updated"), "{answer}");
    }
    within(socket.close(None)).await.expect("it can be closed");
    while let Some(Ok(_)) = within(socket.next()).await {}
}

async fn large(ground: Arc<Ground>) {
    let filling = "x".repeat(LARGE);
    let content = format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{filling}"}}]}}"#);
    let answer = client::ask(ground.proxy, client::post("localhost", "/v1/chat/completions", content)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    ground.tally.saw(answer.status);
}

/// Clients that go away: in the middle of an answer, before one, and in the middle of what they send.
async fn leaving(ground: Arc<Ground>) {
    let mut sender = client::http1_over(client::connect(ground.proxy).await).await;
    let request = client::post("localhost", "/v1/chat/completions", STREAM);
    let mut response = within(sender.send_request(request)).await.expect("an answer");
    let first: Option<Result<_, _>> = within(response.body_mut().frame()).await;
    assert!(first.is_some_and(|frame| frame.is_ok()));
    ground.tally.left.add();
    drop((sender, response));

    for sent in [CHAT.len(), 30] {
        let mut io = client::connect(ground.proxy).await;
        // The 100 says that it has begun: a request whose client is gone before is nobody's, and counts nowhere.
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            CHAT.len()
        );
        within(io.write_all(head.as_bytes())).await.expect("it is taken");
        let mut told = [0; 25];
        within(io.read_exact(&mut told)).await.expect("it is told");
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
        within(io.write_all(&CHAT.as_bytes()[..sent])).await.expect("it is taken");
        ground.tally.left.add();
    }
}

async fn refused_and_broken(ground: Arc<Ground>) {
    let refused = client::post("localhost", "/v1/chat/completions", Bytes::from_static(REFUSED.as_bytes()));
    let answer = client::ask(ground.proxy, refused).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    ground.tally.saw(answer.status);

    let mut sender = client::http1_over(client::connect(ground.proxy).await).await;
    let broken = client::post("localhost", "/v1/chat/completions", BROKEN);
    let response = within(sender.send_request(broken)).await.expect("an answer");
    ground.tally.saw(response.status());
    if response.status() == StatusCode::BAD_GATEWAY {
        // It was reset before its head had left the simulator, which HTTP/2 then keeps back.
        within(response.into_body().collect()).await.expect("an error is whole");
        return;
    }
    ground.tally.broken.add();
    assert!(within(response.into_body().collect()).await.is_err(), "it ended as if it were whole");
}

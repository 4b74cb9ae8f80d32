//! WebSockets: the handshake, what is said, and what is not let pass.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;

const REALTIME: &str = "/openai/v1/realtime?model=gpt-realtime";

async fn open(
    server: &Server,
    path: &str,
    fields: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, u16> {
    let mut request = format!("ws://{}{path}", server.addr).into_client_request().unwrap();
    for (name, value) in [("api-key", KEY)].iter().chain(fields) {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let io = TcpStream::connect(server.addr).await.unwrap();
    match client_async(request, io).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_handshake_is_judged_like_a_request() {
    let server = Server::start().await;
    for (path, name, value, expected) in [
        (REALTIME, "x-nothing", "", Ok(())),
        ("/openai/v1/realtime?call_id=c", "x-nothing", "", Ok(())),
        ("/openai/v1/realtime?intent=transcription", "x-nothing", "", Ok(())),
        ("/openai/v1/responses", "openai-beta", "responses_websockets=2026-02-06", Ok(())),
        (REALTIME, "sec-websocket-protocol", "realtime", Ok(())),
        (REALTIME, "sec-websocket-protocol", "realtime, openai-insecure-api-key.k", Err(400)),
        (REALTIME, "sec-websocket-protocol", "realtime, openai-beta.realtime-v1", Err(400)),
        (REALTIME, "openai-beta", "realtime=v1", Err(400)),
        (REALTIME, "api-key", "wrong", Err(401)),
        (REALTIME, "sec-websocket-version", "8", Err(400)),
        (REALTIME, "sec-websocket-key", "c2hvcnQ=", Err(400)),
        (REALTIME, "connection", "close", Err(404)),
        ("/openai/v1/realtime", "x-nothing", "", Err(400)),
        ("/openai/v1/realtime?model=gpt-4o-mini", "x-nothing", "", Err(400)),
        ("/openai/v1/realtime?model=gpt-9", "x-nothing", "", Err(404)),
        ("/openai/v1/realtime?model=gpt-realtime&api-version=preview", "x-nothing", "", Err(401)),
        ("/openai/realtime?api-version=2025-04-01-preview", "x-nothing", "", Err(404)),
        ("/openai/v1/files", "x-nothing", "", Err(200)),
    ] {
        let opened = open(&server, path, &[(name, value)]).await;
        assert_eq!(opened.map(|_| ()), expected, "{path} with {name}: {value}");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_closed_with_its_code() {
    let server = Server::start().await;
    let handshake = format!(
        "GET /openai/v1/responses HTTP/1.1\r\nHost: x\r\napi-key: {KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    for (frames, code) in [
        (&[0x81, 0x02, b'{', b'}'][..], 1002),
        (&[0xC1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x80, 0x80, 0, 0, 0, 0], 1002),
        (&[0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 1002),
        (&[0x09, 0x80, 0, 0, 0, 0], 1002),
        (&[0x89, 0xFE, 0, 126, 0, 0, 0, 0], 1002),
        (&[0x88, 0x81, 0, 0, 0, 0, 3], 1002),
        (&[0x82, 0x80, 0, 0, 0, 0], 1003),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
        (&[0x81, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
        (&[0x88, 0x82, 0, 0, 0, 0, 0x10, 0xE1], 4321),
    ] {
        let mut io = TcpStream::connect(server.addr).await.unwrap();
        io.write_all(&[handshake.as_bytes(), frames].concat()).await.unwrap();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        let code: u16 = code;
        assert!(
            answer.ends_with(&[&[0x88, 0x02][..], &code.to_be_bytes()].concat()),
            "{frames:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn sessions_take_deployments_alone() {
    let server = Server::start().await;
    let mut socket = open(&server, REALTIME, &[]).await.unwrap();
    let created = next(&mut socket).await;
    assert_eq!(
        (&created["type"], &created["session"]["model"]),
        (&json!("session.created"), &json!("gpt-realtime"))
    );
    for (session, kind) in [
        (json!({ "model": "gpt-realtime", "voice": "alloy" }), "session.updated"),
        (json!({ "model": "gpt-4o-mini" }), "error"),
        (
            json!({ "audio": { "input": { "transcription": { "model": "gpt-4o-transcribe" } } } }),
            "session.updated",
        ),
        (json!({ "audio": { "input": { "transcription": { "model": "whisper-1" } } } }), "error"),
        (json!({ "input_audio_transcription": { "model": "whisper-1" } }), "error"),
    ] {
        let update = json!({ "type": "session.update", "session": session });
        socket.send(Message::text(update.to_string())).await.unwrap();
        assert_eq!(next(&mut socket).await["type"], kind, "{session}");
    }
    for text in ["[]", "{}", r#"{"type":"nothing"}"#] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(next(&mut socket).await["type"], "error", "{text}");
    }
    socket.send(Message::Ping("p".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("p".into()));
    socket.close(None).await.unwrap();
    server.recorder.wait_for(|seen| matches!(seen.progress, Progress::Answered(_))).await;
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

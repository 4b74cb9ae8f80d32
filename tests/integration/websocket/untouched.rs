//! What is said goes on as it was said.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::origin::{Origin, agreement};
use super::socket::{WAYS, Way, at, open, upgrade};
use crate::client::within;
use crate::conversation::Conversation;
use crate::stage::Stage;

/// A stage in front of an origin in the clear. Models are mapped, so that frames are looked into.
async fn staged() -> (Origin, Stage) {
    let origin = Origin::plain().await;
    let endpoint = format!("http://{}", origin.address());
    let stage = Stage::with_variables(&[("AZURE_OPENAI_ENDPOINT", &endpoint)]).await;
    (origin, stage)
}

#[tokio::test]
async fn large_messages_arrive_whole() {
    let (origin, stage) = staged().await;
    for way in [Way::BaseUrl, Way::TunnelHttp2] {
        let client = async {
            let mut socket = open(&stage, way, "/v1/realtime?model=m", &[]).await.expect("a WebSocket");
            for length in [0, 125, 126, 65_535, 65_536, 5 << 20] {
                let create = |model| {
                    format!(
                        r#"{{"type":"response.create","model":"{model}","input":"{}"}}"#,
                        "x".repeat(length)
                    )
                };
                for (said, heard) in [
                    (Message::binary(vec![7; length]), Message::binary(vec![7; length])),
                    (Message::text("y".repeat(length)), Message::text("y".repeat(length))),
                    (Message::text(create("gpt-4o")), Message::text(create("demo-gpt-4o"))),
                ] {
                    // Both at once: neither side holds all of it.
                    socket.send(said).await;
                    assert!(socket.next().await.expect("the echo") == heard, "{length}");
                }
            }
            assert_eq!(socket.close(1000).await, Some(1000));
        };
        tokio::join!(origin.echo(), client);
    }
}

/// As before any other final response; without what speaks for Azure's name.
#[tokio::test]
async fn responses_before_the_101_arrive_before_it() {
    let (origin, stage) = staged().await;
    let mut client = Conversation::intercepted(stage.proxy, &stage.ca_pem).await;
    let handshake = "GET /v1/realtime?model=m HTTP/1.1\r\nHost: api.openai.com\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.write(handshake).await;
    let (head, mut stream) = origin.accept().await;
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nStrict-Transport-Security: max-age=1\r\n\r\n";
    stream.write_all([early, &agreement(&head)].concat().as_bytes()).await.unwrap();
    assert_eq!(client.head().await, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
}

#[tokio::test]
async fn frames_keep_their_octets() {
    let (origin, stage) = staged().await;
    let frames = [
        // A fragmented text with a ping inside; a pong unasked; a compressed frame; a close with a reason.
        &[0x01, 0x83, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3][..],
        &[0x89, 0x81, 9, 9, 9, 9, b'?' ^ 9],
        &[0x80, 0x81, 4, 3, 2, 1, b'd' ^ 4],
        &[0x8A, 0x80, 5, 6, 7, 8],
        &[0xC1, 0x82, 0, 0, 0, 1, 0xAA, 0x56],
        &[0x88, 0x84, 0, 0, 0, 0, 0x0F, 0xA0, b'o', b'k'],
    ]
    .concat();
    let answer = [&[0x81, 0x02, b'h', b'i'][..], &[0x89, 0x00], &[0x88, 0x02, 0x03, 0xE9]].concat();
    for way in WAYS {
        let serve = async {
            let (head, mut stream) = origin.accept().await;
            // What comes with the 101 is not lost.
            stream.write_all(&[agreement(&head).as_bytes(), &answer].concat()).await.unwrap();
            let mut heard = Vec::new();
            within(stream.read_to_end(&mut heard)).await.expect("a clean end");
            heard
        };
        let client = async {
            let (_, mut io) = upgrade(stage.proxy, &stage.ca_pem, way, "/v1/realtime?model=m", &[])
                .await
                .expect("a WebSocket");
            for part in frames.chunks(5) {
                io.write_all(part).await.unwrap();
            }
            // Half-closed: the other direction goes on.
            io.shutdown().await.unwrap();
            let mut heard = Vec::new();
            within(io.read_to_end(&mut heard)).await.expect("a clean end");
            heard
        };
        let (up, down) = tokio::join!(serve, client);
        assert_eq!((up, down), (frames.clone(), answer.clone()), "{way:?}");
    }
}

#[tokio::test]
async fn pings_and_close_codes_pass_both_ways() {
    let (origin, stage) = staged().await;
    let serve = async {
        let (head, mut stream) = origin.accept().await;
        stream.write_all(agreement(&head).as_bytes()).await.unwrap();
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        socket.send(Message::Ping("are you there".into())).await.unwrap();
        // The client's library answers a ping when it writes next, before or behind that.
        let heard =
            [within(socket.next()).await, within(socket.next()).await].map(|said| said.unwrap().unwrap());
        assert!(
            heard.contains(&Message::Pong("are you there".into())) && heard.contains(&Message::text("bye"))
        );
        let Some(Ok(Message::Close(Some(frame)))) = within(socket.next()).await else { panic!("not closed") };
        (frame.code, frame.reason.to_string())
    };
    let client = async {
        let mut socket = open(&stage, Way::Tunnel, "/v1/realtime?model=m", &[]).await.expect("a WebSocket");
        assert_eq!(socket.next().await.unwrap(), Message::Ping("are you there".into()));
        socket.say("bye").await;
        socket.close(4321).await
    };
    let (code, _) = tokio::join!(serve, client);
    assert_eq!(code, (CloseCode::Library(4321), "because".to_owned()));
}

/// `ws://` to a host that has nothing to do with OpenAI: as any proxy has it.
#[tokio::test]
async fn a_plain_proxy_s_websocket() {
    let (origin, stage) = staged().await;
    let target = format!("http://{}/chat?room=1", origin.address());
    let serve = async {
        let (head, mut stream) = origin.accept().await;
        stream.write_all(agreement(&head).as_bytes()).await.unwrap();
        let mut heard = String::new();
        within(stream.read_to_string(&mut heard)).await.unwrap();
        stream.write_all(b"pong").await.unwrap();
        (head, heard)
    };
    let client = async {
        let fields = [("Sec-WebSocket-Protocol", "chat"), ("Proxy-Authorization", "Basic eA==")];
        let (fields, mut io) = at(stage.proxy, &target, &fields).await.expect("a WebSocket");
        assert_eq!(fields["sec-websocket-protocol"], "chat");
        assert!(fields.contains_key("via"));
        io.write_all(b"ping").await.unwrap();
        io.shutdown().await.unwrap();
        let mut heard = String::new();
        within(io.read_to_string(&mut heard)).await.unwrap();
        heard
    };
    let ((head, up), down) = tokio::join!(serve, client);
    assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\n"), "{head}");
    assert!(super::field(&head, "via").is_some() && super::field(&head, "proxy-authorization").is_none());
    assert_eq!((up.as_str(), down.as_str()), ("ping", "pong"));
}

//! WebSockets that end before their time, and the places that they hold.

use azure_openai_proxy::simulator::Progress;
use serde_json::json;

use super::REALTIME_MAP;
use super::socket::{Socket, WAYS, Way, open};
use crate::client::{self, within};
use crate::stage::Stage;

const REALTIME: &str = "/v1/realtime?model=rt";

async fn ask(socket: &mut Socket, text: &str) {
    let content = json!([{ "type": "input_text", "text": text }]);
    let item = json!({ "type": "message", "role": "user", "content": content });
    socket.say(json!({ "type": "conversation.item.create", "item": item }).to_string()).await;
    socket.say(r#"{"type":"response.create"}"#).await;
}

#[tokio::test]
async fn the_service_s_close_and_its_break_arrive() {
    let stage = Stage::with_variables(&[REALTIME_MAP]).await;
    for way in WAYS {
        for (text, code) in [("[close]", Some(1001)), ("[broken]", None)] {
            let mut socket = open(&stage, way, REALTIME, &[]).await.expect("a WebSocket");
            ask(&mut socket, text).await;
            assert_eq!(socket.closed().await, code, "{way:?} {text}");
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_gone_upstream() {
    let stage = Stage::with_variables(&[REALTIME_MAP]).await;
    for way in WAYS {
        let mut socket = open(&stage, way, REALTIME, &[]).await.expect("a WebSocket");
        socket.event().await;
        let number = stage.recorder.seen().last().expect("it arrived").number;
        drop(socket);
        let gone = |seen: &azure_openai_proxy::simulator::Seen| {
            seen.number == number && seen.progress == Progress::Abandoned
        };
        within(stage.recorder.wait_for(gone)).await;
    }
}

#[tokio::test]
async fn a_websocket_holds_its_place() {
    let stage = Stage::with_variables(&[REALTIME_MAP, ("AZURE_OPENAI_PROXY_MAX_CONNECTIONS", "1")]).await;
    let mut socket = open(&stage, Way::BaseUrl, REALTIME, &[]).await.expect("a WebSocket");
    socket.event().await;
    let health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let turned_away = client::raw(stage.proxy, health).await;
    assert!(turned_away.starts_with("HTTP/1.1 503 "), "{turned_away}");
    assert_eq!(socket.close(1000).await, Some(1000));
    // The place is free as soon as the proxy has seen both sides close.
    within(async {
        while !client::raw(stage.proxy, health).await.starts_with("HTTP/1.1 200 ") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn silence_ends_one() {
    let stage = Stage::with_variables(&[REALTIME_MAP, ("AZURE_OPENAI_PROXY_IDLE_TIMEOUT", "50ms")]).await;
    for way in WAYS {
        let mut socket = open(&stage, way, REALTIME, &[]).await.expect("a WebSocket");
        socket.event().await;
        assert_eq!(socket.closed().await, None, "{way:?}");
    }
}

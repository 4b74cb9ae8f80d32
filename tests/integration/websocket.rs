//! WebSockets by every way in.

mod limits;
pub(crate) mod origin;
mod refused;
pub(crate) mod socket;
mod untouched;

use serde_json::json;

use crate::client::OPENAI_HOST;
use crate::stage::Stage;
use origin::{Origin, field};
use socket::{Socket, WAYS, open};

const REALTIME_MAP: (&str, &str) =
    ("AZURE_OPENAI_MODEL_MAPPER", "rt=gpt-realtime,whisper-1=demo-whisper,gpt-4o=demo-gpt-4o");

/// What real clients send along.
const CLIENTS_OWN: &[(&str, &str)] = &[
    ("Authorization", "Bearer sk-of-the-client"),
    ("OpenAI-Organization", "org-1"),
    ("OpenAI-Beta", "realtime=v1"),
    ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
];

/// Talks as a realtime client does; returns what the model said.
async fn talk(socket: &mut Socket) -> String {
    assert_eq!(socket.event().await["session"]["model"], "gpt-realtime");
    let transcription = json!({ "input": { "transcription": { "model": "whisper-1" } } });
    let session = json!({ "type": "realtime", "model": "rt", "audio": transcription });
    socket.say(json!({ "type": "session.update", "session": session }).to_string()).await;
    let updated = socket.event().await;
    assert_eq!(updated["session"]["model"], "gpt-realtime", "{updated}");
    let content = json!([{ "type": "input_text", "text": "hello there" }]);
    let item = json!({ "type": "message", "role": "user", "content": content });
    socket.say(json!({ "type": "conversation.item.create", "item": item }).to_string()).await;
    socket.events_to("conversation.item.done").await;
    socket.say(r#"{"type":"response.create"}"#).await;
    let events = socket.events_to("response.done").await;
    let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
    deltas.map(|event| event["delta"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn a_realtime_session_on_azure_by_every_way_in() {
    let stage = Stage::with_variables(&[REALTIME_MAP]).await;
    for way in WAYS {
        let opened = open(&stage, way, "/v1/realtime?model=rt", CLIENTS_OWN).await;
        let mut socket = opened.unwrap_or_else(|refusal| panic!("{way:?}: {}", refusal.text()));
        assert_eq!(talk(&mut socket).await, "You said: hello there", "{way:?}");
        assert!(!socket.fields.contains_key("strict-transport-security"), "{way:?}");
        assert!(socket.fields.contains_key("x-request-id"), "{way:?}");
        assert_eq!(socket.close(1000).await, Some(1000), "{way:?}");
        let seen = stage.recorder.seen().pop().expect("it arrived");
        assert_eq!(seen.path_and_query, "/openai/v1/realtime?model=gpt-realtime", "{way:?}");
        assert_eq!(
            (seen.version, seen.fields["api-key"].to_str().unwrap()),
            (http::Version::HTTP_11, &*stage.key)
        );
        for (name, _) in CLIENTS_OWN {
            assert!(!seen.fields.contains_key(*name), "{way:?}: {name}");
        }
        let first = String::from_utf8_lossy(&seen.content).lines().next().unwrap().to_owned();
        let expected = r#"{"session":{"audio":{"input":{"transcription":{"model":"demo-whisper"}}},"model":"gpt-realtime","type":"realtime"},"type":"session.update"}"#;
        assert_eq!(first, expected, "{way:?}");
    }
}

#[tokio::test]
async fn responses_on_azure_by_every_way_in() {
    let stage = Stage::set().await;
    for way in WAYS {
        let fields = [("Authorization", "Bearer k"), ("OpenAI-Beta", "responses_websockets=2026-02-06")];
        let mut socket = open(&stage, way, "/v1/responses", &fields).await.expect("a WebSocket");
        let mut previous = serde_json::Value::Null;
        for text in ["one", "two"] {
            let create = json!({
                "type": "response.create", "model": "gpt-4o", "input": text, "previous_response_id": previous,
            });
            socket.say(create.to_string()).await;
            let events = socket.events_to("response.completed").await;
            let response = &events.last().expect("the last")["response"];
            assert_eq!(response["output"][0]["content"][0]["text"], format!("You said: {text}"), "{way:?}");
            previous = response["id"].clone();
        }
        socket.say(r#"{"type":"response.create","model":"gpt-9","input":"x"}"#).await;
        let error = socket.event().await;
        assert_eq!(
            (&error["type"], &error["error"]["code"]),
            (&json!("error"), &json!("DeploymentNotFound"))
        );
        assert_eq!(socket.close(1000).await, Some(1000));
        let seen = stage.recorder.seen().pop().expect("it arrived");
        assert_eq!(seen.path_and_query, "/openai/v1/responses", "{way:?}");
        assert_eq!(seen.fields["openai-beta"], "responses_websockets=2026-02-06");
    }
}

/// What Codex says over its WebSocket: it refers to the response before, which it asked not to be stored.
#[tokio::test]
async fn codex_finds_its_earlier_responses_where_that_is_repaired() {
    for (repaired, last) in [("false", "error"), ("true", "response.completed")] {
        let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_CODEX_STORE", repaired)]).await;
        let mut socket = open(&stage, WAYS[0], "/v1/responses", &[]).await.expect("a WebSocket");
        let mut create =
            json!({ "type": "response.create", "model": "gpt-4o", "input": "x", "store": false });
        socket.say(create.to_string()).await;
        let events = socket.events_to("response.completed").await;
        create["previous_response_id"] = events.last().expect("the last")["response"]["id"].clone();
        socket.say(create.to_string()).await;
        socket.events_to(last).await;
    }
}

#[tokio::test]
async fn openai_gets_what_the_client_sent_by_every_way_in() {
    let origin = Origin::openai().await;
    let root = origin.root_file().display().to_string();
    let resolve = format!("{OPENAI_HOST}:443:{}", origin.address());
    let stage = Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_MODE", "openai"),
        ("AZURE_OPENAI_ENDPOINT", ""),
        ("AZURE_OPENAI_API_KEY", ""),
        REALTIME_MAP,
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &root),
        ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
    ])
    .await;
    let message = r#"{"type":"session.update","session":{"model":"rt"}}"#;
    let protocols = ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.k");
    let fields: Vec<_> = CLIENTS_OWN.iter().copied().chain([protocols]).collect();
    for way in WAYS {
        let client = async {
            let mut socket = open(&stage, way, "/v1/realtime?model=rt", &fields).await.expect("a WebSocket");
            assert_eq!(socket.fields["sec-websocket-protocol"], "realtime");
            socket.say(message).await;
            assert_eq!(socket.event().await["session"]["model"], "rt");
            assert_eq!(socket.close(1000).await, Some(1000));
        };
        let (head, ()) = tokio::join!(origin.echo(), client);
        assert!(head.starts_with("GET /v1/realtime?model=rt HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(&head, "host"), Some(OPENAI_HOST));
        for (name, value) in &fields {
            assert_eq!(field(&head, name), Some(*value), "{way:?}: {head}");
        }
    }
}

#[tokio::test]
async fn a_browser_s_key_is_azure_s_where_none_is_configured() {
    for (variables, offered) in [
        (&[REALTIME_MAP, ("AZURE_OPENAI_API_KEY", "")][..], true),
        (&[REALTIME_MAP], true),
        (&[REALTIME_MAP], false),
    ] {
        let stage = Stage::with_variables(variables).await;
        let key = if variables.len() > 1 { stage.key.as_str() } else { "sk-of-the-page" };
        let realtime = if offered { "realtime, " } else { "" };
        let protocols = format!("{realtime}openai-insecure-api-key.{key}, openai-beta.realtime-v1");
        for way in WAYS {
            let fields = [("Sec-WebSocket-Protocol", protocols.as_str())];
            let opened = open(&stage, way, "/v1/realtime?model=rt", &fields).await;
            let socket = opened.unwrap_or_else(|refusal| panic!("{way:?}: {}", refusal.text()));
            let answered = socket.fields.get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
            assert_eq!(answered, offered.then_some("realtime"), "{way:?}");
            let seen = stage.recorder.seen().pop().expect("it arrived");
            assert_eq!(seen.fields["api-key"], stage.key.as_str(), "{way:?}");
            let sent = seen.fields.get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
            assert_eq!(sent, offered.then_some("realtime"), "{way:?}");
        }
    }
}

//! What the log says of an exchange, a tunnel or a WebSocket, once, when it is over: how it came in, how it ended, and
//! how much it carried and cost.

use std::net::SocketAddr;

use crate::client;
use crate::conversation::{Conversation, End};
use crate::origin::Origin;
use crate::program::Program;
use crate::websocket::origin::agreement;
use crate::websocket::socket::{Way, upgrade};

/// More than the buffers of a connection hold, so that some of it is still under way when the connection breaks.
const MUCH: usize = 16 << 20;

/// A proxy that logs in this format, before this origin.
fn serve(home: &tempfile::TempDir, origin: &Origin, format: &str) -> Program {
    let variables = [
        ("AZURE_OPENAI_ENDPOINT", &*origin.url()),
        ("AZURE_OPENAI_API_KEY", "k"),
        ("AZURE_OPENAI_PROXY_DRAIN_TIMEOUT", "1ms"),
    ];
    Program::start(home.path(), &["--listen", "0", "--log-format", format], &variables)
}

/// Both ends of a tunnel that has carried `question` up and `answer` down.
async fn tunnel(proxy: SocketAddr, origin: &Origin) -> (Conversation, Conversation) {
    let authority = origin.address().to_string();
    let (client, mut upstream) = tokio::join!(client::tunnel(proxy, &authority), origin.accept());
    let mut client = Conversation::over(client.expect("the tunnel is opened"));
    client.write("question").await;
    upstream.until("question").await;
    upstream.write("answer").await;
    client.until("answer").await;
    (client, upstream)
}

async fn finish(mut client: Conversation, mut upstream: Conversation) {
    client.finish().await;
    upstream.finish().await;
    assert_eq!(client.rest().await, (String::new(), End::Closed));
}

#[tokio::test]
async fn each_tunnel_is_one_line_for_machines() {
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let mut program = serve(&home, &origin, "json");
    let proxy = program.address().await;

    let (client, upstream) = tunnel(proxy, &origin).await;
    assert!(!program.said().contains("CONNECT"), "it is not over yet");
    finish(client, upstream).await;
    let to = origin.address();
    program.says(&format!("\"to\":\"{to}\",\"up\":8,\"down\":6,")).await;
    program.says("\"outcome\":\"complete\"").await;

    let (mut client, upstream) = tunnel(proxy, &origin).await;
    // What was not read makes the end a reset.
    let flood = client.write_what_it_takes(vec![b'x'; MUCH]);
    tokio::join!(flood, async { drop(upstream) });
    program.says("\"outcome\":\"broken\"").await;

    let (_client, _upstream) = tunnel(proxy, &origin).await;
    program.terminate().await;
    program.says("\"outcome\":\"cut\"").await;
    let (_, said) = program.ended().await;
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("CONNECT")).collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines.iter().all(|line| line.contains("\"down\":6,")), "{said}");
    assert!(lines[2].contains("\"up\":8,"), "{said}");
}

#[tokio::test]
async fn each_tunnel_is_one_line_for_people() {
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let mut program = serve(&home, &origin, "human");
    let proxy = program.address().await;
    let (client, upstream) = tunnel(proxy, &origin).await;
    finish(client, upstream).await;
    program.says("↑8 ↓6").await;
    let said = program.said();
    let line = said.lines().find(|line| line.contains("CONNECT")).unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(
        time.ends_with('Z') && rest.starts_with(&format!("CONNECT {}  tunnel  ", origin.address())),
        "{line}"
    );
}

#[tokio::test]
async fn each_exchange_says_for_machines_how_it_came_in_and_what_it_cost() {
    const ANSWER: &str =
        r#"{"object":"response","usage":{"input_tokens":3,"output_tokens":5,"total_tokens":8}}"#;
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let mut program = serve(&home, &origin, "json");
    let proxy = program.address().await;
    for (target, route) in [("/v1/responses", "reverse"), ("http://api.openai.com/v1/responses", "absolute")]
    {
        let host = if route == "reverse" { "localhost" } else { "api.openai.com" };
        let mut client = Conversation::with(proxy).await;
        let fields = "Content-Type: application/json\r\nContent-Length: 13\r\nConnection: close";
        client
            .write(format!("POST {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n\r\n{{\"model\":\"m\"}}"))
            .await;
        let mut upstream = origin.accept().await;
        upstream.until("{\"model\":\"m\"}").await;
        let length = ANSWER.len();
        let head = format!("Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close");
        upstream.write(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{ANSWER}")).await;
        assert!(client.rest().await.0.ends_with(ANSWER));
        program.says(&format!("\"route\":\"{route}\"")).await;
        let said = program.said();
        let line = said.lines().find(|line| line.contains(&format!("\"route\":\"{route}\""))).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["method"], &line["path"]), (&"POST".into(), &"/v1/responses".into()), "{line}");
        assert_eq!((&line["operation"], &line["model"]), (&"responses".into(), &"m".into()), "{line}");
        assert_eq!((&line["status"], &line["octets"]), (&200.into(), &length.into()), "{line}");
        assert_eq!((&line["input_tokens"], &line["output_tokens"]), (&3.into(), &5.into()), "{line}");
        let (own, total) = (line["own_us"].as_u64().unwrap(), line["total_ms"].as_u64().unwrap());
        assert!(own / 1000 <= total, "our own time is a part of all: {line}");
    }
}

#[tokio::test]
async fn a_websocket_that_breaks_or_is_cut_has_carried_what_it_has() {
    let (home, origin) = (tempfile::tempdir().unwrap(), Origin::plain());
    let mut program = serve(&home, &origin, "json");
    let proxy = program.address().await;
    for ended in ["broken", "cancelled"] {
        let upstream = async {
            let mut upstream = origin.accept().await;
            let head = upstream.head().await;
            upstream.write(format!("{}answer", agreement(&head))).await;
            upstream
        };
        let opened = upgrade(proxy, "", Way::BaseUrl, "/v1/realtime?model=m", &[]);
        let (opened, upstream) = tokio::join!(opened, upstream);
        let mut client = Conversation::over(opened.expect("a WebSocket").1);
        client.until("answer").await;
        if ended == "broken" {
            let flood = client.write_what_it_takes(vec![b'x'; MUCH]);
            tokio::join!(flood, async { drop(upstream) });
        } else {
            program.terminate().await;
        }
        program.says(&format!("\"octets\":6,\"outcome\":\"{ended}\"")).await;
    }
}

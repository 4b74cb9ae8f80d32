//! Messages whose end two readers could see in two places, and requests that name two hosts.

use http::StatusCode;

use crate::access::{KEY, KEYS, STRANGER, basic};
use crate::client::{self, OPENAI_HOST};
use crate::conversation::{Conversation, End};
use crate::frames::{Frames, Heard};
use crate::stage::Stage;

/// A request that stands where content could, or behind a message that ends the connection.
const SMUGGLED: &str = "GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\n\r\n";

/// What makes a request doubtful, without its content.
const DOUBTFUL: &[&str] = &[
    "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    "Transfer-Encoding: chunked\r\ncontent-length: 0\r\n",
    "Content-Length: 6\r\nContent-Length: 5\r\n",
    "Content-Length: 6\r\nContent-Length: 6\r\n",
    "Content-Length: 6, 6\r\n",
    "Content-Length: +6\r\n",
    "Content-Length: 0x6\r\n",
    "Content-Length: 06\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: \r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: \x0bchunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\t: chunked\r\n",
    "Content-Length : 6\r\n",
    " Content-Length: 6\r\n",
    "X: a\r\n Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "X: a\nTransfer-Encoding: chunked\r\n",
    "X: a\rTransfer-Encoding: chunked\r\n",
    "X: a\0b\r\n",
    "X\0: a\r\n",
    ": a\r\n",
    "X\r\n",
    "Host: api.openai.com\r\n",
    "Host: other.example\r\n",
];

async fn assert_refused(mut conversation: Conversation, octets: String, what: &str) {
    conversation.write_what_it_takes(octets).await;
    let (said, _) = conversation.rest().await;
    assert!(said.starts_with("HTTP/1.1 400 "), "{what:?}: {said}");
    assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{what:?}: {said}");
}

#[tokio::test]
async fn doubtful_framing_is_400_and_ends_the_connection() {
    let stage = Stage::set().await;
    for fields in DOUBTFUL {
        let octets = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n{fields}\r\n0\r\n\r\nX{SMUGGLED}"
        );
        assert_refused(Conversation::with(stage.proxy).await, octets, fields).await;
    }
    let mut conversation = Conversation::with(stage.proxy).await;
    conversation.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 06\r\n\r\n").await;
    let said = conversation.rest().await.0.to_ascii_lowercase();
    assert!(said.contains("x-azure-openai-proxy-error: malformed_request\r\n"), "{said}");
    assert!(
        said.ends_with("a content-length that can be read in two ways\n"),
        "it says what is wrong: {said}"
    );
    let old = "POST /v1/chat/completions HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_refused(Conversation::with(stage.proxy).await, format!("{old}{SMUGGLED}"), old).await;
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn doubtful_framing_is_refused_inside_an_intercepted_tunnel_too() {
    let stage = Stage::set().await;
    for fields in &DOUBTFUL[..4] {
        let octets = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {OPENAI_HOST}\r\n{fields}\r\n0\r\n\r\n{SMUGGLED}"
        );
        assert_refused(Conversation::intercepted(stage.proxy, &stage.ca_pem).await, octets, fields).await;
    }
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn what_was_asked_before_a_doubtful_request_is_answered() {
    let stage = Stage::set().await;
    let mut conversation = Conversation::with(stage.proxy).await;
    let doubtful = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", DOUBTFUL[0]);
    conversation.write(format!("{SMUGGLED}{doubtful}0\r\n\r\n{SMUGGLED}")).await;
    let (said, _) = conversation.rest().await;
    let statuses: Vec<_> = said.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "400"], "{said}");
}

#[tokio::test]
async fn chunks_that_cannot_be_told_apart_break_the_request() {
    let stage = Stage::set().await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
        Content-Type: application/json\r\nAuthorization: Bearer k\r\n\r\n";
    for chunks in
        ["x\r\n", "0x1\r\na\r\n", "1\na\r\n", "1;a\nb\r\na\r\n", "1\r\n{x", "11111111111111111\r\n", "0\n\n"]
    {
        assert_refused(Conversation::with(stage.proxy).await, format!("{head}{chunks}{SMUGGLED}"), chunks)
            .await;
    }
    assert!(stage.recorder.seen().is_empty());
    // What is no JSON has no model, and is on its way when it breaks.
    let chunks = "2\r\nabx";
    assert_refused(Conversation::with(stage.proxy).await, format!("{head}{chunks}{SMUGGLED}"), chunks).await;
}

#[tokio::test]
async fn a_refused_connect_ends_the_connection_with_whatever_follows_it() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let key = basic(KEY);
    let key = format!("Proxy-Authorization: {}\r\n", key.to_str().unwrap());
    for (authority, fields, status) in [
        ("10.0.0.1:443", key.as_str(), "403"),
        ("example.com:443", "", "407"),
        ("example.com", key.as_str(), "400"),
        ("user@example.com:443", key.as_str(), "400"),
        ("example.com:443", "Content-Length: 3\r\n", "400"),
        ("example.com:443", "Transfer-Encoding: chunked\r\n", "400"),
    ] {
        let mut conversation = Conversation::over(stage.from(STRANGER));
        let connect = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\n");
        conversation.write(format!("{connect}{SMUGGLED}")).await;
        let (said, end) = conversation.rest().await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{authority}: {said}");
        assert_eq!((said.matches("HTTP/1.1 ").count(), end), (1, End::Closed), "{authority}: {said}");
    }
}

#[tokio::test]
async fn a_client_may_send_into_its_tunnel_before_the_answer() {
    let origin = crate::origin::Origin::plain();
    let stage = Stage::set().await;
    let mut conversation = Conversation::with(stage.proxy).await;
    let authority = origin.address();
    // No end of line without a carriage return is of any matter inside.
    conversation.write(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\nearly\n")).await;
    let mut there = origin.accept().await;
    assert_eq!(there.until("\n").await, "early\n");
    assert!(conversation.head().await.starts_with("HTTP/1.1 200 "));
    conversation.write("late\n").await;
    assert_eq!(there.until("\n").await, "late\n");
}

#[tokio::test]
async fn requests_go_on_after_an_upgrade_that_is_not_carried() {
    let stage = Stage::set().await;
    let mut conversation = Conversation::with(stage.proxy).await;
    for _ in 0..2 {
        // As curl asks for HTTP/2 in the clear.
        let fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        conversation.write(format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).await;
        let head = conversation.head().await;
        assert!(head.starts_with("HTTP/1.1 200 ") && !head.contains("close"), "{head}");
        conversation.until("ok\n").await;
    }
}

#[tokio::test]
async fn http2_requests_with_two_meanings_are_not_served() {
    let stage = Stage::set().await;
    let good =
        [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/v1/models")];
    let with = |more: &[(&'static str, &'static str)]| [&good, more].concat();
    let other = |name: &str, value: &'static str| {
        good.map(|(own, usual)| if own == name { (own, value) } else { (own, usual) }).to_vec()
    };
    let without = |name: &str| good.into_iter().filter(|(own, _)| *own != name).collect::<Vec<_>>();
    assert_eq!(ask(&stage, &good).await, Heard::Answer(StatusCode::OK));
    for fields in [
        with(&[("connection", "close")]),
        with(&[("transfer-encoding", "chunked")]),
        with(&[("upgrade", "websocket")]),
        with(&[("proxy-connection", "close")]),
        with(&[("keep-alive", "1")]),
        with(&[("te", "gzip")]),
        with(&[("X-Upper", "a")]),
        with(&[("x", "a\r\ny: b")]),
        with(&[("x", "a\nb")]),
        with(&[("x", "a\0b")]),
        with(&[("x y", "a")]),
        with(&[("x:", "a")]),
        with(&[(":authority", "other.example")]),
        with(&[(":path", "/other")]),
        with(&[(":evil", "a")]),
        with(&[("content-length", "1")]),
        with(&[("content-length", "+0")]),
        with(&[("content-length", "0"), ("content-length", "1")]),
        with(&[("content-length", "0"), ("content-length", "0")]),
        with(&[("content-length", "00")]),
        with(&[("host", "other.example")]),
        with(&[("host", "localhost"), ("host", "localhost")]),
        [&[("x", "a")], &good[..]].concat(),
        without(":path"),
        without(":method"),
        without(":scheme"),
        other(":path", ""),
        other(":path", "v1/models"),
        other(":path", "/v1/models HTTP/1.1\r\nx: y"),
        other(":path", "/v1/ models"),
        other(":method", "GET /v1/models"),
        other(":authority", "user@localhost"),
        other(":authority", "localhost:99999"),
        other(":authority", "local host"),
        other(":authority", ""),
        other(":method", "CONNECT"),
    ] {
        let heard = ask(&stage, &fields).await;
        assert!(!matches!(heard, Heard::Answer(status) if status.is_success()), "{fields:?}: {heard:?}");
    }
    assert!(stage.recorder.seen().is_empty());
    let answer = client::ask(stage.proxy, client::get("localhost", "/v1/models")).await;
    assert_eq!(answer.status, StatusCode::OK, "others are served");
}

async fn ask(stage: &Stage, fields: &[(&str, &str)]) -> Heard {
    let mut frames = Frames::with(stage.proxy).await;
    frames.ask(1, fields).await;
    frames.hear(1).await
}

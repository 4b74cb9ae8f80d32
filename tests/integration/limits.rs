//! What one client can make the proxy hold, and that others are served meanwhile.

use std::time::Duration;

use http::StatusCode;

use crate::access::{KEY, KEYS, NEIGHBOUR, STRANGER, ask_over, bearer, chat};
use crate::client::{self, within};
use crate::conversation::Conversation;
use crate::frames::{Frames, Heard};
use crate::stage::Stage;

async fn assert_others_are_served(stage: &Stage) {
    let answer = client::ask(stage.proxy, client::get("localhost", "/v1/models")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

/// By one client, whose connections are few, and who names no model.
#[tokio::test]
async fn all_content_that_is_held_back_has_a_bound() {
    let variables = [KEYS, ("AZURE_OPENAI_PROXY_BUFFERED_CONTENT", "128KiB")];
    let stage = Stage::with_variables(&variables).await;
    let begun = async |from: &str| {
        let mut asking = Conversation::over(stage.from(from));
        let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n";
        asking.write(format!("{head}Authorization: Bearer {KEY}\r\n\r\n{{\"x\":\"")).await;
        asking.write("y".repeat(64 << 10)).await;
        asking
    };
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(begun(STRANGER).await);
    }
    // What was written is read some time later.
    let refused = async {
        loop {
            let mut one_more = begun(STRANGER).await;
            if let Ok(head) = tokio::time::timeout(Duration::from_secs(1), one_more.head()).await {
                return head + &one_more.rest().await.0;
            }
            held.push(one_more);
        }
    };
    let refused = within(refused).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("too_much_held_back"), "{refused}");
    assert!(held.len() <= 9, "{}", held.len());
    let others = chat(&[("authorization", bearer(KEY))]);
    assert_eq!(ask_over(stage.from(NEIGHBOUR), others).await.status, StatusCode::OK);
    drop(held);
    let freed = async {
        loop {
            let mut asking = begun(STRANGER).await;
            if tokio::time::timeout(Duration::from_millis(100), asking.head()).await.is_err() {
                return;
            }
        }
    };
    within(freed).await;
}

#[tokio::test]
async fn a_head_has_so_many_octets_and_so_many_fields() {
    let stage = Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_MAX_HEAD_SIZE", "9KiB"),
        ("AZURE_OPENAI_PROXY_MAX_HEAD_FIELDS", "20"),
    ])
    .await;
    let host = "Host: localhost\r\n";
    for (fields, status) in [
        (format!("X: {}\r\n", "y".repeat(8 << 10)), "200"),
        (format!("X: {}\r\n", "y".repeat(10 << 10)), "431"),
        (format!("X: {}\r\n", "y".repeat(100 << 10)), "4"),
        ("X: y\r\n".repeat(19), "200"),
        ("X: y\r\n".repeat(20), "431"),
    ] {
        let mut conversation = Conversation::with(stage.proxy).await;
        let closing = "Connection: close\r\n";
        let fields = if status == "200" && fields.len() > 1000 { fields + closing } else { fields };
        conversation.write_what_it_takes(format!("GET /healthz HTTP/1.1\r\n{host}{fields}\r\n")).await;
        let head = conversation.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{} octets: {head}", fields.len());
    }
}

#[tokio::test]
async fn whoever_sends_a_head_drop_by_drop_is_cut_and_keeps_nobody_waiting() {
    let stage = Stage::with_variables(&[
        ("AZURE_OPENAI_PROXY_HEAD_TIMEOUT", "1s"),
        ("AZURE_OPENAI_PROXY_KEEPALIVE_TIMEOUT", "1s"),
    ])
    .await;
    let mut slow = Vec::new();
    for opening in
        ["", "\r\n", "GET /v1/models HTTP/1.1\r\n", "\x16\x03\x01", "PRI * HTTP/2.0\r\n"].repeat(10)
    {
        let mut conversation = Conversation::with(stage.proxy).await;
        conversation.write(opening).await;
        slow.push(tokio::spawn(async move {
            let dripping = async {
                loop {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    conversation.write_what_it_takes("X").await;
                }
            };
            // A drop a tenth of a second, until the proxy has had enough.
            tokio::select! {
                () = dripping => {}
                () = tokio::time::sleep(Duration::from_secs(2)) => {}
            }
            conversation.rest().await
        }));
    }
    assert_others_are_served(&stage).await;
    for conversation in slow {
        within(conversation).await.expect("the proxy ends it");
    }
    assert_others_are_served(&stage).await;
}

/// A ClientHello is the cheapest way to keep a proxy busy: each one could cost it a signature.
#[tokio::test]
async fn a_flood_of_handshakes_keeps_nobody_waiting() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_HEAD_TIMEOUT", "2s")]).await;
    let half_a_hello = &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half of a random"[..];
    let mut unfinished = Vec::new();
    for index in 0..400 {
        let mut conversation = match index % 2 {
            0 => Conversation::with(stage.proxy).await,
            _ => Conversation::over(client::tunnel(stage.proxy, "api.openai.com:443").await.unwrap()),
        };
        conversation.write(half_a_hello).await;
        unfinished.push(conversation);
    }
    assert_others_are_served(&stage).await;
    for mut conversation in unfinished {
        conversation.rest().await;
    }
    // Those that are finished and then left again.
    for _ in 0..100 {
        let io = client::connect(stage.proxy).await;
        drop(client::tls(io, "localhost", &stage.ca_pem, &["h2"]).await.unwrap());
    }
    assert_others_are_served(&stage).await;
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_their_connection() {
    let stage = Stage::set().await;
    let fields =
        [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/v1/models")];
    let mut frames = Frames::with(stage.proxy).await;
    frames.ask_and_reset((0..2000).map(|index| 2 * index + 1), &fields).await;
    const ENHANCE_YOUR_CALM: u32 = 11;
    assert_eq!(frames.hear(u32::MAX).await, Heard::GoAway(ENHANCE_YOUR_CALM));
    assert_others_are_served(&stage).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_head_without_end_takes_no_memory() {
    let stage = Stage::set().await;
    let fields =
        [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/v1/models")];
    let before = resident();
    for size in [105, 10_500] {
        let mut frames = Frames::with(stage.proxy).await;
        assert!(frames.ask_endlessly(1, &fields, size).await, "frames of {size} octets");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} octets");
    assert_others_are_served(&stage).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn any_number_of_names_takes_no_memory() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_DENY_DESTINATIONS", "denied.example")]).await;
    let round = async |names: std::ops::Range<u32>| {
        for name in names {
            let refused = client::tunnel(stage.proxy, &format!("{name}.denied.example:443")).await;
            assert_eq!(refused.expect_err("it is denied").status(), StatusCode::FORBIDDEN);
            if name % 10 == 0 {
                // Names for which we have no certificate.
                let io = client::connect(stage.proxy).await;
                let refused = client::tls(io, &format!("{name}.example"), &stage.ca_pem, &["h2"]).await;
                assert!(refused.is_err(), "{name}");
            }
        }
    };
    round(0..300).await;
    let before = resident();
    round(300..2300).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} octets for 2000 names");
    assert_others_are_served(&stage).await;
}

/// Octets of memory that this process, proxy and all, has in use.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("how much");
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number")
}

//! Each frame is written on as it arrives, in both directions, on every way in.

use std::time::Duration;

use azure_openai_proxy::message::body;
use azure_openai_proxy::simulator::Progress;
use http::Request;
use tokio::time::Instant;

use crate::client::{self, OPENAI_HOST};
use crate::exchange::{Exchange, Way};
use crate::origin::Origin;
use crate::stage::Stage;

/// Rounds of two pieces up and two frames down.
const ROUNDS: u32 = 50;

/// What a round takes at most. Where Nagle's algorithm holds back the second of two until the first is
/// acknowledged, which the other side puts off, it takes 40 ms.
const ROUND: Duration = Duration::from_millis(20);

/// No piece is sent before the last one has arrived, so nothing on the way may wait for more.
#[tokio::test]
async fn every_piece_arrives_before_the_next_is_sent() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for way in Way::ALL {
        let mut exchange = Exchange::begin(&stage, way).await;
        exchange.send(r#"{"model":"gpt-4o","#);
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.until("demo-gpt-4o").await;
        upstream
            .write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        let start = Instant::now();
        for round in 100..100 + ROUNDS {
            for part in ["a", "b"] {
                exchange.send(format!("\"{round}{part}\":0,"));
                upstream.until(&format!("\"{round}{part}\":0,")).await;
            }
            for part in ["a", "b"] {
                upstream.write(format!("c\r\ndata: {round}{part}\n\n\r\n")).await;
                assert_eq!(exchange.receive().await, format!("data: {round}{part}\n\n"), "{way:?}");
            }
        }
        let took = start.elapsed();
        assert!(took < ROUND * ROUNDS, "{way:?}: {took:?}");
        exchange.finish("\"x\":0}");
        upstream.until("0\r\n\r\n").await;
        upstream.write("e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n").await;
        assert_eq!(exchange.rest().await, b"data: [DONE]\n\n", "{way:?}");
    }
}

#[tokio::test]
async fn one_octet_is_enough() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for way in Way::ALL {
        let mut exchange = Exchange::begin(&stage, way).await;
        exchange.finish(r#"{"model":"gpt-4o"}"#);
        let mut upstream = origin.accept().await;
        upstream.until("\r\n0\r\n\r\n").await;
        upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").await;
        for octet in ["a", "b", "c"] {
            upstream.write(octet).await;
            assert_eq!(exchange.receive().await, octet, "{way:?}");
        }
        assert_eq!(exchange.rest().await, b"");
    }
}

#[tokio::test]
async fn the_simulators_chunks_come_while_it_is_still_answering() {
    let stage = Stage::set().await;
    let words = "word ".repeat(20);
    for way in Way::ALL {
        let mut exchange = Exchange::begin(&stage, way).await;
        exchange.finish(format!(
            r#"{{"model":"gpt-4o","stream":true,"messages":[{{"role":"user","content":"{words}"}}]}}"#
        ));
        let first = exchange.receive().await;
        assert!(first.starts_with(b"data: {"), "{way:?}: {first:?}");
        let progress = stage.recorder.seen().pop().map(|seen| seen.progress);
        assert!(matches!(progress, Some(Progress::Answering(_))), "{way:?}: {progress:?}");
        let rest = exchange.rest().await;
        assert!(rest.ends_with(b"data: [DONE]\n\n"), "{way:?}");
    }
}

/// Each HTTP/2 stream has a window of its own, and they share one connection.
#[tokio::test]
async fn a_stream_that_nobody_reads_holds_up_no_other() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut sender = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    let list = || Request::get(format!("https://{OPENAI_HOST}/v1/files")).body(body::empty()).unwrap();
    let (unread, mut endless) = tokio::join!(sender.send_request(list()), async {
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await;
        upstream
    });
    let unread = unread.unwrap();
    // As much as anybody on the way holds, and more.
    let filling = tokio::spawn(async move { while endless.writes([b'x'; 64 << 10]).await {} });
    for _ in 0..10 {
        let (answer, ()) = tokio::join!(sender.send_request(list()), async {
            let mut upstream = origin.accept().await;
            upstream.head().await;
            upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood").await;
        });
        assert_eq!(client::whole(answer.unwrap()).await.text(), "good");
    }
    drop(unread);
    filling.abort();
}

//! A client that goes away cancels what was asked for it, in every phase and on every way in.

use azure_openai_proxy::simulator::{Progress, Seen};

use crate::client::within;
use crate::exchange::{Exchange, Way};
use crate::origin::Origin;
use crate::stage::Stage;

const BEGINNING: &str = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":""#;

#[tokio::test]
async fn while_it_uploads() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for way in Way::ALL {
        let exchange = Exchange::begin(&stage, way).await;
        exchange.send(BEGINNING);
        let mut upstream = origin.accept().await;
        upstream.until("messages").await;
        drop(exchange);
        let (rest, _) = upstream.rest().await;
        assert!(!rest.contains("\r\n0\r\n"), "{way:?}: an end that the client never sent: {rest:?}");
    }
}

#[tokio::test]
async fn while_it_waits() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for way in Way::ALL {
        let mut exchange = Exchange::begin(&stage, way).await;
        exchange.finish(format!("{BEGINNING}hi\"}}]}}"));
        let mut upstream = origin.accept().await;
        upstream.until("\r\n0\r\n\r\n").await;
        drop(exchange);
        upstream.rest().await;
    }
}

#[tokio::test]
async fn while_it_listens() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for way in Way::ALL {
        let mut exchange = Exchange::begin(&stage, way).await;
        exchange.finish(format!("{BEGINNING}hi\"}}]}}"));
        let mut upstream = origin.accept().await;
        upstream.until("\r\n0\r\n\r\n").await;
        upstream.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").await;
        assert_eq!(exchange.receive().await, "a", "{way:?}");
        drop(exchange);
        upstream.rest().await;
    }
}

/// Upstream is HTTP/2 here, where the stream ends and the connection goes on.
#[tokio::test]
async fn on_a_connection_that_others_use_too() {
    let stage = Stage::set().await;
    let abandoned = |number| move |seen: &Seen| seen.number == number && seen.progress == Progress::Abandoned;
    let mut number = 0;
    for way in Way::ALL {
        let exchange = Exchange::begin(&stage, way).await;
        exchange.send(BEGINNING);
        within(stage.recorder.wait_for(|seen| seen.number == number && seen.length > 0)).await;
        drop(exchange);
        within(stage.recorder.wait_for(abandoned(number))).await;

        let mut exchange = Exchange::begin(&stage, way).await;
        exchange.finish(format!("{BEGINNING}{}\"}}]}}", "word ".repeat(200)));
        exchange.receive().await;
        drop(exchange);
        let seen = within(stage.recorder.wait_for(abandoned(number + 1))).await;
        assert_eq!(seen.version, http::Version::HTTP_2, "{way:?}");
        number += 2;
    }
}

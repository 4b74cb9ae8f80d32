//! Origins that do what they must not: a clear error before the first octet, an aborted stream after it, and the next
//! request is served.

use http::StatusCode;

use crate::client::within;
use crate::conversation::Conversation;
use crate::errors::{CHAT, assert_openai_form, chat};
use crate::frames::OriginFrames;
use crate::origin::{Origin, Pki};
use crate::stage::{AZURE_HOST, Stage};

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// Takes a request with all its content.
async fn take(origin: &Origin) -> Conversation {
    let mut upstream = origin.accept().await;
    take_from(&mut upstream).await;
    upstream
}

async fn take_from(upstream: &mut Conversation) {
    upstream.head().await;
    upstream.octets(CHAT.len()).await;
}

/// The next request is served, by the origin that has just failed.
async fn assert_served(stage: &Stage, origin: &Origin) {
    let (answer, ()) = tokio::join!(chat(stage), async { take(origin).await.write(GOOD).await });
    assert_eq!((answer.status, &*answer.text()), (StatusCode::OK, "good"));
}

/// A stage whose models are their own deployments, so that content arrives as it was sent.
async fn stage_before(origin: &Origin, variables: &[(&str, &str)]) -> Stage {
    let all = [&[("AZURE_OPENAI_MODEL_MAPPER", "")], variables].concat();
    Stage::before(origin, &all).await
}

#[tokio::test]
async fn what_comes_behind_an_answer_is_nobodys() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[]).await;
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let answer_twice = async {
        let mut upstream = take(&origin).await;
        upstream.write(format!("{GOOD}{evil}")).await;
        upstream
    };
    let (answer, _upstream) = tokio::join!(chat(&stage), answer_twice);
    assert_eq!(answer.text(), "good");
    assert_served(&stage, &origin).await;
}

#[tokio::test]
async fn an_answer_that_can_be_read_in_two_ways_or_in_none_is_502() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[]).await;
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    let fields = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1000));
    for octets in [
        "",
        "HTTP/1.1",
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nevil!",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: y\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\n",
        &endless,
        &fields,
    ] {
        let (answer, ()) = tokio::join!(chat(&stage), async {
            take(&origin).await.write_what_it_takes(octets).await;
        });
        let shown = &octets[..octets.len().min(60)];
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{shown:?}: {}", answer.text());
        assert_served(&stage, &origin).await;
    }
}

#[tokio::test]
async fn no_number_of_1xx_responses_is_an_answer() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[]).await;
    let flood = async {
        let mut upstream = take(&origin).await;
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100);
        // Until nobody takes it any more.
        while upstream.writes(&hints).await {}
    };
    let (answer, ()) = tokio::join!(chat(&stage), within(flood));
    assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_broken");
    assert_served(&stage, &origin).await;
}

#[tokio::test]
async fn a_silence_in_the_middle_breaks_the_answer_off() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[("AZURE_OPENAI_PROXY_IDLE_TIMEOUT", "1s")]).await;
    let mut client = asking(&stage).await;
    let mut upstream = take(&origin).await;
    upstream.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n").await;
    let (said, _) = client.rest().await;
    assert!(said.contains("data:") && !said.ends_with("0\r\n\r\n"), "{said}");
    // Nobody is left to talk to.
    upstream.rest().await;
    assert_served(&stage, &origin).await;
}

#[tokio::test]
async fn a_reset_in_the_middle_breaks_the_answer_off() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[]).await;
    for answer in ["Transfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n", "Connection: close\r\n\r\ndata:"] {
        let mut client = asking(&stage).await;
        let mut upstream = origin.accept_tcp().await;
        let answer = format!("HTTP/1.1 200 OK\r\n{answer}");
        within(tokio::io::AsyncWriteExt::write_all(&mut upstream, answer.as_bytes())).await.unwrap();
        client.until("data:").await;
        upstream.set_zero_linger().unwrap();
        drop(upstream);
        let (said, _) = client.rest().await;
        assert!(!said.ends_with("0\r\n\r\n"), "{said}");
        assert_served(&stage, &origin).await;
    }
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_meanwhile_is_not_used() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[]).await;
    for _ in 0..20 {
        // It says nothing of closing, and closes.
        assert_served(&stage, &origin).await;
    }
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let origin = Origin::plain();
    let stage = stage_before(&origin, &[]).await;
    let (_, mut pooled) = tokio::join!(chat(&stage), async {
        let mut upstream = take(&origin).await;
        upstream.write(GOOD).await;
        upstream
    });
    let (answer, ()) = tokio::join!(chat(&stage), async {
        take_from(&mut pooled).await;
        drop(pooled);
    });
    assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_broken");
    assert!(origin.is_untouched(), "it was sent a second time");
    assert_served(&stage, &origin).await;
}

/// An origin that speaks HTTP/2 over TLS, and a stage before it.
pub(crate) async fn http2() -> (Origin, Stage, Pki) {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server_over(AZURE_HOST, b"h2"));
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let roots = pki.root_file().display().to_string();
    let stage = Stage::with_variables(&[
        ("AZURE_OPENAI_MODEL_MAPPER", ""),
        ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &roots),
    ])
    .await;
    (origin, stage, pki)
}

/// RFC 9113 §6.8: what was begun is finished, what comes then goes elsewhere.
#[tokio::test]
async fn an_http2_origin_that_says_goodbye_finishes_what_it_began_and_gets_no_more() {
    let (origin, stage, _pki) = http2().await;
    let (answer, _upstreams) = tokio::join!(chat(&stage), async {
        let mut first = OriginFrames::over(origin.accept().await).await;
        let stream = first.asked().await;
        first.begin(stream, "go").await;
        first.go_away(stream, 0).await;
        first.noted().await;
        let (answer, second) = tokio::join!(chat(&stage), async {
            let mut second = OriginFrames::over(origin.accept().await).await;
            let stream = second.asked().await;
            second.begin(stream, "better").await;
            second.end(stream, "").await;
            second
        });
        assert_eq!((answer.status, &*answer.text()), (StatusCode::OK, "better"));
        first.end(stream, "od").await;
        (first, second)
    });
    assert_eq!((answer.status, &*answer.text()), (StatusCode::OK, "good"));
}

#[tokio::test]
async fn an_http2_origin_that_goes_away_in_the_middle_breaks_the_answer_off() {
    let (origin, stage, _pki) = http2().await;
    let mut client = asking(&stage).await;
    let mut upstream = OriginFrames::over(origin.accept().await).await;
    let stream = upstream.asked().await;
    upstream.begin(stream, "data:").await;
    client.until("data:").await;
    const INTERNAL_ERROR: u32 = 2;
    upstream.go_away(stream, INTERNAL_ERROR).await;
    drop(upstream);
    let (said, _) = client.rest().await;
    assert!(!said.ends_with("0\r\n\r\n"), "{said}");

    // Before an answer it is an error, and what may have been processed is not sent again.
    let (answer, ()) = tokio::join!(chat(&stage), async {
        let mut upstream = OriginFrames::over(origin.accept().await).await;
        let stream = upstream.asked().await;
        upstream.go_away(stream, INTERNAL_ERROR).await;
    });
    assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_broken");
    assert!(origin.is_untouched());
}

/// A client that has asked.
async fn asking(stage: &Stage) -> Conversation {
    let mut client = Conversation::with(stage.proxy).await;
    let length = CHAT.len();
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    client.write(format!("{head}{CHAT}")).await;
    client
}

//! Tunnels that nobody looks into.

use std::net::SocketAddr;

use http::StatusCode;

use crate::client;
use crate::conversation::{Conversation, End};
use crate::origin::{Origin, Pki};
use crate::stage::Stage;

/// Opens a tunnel to the origin; both of its ends.
async fn open(proxy: SocketAddr, origin: &Origin) -> (Conversation, Conversation) {
    let authority = origin.address().to_string();
    let (client, origin) = tokio::join!(client::tunnel(proxy, &authority), origin.accept());
    (Conversation::over(client.expect("the tunnel is opened")), origin)
}

/// Octets of every value in no order that any protocol has.
fn noise(count: u32) -> Vec<u8> {
    (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[tokio::test]
async fn any_octets_pass_both_ways() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let (mut client, mut upstream) = open(stage.proxy, &origin).await;
    // More than all buffers on the way hold, so both ends have to move at once.
    let (up, down) = (noise(3_000_001), noise(2_000_003));
    let (at_origin, at_client) = tokio::join!(
        async {
            client.write(&up[..1]).await;
            client.write(&up[1..]).await;
            client.octets(down.len()).await
        },
        async {
            let got = upstream.octets(up.len()).await;
            upstream.write(&down).await;
            got
        }
    );
    assert!(at_origin == down && at_client == up);
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn each_side_may_finish_first_and_go_on_reading() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let (mut client, mut upstream) = open(stage.proxy, &origin).await;
    client.write("question").await;
    client.finish().await;
    assert_eq!(upstream.rest().await, ("question".into(), End::Closed));
    upstream.write("answer").await;
    upstream.finish().await;
    assert_eq!(client.rest().await, ("answer".into(), End::Closed));

    let (mut client, mut upstream) = open(stage.proxy, &origin).await;
    // The origin speaks first, as those of mail and databases do.
    upstream.write("220 ready").await;
    upstream.finish().await;
    assert_eq!(client.rest().await, ("220 ready".into(), End::Closed));
    client.write("still here").await;
    client.finish().await;
    assert_eq!(upstream.rest().await, ("still here".into(), End::Closed));
}

#[tokio::test]
async fn a_side_that_is_gone_takes_the_other_with_it() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let (client, mut upstream) = open(stage.proxy, &origin).await;
    drop(client);
    assert_eq!(upstream.rest().await.0, "");
    let (mut client, upstream) = open(stage.proxy, &origin).await;
    drop(upstream);
    assert_eq!(client.rest().await.0, "");
}

#[tokio::test]
async fn what_is_sent_together_with_connect_is_not_lost() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    for head in ["HTTP/1.1\r\nHost: ignored.example", "HTTP/1.1", "HTTP/1.0"] {
        let mut client = Conversation::with(stage.proxy).await;
        client.write(format!("CONNECT {} {head}\r\n\r\nearly", origin.address())).await;
        client.write(" and late").await;
        let mut upstream = origin.accept().await;
        assert_eq!(upstream.until("late").await, "early and late", "{head}");
        upstream.write("answer").await;
        let answer = client.head().await;
        assert!(answer.starts_with("HTTP/1.") && answer.contains(" 200 "), "{answer}");
        // RFC 9110 §9.3.6: a framed 200 would make the client wait for content.
        assert!(!answer.to_ascii_lowercase().contains("content-length"), "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("transfer-encoding"), "{answer}");
        assert_eq!(client.until("answer").await, "answer");
    }
}

#[tokio::test]
async fn only_a_connection_that_stands_is_answered_200() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let authority = origin.address().to_string();
    let tunnel = client::tunnel(stage.proxy, &authority).await.expect("the kernel has accepted it");
    assert!(!origin.is_untouched());
    drop((tunnel, origin));
    let refusal = crate::errors::connect(&stage, &authority).await;
    crate::errors::assert_text_form(&refusal, StatusCode::BAD_GATEWAY, "upstream_unreachable");
}

#[tokio::test]
async fn the_certificate_inside_is_the_origins() {
    let pki = Pki::new();
    let (stage, origin) = (Stage::set().await, Origin::secure(pki.server("origin.example")));
    let authority = origin.address().to_string();
    let (tls, mut upstream) = tokio::join!(
        async {
            let tunnel = client::tunnel(stage.proxy, &authority).await.expect("the tunnel is opened");
            client::tls(tunnel, "origin.example", &pki.root_pem(), &[]).await.expect("its own certificate")
        },
        origin.accept()
    );
    let mut client = Conversation::over(tls);
    client.write("ping").await;
    assert_eq!(upstream.until("ping").await, "ping");
}

#[tokio::test]
async fn a_tunnel_through_tls_to_the_proxy() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let tls =
        client::tls(client::connect(stage.proxy).await, "localhost", &stage.ca_pem, &["http/1.1"]).await;
    let mut client = Conversation::over(tls.unwrap());
    client.write(format!("CONNECT {} HTTP/1.1\r\n\r\n", origin.address())).await;
    let mut upstream = origin.accept().await;
    client.head().await;
    client.write("ping").await;
    assert_eq!(upstream.until("ping").await, "ping");
    upstream.finish().await;
    assert_eq!(client.rest().await, (String::new(), End::Closed));
}

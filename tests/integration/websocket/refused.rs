//! Handshakes that come to nothing.

use azure_openai_proxy::message::body;
use http::{Request, StatusCode};
use hyper::ext::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::REALTIME_MAP;
use super::origin::Origin;
use super::socket::{WAYS, Way, open};
use crate::client::{self, within};
use crate::stage::Stage;

#[tokio::test]
async fn what_has_no_websocket_is_426_at_once() {
    let stage = Stage::set().await;
    for way in WAYS {
        let before = stage.recorder.seen().len();
        for target in ["/v1/chat/completions", "/v1/files", "/v1/models", "/v1/organization/users"] {
            let refusal = open(&stage, way, target, &[]).await.expect_err("there is none");
            assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED, "{way:?} {target}");
            assert_eq!(refusal.code(), "upgrade_not_supported");
        }
        assert_eq!(stage.recorder.seen().len(), before, "{way:?}: nothing is sent");
    }
}

#[tokio::test]
async fn azure_s_refusal_is_relayed() {
    let stage = Stage::with_variables(&[REALTIME_MAP]).await;
    for way in WAYS {
        let refusal = open(&stage, way, "/v1/realtime?model=gpt-9", &[]).await.expect_err("not deployed");
        assert_eq!((refusal.status, refusal.code()), (StatusCode::NOT_FOUND, "DeploymentNotFound".into()));
    }
}

/// Responses have plain HTTP to fall back to, and the Codex CLI does it at once on a 426 only.
#[tokio::test]
async fn a_resource_without_responses_over_websocket_is_426() {
    let origin = Origin::plain().await;
    let endpoint = format!("http://{}", origin.address());
    let stage = Stage::with_variables(&[("AZURE_OPENAI_ENDPOINT", &endpoint)]).await;
    for (status, expected) in [(404, 426), (400, 426), (501, 426), (401, 401), (429, 429), (503, 503)] {
        let answer = async {
            let (_, mut stream) = origin.accept().await;
            let answer = format!("HTTP/1.1 {status} No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{{}}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (refusal, ()) = tokio::join!(open(&stage, Way::BaseUrl, "/v1/responses", &[]), answer);
        let refusal = refusal.expect_err("no WebSocket");
        assert_eq!(refusal.status.as_u16(), expected, "{status}");
        assert_eq!(refusal.field("retry-after"), if expected == 426 { "" } else { "7" });
    }
}

#[tokio::test]
async fn a_101_that_was_not_asked_for_is_502() {
    let origin = Origin::plain().await;
    let endpoint = format!("http://{}", origin.address());
    let stage = Stage::with_variables(&[("AZURE_OPENAI_ENDPOINT", &endpoint)]).await;
    for fields in ["Upgrade: h2c", "Upgrade: websocket\r\nSec-WebSocket-Accept: AAAA", "X: y"] {
        let answer = async {
            let (_, mut stream) = origin.accept().await;
            let answer =
                format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n{fields}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            // We are left at once.
            let mut rest = Vec::new();
            let _ = within(stream.read_to_end(&mut rest)).await;
        };
        let (refusal, ()) = tokio::join!(open(&stage, Way::BaseUrl, "/v1/realtime?model=m", &[]), answer);
        let refusal = refusal.expect_err("no WebSocket");
        assert_eq!((refusal.status.as_u16(), refusal.code()), (502, "upstream_broken".into()), "{fields}");
    }
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_or_is_silent_has_its_status() {
    let silent = Origin::plain().await;
    let gone = Origin::plain().await.address();
    for (address, expected) in [(gone, 502), (silent.address(), 504)] {
        let endpoint = format!("http://{address}");
        let stage = Stage::with_variables(&[
            ("AZURE_OPENAI_ENDPOINT", &endpoint),
            ("AZURE_OPENAI_PROXY_FIRST_BYTE_TIMEOUT", "100ms"),
        ])
        .await;
        let refusal = open(&stage, Way::BaseUrl, "/v1/responses", &[]).await.expect_err("nobody answers");
        assert_eq!(refusal.status.as_u16(), expected);
    }
}

/// RFC 9220 §3; a CONNECT of another protocol must not be taken for one that asks for a tunnel.
#[tokio::test]
async fn an_extended_connect_for_another_protocol_is_501() {
    let stage = Stage::with_variables(&[REALTIME_MAP]).await;
    let inside = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    let outside = client::http2_over(client::connect(stage.proxy).await).await;
    let own = format!("http://{}", stage.proxy);
    for (mut sender, origin) in [(inside, "https://api.openai.com"), (outside, own.as_str())] {
        // The first answer brings the server's settings, and this one the proxy gives itself.
        let first = Request::get(format!("{origin}/v1/models")).body(body::empty()).unwrap();
        assert_eq!(within(sender.send_request(first)).await.unwrap().status(), StatusCode::OK);
        for protocol in ["connect-udp", "connect-ip", "webtransport"] {
            let request = Request::connect(format!("{origin}/v1/realtime?model=rt"))
                .extension(Protocol::from(protocol))
                .body(body::empty())
                .unwrap();
            let answer = client::whole(within(sender.send_request(request)).await.unwrap()).await;
            assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{origin} {protocol}: {}", answer.text());
            assert!(answer.text().contains("for WebSockets only"), "{}", answer.text());
        }
    }
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn a_strange_page_opens_none() {
    let stage = Stage::with_variables(&[REALTIME_MAP]).await;
    let fields = [("Origin", "https://evil.example")];
    let refusal = open(&stage, Way::BaseUrl, "/v1/realtime?model=rt", &fields).await.expect_err("forbidden");
    assert_eq!(refusal.status, StatusCode::FORBIDDEN);
    assert!(stage.recorder.seen().is_empty());
}

/// RFC 9110 §7.8: an upgrade that is not understood is ignored.
#[tokio::test]
async fn other_upgrades_are_ignored() {
    let stage = Stage::set().await;
    for lines in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Upgrade: websocket",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0",
    ] {
        let request = format!(
            "GET /v1/files HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer k\r\nConnection: close\r\n{lines}\r\n\r\n",
            stage.proxy
        );
        let answer = client::raw(stage.proxy, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{lines}: {answer}");
        let seen = stage.recorder.seen().pop().expect("it arrived");
        assert!(!seen.fields.contains_key("upgrade") && !seen.fields.contains_key("http2-settings"));
    }
}

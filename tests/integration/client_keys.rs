//! Client keys: the places where one may stand, what a wrong one costs, and that it goes no further than here.

use http::{HeaderValue, StatusCode};
use hyper_util::rt::TokioIo;

use crate::access::{
    KEY, KEYS, NEIGHBOUR, STRANGER, ask_over, assert_key_stayed_here, basic, bearer, chat, connect,
    inside_chat, intercepted,
};
use crate::client::{self, OPENAI_HOST, within};
use crate::conversation::Conversation;
use crate::origin::{Origin, Pki};
use crate::stage::{AZURE_HOST, Stage};

#[tokio::test]
async fn the_reverse_route_takes_a_client_key_where_an_api_key_stands() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for (fields, status) in [
        (vec![("authorization", bearer(KEY))], StatusCode::OK),
        (vec![("api-key", HeaderValue::from_static(KEY))], StatusCode::OK),
        (
            vec![("authorization", bearer("sk-of-the-client")), ("api-key", HeaderValue::from_static(KEY))],
            StatusCode::OK,
        ),
        (vec![], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer("sk-of-the-client"))], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer(&stage.key))], StatusCode::UNAUTHORIZED),
        (vec![("proxy-authorization", basic(KEY))], StatusCode::UNAUTHORIZED),
    ] {
        let before = stage.recorder.seen().len();
        let answer = ask_over(stage.from(STRANGER), chat(&fields)).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text());
        let passed = status == StatusCode::OK;
        assert_eq!(stage.recorder.seen().len() - before, usize::from(passed), "{fields:?}");
        if !passed {
            assert_eq!(
                (answer.code().as_str(), answer.field("www-authenticate")),
                ("invalid_api_key", "Bearer")
            );
        }
    }
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn a_tunnel_takes_a_client_key_after_407_on_the_same_connection() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let authority = format!("{AZURE_HOST}:443");
    let mut sender = client::http1_over(stage.from(STRANGER)).await;
    for credential in [None, Some(basic("no-key-of-anybody"))] {
        let refused = within(sender.send_request(connect(&authority, credential))).await.expect("an answer");
        let refused = client::whole(refused).await;
        assert_eq!(refused.status, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        assert_eq!(refused.field("proxy-authenticate"), "Basic realm=\"azure-openai-proxy\"");
    }
    let response = within(sender.send_request(connect(&authority, Some(basic(KEY))))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let tunnel = TokioIo::new(within(hyper::upgrade::on(response)).await.unwrap());
    client::tls(tunnel, AZURE_HOST, &stage.simulator_ca_pem, &["http/1.1"]).await.expect("the origin itself");
}

#[tokio::test]
async fn a_key_shown_at_connect_holds_for_everything_inside() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let mut inside = intercepted(&stage, Some(basic(KEY))).await.expect("the tunnel is opened");
    let repeated = ("proxy-authorization", basic(KEY));
    for fields in [
        vec![("authorization", bearer("sk-of-the-client"))],
        vec![],
        // As Deno does.
        vec![repeated, ("authorization", bearer("sk-of-the-client"))],
        vec![("authorization", bearer(KEY))],
    ] {
        let answer = inside_chat(&mut inside, &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{fields:?}: {}", answer.text());
    }
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn without_a_key_at_connect_each_request_inside_shows_one() {
    let stage = Stage::with_variables(&[KEYS]).await;
    let mut inside = intercepted(&stage, None).await.expect("the key may still come");
    for (fields, status) in [
        (vec![], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer("sk-of-the-client"))], StatusCode::UNAUTHORIZED),
        (vec![("proxy-authorization", basic(KEY))], StatusCode::UNAUTHORIZED),
        (vec![("authorization", bearer(KEY))], StatusCode::OK),
        (vec![("api-key", HeaderValue::from_static(KEY))], StatusCode::OK),
        (vec![], StatusCode::UNAUTHORIZED),
    ] {
        let answer = inside_chat(&mut inside, &fields).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text());
    }
    assert_key_stayed_here(&stage);
    let refused = intercepted(&stage, Some(basic("no-key-of-anybody"))).await;
    assert_eq!(refused.err(), Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED), "told at once");
}

#[tokio::test]
async fn absolute_form_takes_a_client_key_as_a_proxy_does() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for (credential, status) in [
        (("proxy-authorization", basic(KEY)), StatusCode::OK),
        (("authorization", bearer(KEY)), StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        (("proxy-authorization", basic("no-key-of-anybody")), StatusCode::PROXY_AUTHENTICATION_REQUIRED),
    ] {
        let mut request = chat(std::slice::from_ref(&credential));
        *request.uri_mut() = format!("http://{OPENAI_HOST}/v1/chat/completions").parse().unwrap();
        request.headers_mut().insert("host", HeaderValue::from_static(OPENAI_HOST));
        let answer = ask_over(stage.from(STRANGER), request).await;
        assert_eq!(answer.status, status, "{credential:?}: {}", answer.text());
        let challenged = answer.field("proxy-authenticate").starts_with("Basic ");
        assert_eq!(challenged, status == StatusCode::PROXY_AUTHENTICATION_REQUIRED, "{credential:?}");
    }
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn a_client_key_is_never_taken_for_the_azure_key() {
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_API_KEY", "")]).await;
    let own = HeaderValue::try_from(stage.key.clone()).unwrap();
    let both = [("authorization", bearer(KEY)), ("api-key", own)];
    assert_eq!(ask_over(stage.from(STRANGER), chat(&both)).await.status, StatusCode::OK);
    let seen = stage.recorder.seen();
    assert_eq!(seen[0].fields["api-key"], stage.key.as_str());
    for address in [STRANGER, "127.0.0.1"] {
        let answer = ask_over(stage.from(address), chat(&both[..1])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{address}: {}", answer.text());
    }
    assert_eq!(stage.recorder.seen().len(), seen.len(), "nothing was sent");
    assert_key_stayed_here(&stage);
}

#[tokio::test]
async fn a_client_key_never_reaches_openai_either() {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server(OPENAI_HOST));
    let (root, resolve) = (pki.root_file(), format!("{OPENAI_HOST}:443:{}", origin.address()));
    let stage = Stage::with_variables(&[
        KEYS,
        ("AZURE_OPENAI_PROXY_MODE", "openai"),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", root.to_str().unwrap()),
        ("AZURE_OPENAI_PROXY_RESOLVE", &resolve),
    ])
    .await;
    let fields = [
        ("authorization", bearer(KEY)),
        ("proxy-authorization", basic(KEY)),
        ("openai-project", "p".parse().unwrap()),
    ];
    let asking = tokio::spawn(ask_over(stage.from(STRANGER), chat(&fields)));
    let mut there = origin.accept().await;
    let head = there.head().await.to_ascii_lowercase();
    assert!(head.contains("openai-project: p") && !head.contains("authorization"), "{head}");
    there.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(within(asking).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn ten_wrong_keys_close_the_door_to_that_address_alone() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for attempt in 0..10 {
        let fields = [("authorization", bearer(&format!("wrong-key-number-{attempt}")))];
        let answer = ask_over(stage.from(STRANGER), chat(&fields)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{attempt}");
    }
    let right = [("authorization", bearer(KEY))];
    let answer = ask_over(stage.from(STRANGER), chat(&right)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many_failures"));
    let wait: u64 = answer.field("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let request = connect(&format!("{AZURE_HOST}:443"), Some(basic(KEY)));
    assert_eq!(ask_over(stage.from(STRANGER), request).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask_over(stage.from(NEIGHBOUR), chat(&right)).await.status, StatusCode::OK);
    assert_eq!(ask_over(stage.from("127.0.0.1"), chat(&[])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn showing_no_key_is_no_wrong_key() {
    let stage = Stage::with_variables(&[KEYS]).await;
    for _ in 0..12 {
        let answer = ask_over(stage.from(STRANGER), chat(&[])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_websocket_takes_a_client_key_also_as_a_subprotocol() {
    let stage = Stage::with_variables(&[KEYS, ("AZURE_OPENAI_MODEL_MAPPER", "rt=gpt-realtime")]).await;
    for (credential, status) in [
        (format!("Authorization: Bearer {KEY}"), "101"),
        (format!("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{KEY}"), "101"),
        ("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-of-the-client".to_owned(), "401"),
        ("X: y".to_owned(), "401"),
    ] {
        let mut conversation = Conversation::over(stage.from(STRANGER));
        let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let target = "GET /v1/realtime?model=rt HTTP/1.1\r\nHost: proxy.example\r\n";
        conversation.write(format!("{target}{handshake}{credential}\r\n\r\n")).await;
        let head = conversation.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{credential}: {head}");
    }
    assert_key_stayed_here(&stage);
}

//! Plain proxying: absolute-form for hosts that have nothing to do with OpenAI.

use http::StatusCode;

use crate::client;
use crate::conversation::Conversation;
use crate::origin::Origin;
use crate::stage::Stage;

/// The lines of a head in lower case.
fn lines(head: &str) -> Vec<String> {
    head.lines().map(str::to_ascii_lowercase).collect()
}

#[tokio::test]
async fn the_request_goes_on_with_via_and_without_what_concerns_this_hop() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let at = origin.address();
    let mut client = Conversation::with(stage.proxy).await;
    client
        .write(format!(
            "POST http://{at}/a//b/../c%2F?x=1&x=2&y HTTP/1.1\r\nHost: wrong.example\r\nX-Kept: One\r\n\
             X-Kept: Two\r\nAuthorization: Basic dTpw\r\nProxy-Authorization: Basic c2VjcmV0\r\n\
             Proxy-Connection: keep-alive\r\nConnection: close, X-Named\r\nX-Named: 1\r\nTE: deflate\r\n\
             Keep-Alive: timeout=5\r\nVia: 1.0 fred\r\nContent-Length: 5\r\n\r\nhello"
        ))
        .await;
    let mut upstream = origin.accept().await;
    let head = upstream.head().await;
    let seen = lines(&head);
    assert_eq!(head.lines().next(), Some("POST /a//b/../c%2F?x=1&x=2&y HTTP/1.1"));
    for line in [&format!("host: {at}"), "authorization: basic dtpw", "content-length: 5", "via: 1.0 fred"] {
        assert!(seen.iter().any(|seen| seen == line), "{line} in {head}");
    }
    assert!(head.contains("X-Kept: One\r\nX-Kept: Two\r\n"), "{head}");
    assert!(seen.iter().any(|line| line.starts_with("via: 1.1 azure-openai-proxy-")), "{head}");
    for gone in ["proxy-", "connection:", "x-named:", "te:", "keep-alive:"] {
        assert!(!seen.iter().any(|line| line.starts_with(gone)), "{gone} in {head}");
    }
    assert_eq!(upstream.octets(5).await, b"hello");

    upstream
        .write(
            "HTTP/1.1 203 Odd\r\nX-Answer: One\r\nX-Answer: Two\r\nConnection: X-Named\r\nX-Named: 1\r\n\
             Proxy-Authenticate: Basic\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok",
        )
        .await;
    let head = client.head().await;
    let seen = lines(&head);
    assert!(head.starts_with("HTTP/1.1 203 "), "{head}");
    assert!(seen.iter().any(|line| line.starts_with("via: 1.1 azure-openai-proxy-")), "{head}");
    assert!(seen.iter().filter(|line| line.starts_with("x-answer: ")).count() == 2, "{head}");
    assert!(seen.contains(&"set-cookie: a=b".to_owned()), "{head}");
    for gone in ["proxy-", "x-named:", "keep-alive:"] {
        assert!(!seen.iter().any(|line| line.starts_with(gone)), "{gone} in {head}");
    }
    assert_eq!(client.rest().await.0, "ok");
}

#[tokio::test]
async fn a_request_that_was_here_before_is_508() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let at = origin.address();
    let first = client::get(&at.to_string(), &format!("http://{at}/"));
    let (_, via) = tokio::join!(client::ask(stage.proxy, first), async {
        let mut upstream = origin.accept().await;
        let head = upstream.head().await;
        upstream.write("HTTP/1.1 204 No Content\r\n\r\n").await;
        lines(&head).into_iter().find_map(|line| Some(line.strip_prefix("via: ")?.to_owned())).unwrap()
    });
    // In whatever company, and on whatever way in.
    for via in [via.clone(), format!("1.0 fred, {via}, 1.1 other")] {
        for target in [format!("http://{at}/"), "/v1/models".into(), "/".into()] {
            let mut request = client::get(&at.to_string(), &target);
            request.headers_mut().append("via", "1.1 somebody".parse().unwrap());
            request.headers_mut().append("via", via.parse().unwrap());
            let answer = client::ask(stage.proxy, request).await;
            assert_eq!(answer.status, StatusCode::LOOP_DETECTED, "{target} {via}");
            assert_eq!(answer.field("x-azure-openai-proxy-error"), "proxy_loop");
        }
    }
    assert!(origin.is_untouched());
}

#[tokio::test]
async fn options_and_unknown_methods_are_forwarded_too() {
    let (stage, origin) = (Stage::set().await, Origin::plain());
    let at = origin.address();
    let mut client = Conversation::with(stage.proxy).await;
    for method in ["OPTIONS", "PROPFIND", "DELETE"] {
        client.write(format!("{method} http://{at}/x HTTP/1.1\r\nHost: {at}\r\n\r\n")).await;
        let mut upstream = origin.accept().await;
        assert!(upstream.head().await.starts_with(&format!("{method} /x HTTP/1.1\r\n")));
        upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    }
}

//! A request's content: asked for, refused, passed over.

use super::*;

#[tokio::test]
async fn content_is_asked_for_when_somebody_wants_it() {
    let (mut client, _served, _stopper) = serving(echo);
    let head = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    client.write_all(head).await.unwrap();
    expect(&mut client, "HTTP/1.1 100 Continue\r\n\r\n").await;
    client.write_all(b"hi").await.unwrap();
    expect(&mut client, &ok("/a hi")).await;

    let (mut client, _served, _stopper) = serving(|_| async { text("no") });
    client.write_all(head).await.unwrap();
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 200 OK") && said.contains("connection: close"), "{said}");
}

/// As an upstream's answer does, this one holds the rest of the request until it has ended.
#[tokio::test]
async fn a_refusal_before_the_content_has_come_says_that_the_connection_ends() {
    for (head, status) in [
        ("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", StatusCode::OK),
        ("POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nh", StatusCode::UNAUTHORIZED),
    ] {
        let (mut client, _served, _stopper) = serving(move |request| async move {
            let held = request.content;
            let content = futures_util::stream::once(async move {
                drop(held);
                Ok(http_body::Frame::data("no".into()))
            });
            let content = http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(content));
            let mut response = Response::new(content);
            response.head.status = status;
            response
        });
        client.write_all(head.as_bytes()).await.unwrap();
        let said = rest(&mut client).await;
        assert!(said.starts_with("HTTP/1.1 ") && said.contains("connection: close"), "{head}: {said}");
    }
}

#[tokio::test]
async fn content_that_nobody_reads_is_passed_over_if_it_is_there() {
    let (mut client, _served, _stopper) = serving(|_| async { text("no") });
    let request = "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
    client.write_all(request.repeat(2).as_bytes()).await.unwrap();
    expect(&mut client, &[ok("no"), ok("no")].concat()).await;
    client.write_all(&request.as_bytes()[..request.len() - 1]).await.unwrap();
    assert!(rest(&mut client).await.contains("connection: close"));
}

#[tokio::test]
async fn the_content_of_an_answered_request_reads_nothing_of_the_next() {
    let kept = std::sync::Arc::new(Mutex::new(None));
    let keeper = std::sync::Arc::clone(&kept);
    let count = AtomicUsize::new(0);
    let (mut client, _served, _stopper) = serving(move |request| {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        if first {
            *lock(&keeper) = Some(request.content);
        }
        async { text("ok") }
    });
    client.write_all(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await.unwrap();
    // It may still be read, so nothing else is served on this connection.
    expect(&mut client, &ok("ok")).await;
    assert_eq!(rest(&mut client).await, "");
    let content = lock(&kept).take().unwrap();
    assert_eq!(content.collect().await.unwrap().to_bytes(), "abc");
}

//! Responses before the final one.

use super::*;

#[tokio::test]
async fn responses_before_the_final_one_come_before_it_and_none_after() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let client = request.head.interim.clone().unwrap();
        client.tell(&early(102, ("x-a", "1")));
        client.tell(&early(103, ("connection", "x")));
        let late = client.clone();
        let content = stream::once(async move {
            late.tell(&early(103, ("x-late", "1")));
            Ok(Frame::data(Bytes::from_static(b"ok")))
        });
        Response::new(StreamBody::new(content).boxed_unsync())
    });
    let mut sender = client(io).await;
    let (mut response, _) = sender.send_request(request(Method::GET), true).unwrap();
    let mut statuses = Vec::new();
    while let Some(early) = std::future::poll_fn(|cx| response.poll_informational(cx)).await {
        let early = early.unwrap();
        assert!(!early.headers().contains_key("connection"));
        statuses.push(early.status().as_u16());
    }
    assert_eq!(statuses, [102, 103]);
    assert_eq!(whole(response.await.unwrap().into_body()).await.unwrap(), b"ok");
}

#[tokio::test]
async fn more_of_them_than_anybody_needs_are_dropped() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let client = request.head.interim.unwrap();
        (0..1000).for_each(|_| client.tell(&early(103, ("link", "</x>"))));
        Response::new(body::empty())
    });
    let mut sender = client(io).await;
    let (mut response, _) = sender.send_request(request(Method::GET), true).unwrap();
    let mut count = 0;
    while let Some(early) = std::future::poll_fn(|cx| response.poll_informational(cx)).await {
        early.unwrap();
        count += 1;
    }
    assert_eq!(count, crate::message::interim::LIMIT);
    assert!(response.await.unwrap().body().is_end_stream());
}

#[tokio::test]
async fn those_for_which_there_is_no_room_are_dropped() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let client = request.head.interim.unwrap();
        let large: &'static str = "x".repeat(30 << 10).leak();
        (0..10).for_each(|_| client.tell(&early(103, ("link", large))));
        client.tell(&early(102, ("x-small", "1")));
        Response::new(body::empty())
    });
    let mut sender = client(io).await;
    let (mut response, _) = sender.send_request(request(Method::GET), true).unwrap();
    let mut statuses = Vec::new();
    while let Some(early) = std::future::poll_fn(|cx| response.poll_informational(cx)).await {
        statuses.push(early.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [103, 103, 102]);
    assert!(response.await.unwrap().body().is_end_stream());
}

#[tokio::test]
async fn a_client_that_waits_for_100_gets_it_when_its_content_is_read() {
    let read = Arc::new(Notify::new());
    let reading = Arc::clone(&read);
    let (io, _served, _stopper) = serving(move |request: Request<Content>| {
        let reading = Arc::clone(&reading);
        async move {
            reading.notified().await;
            let content = request.content.collect().await.unwrap().to_bytes();
            Response::new(body::full(content))
        }
    });
    let mut sender = client(io).await;
    let mut expecting = request(Method::POST);
    expecting.headers_mut().insert("expect", http::HeaderValue::from_static("100-continue"));
    let (mut response, mut content) = ask(&mut sender, expecting);
    read.notify_one();
    let asked = std::future::poll_fn(|cx| response.poll_informational(cx)).await.unwrap().unwrap();
    assert_eq!(asked.status(), StatusCode::CONTINUE);
    content.send_data(Bytes::from_static(b"hello"), true).unwrap();
    assert!(std::future::poll_fn(|cx| response.poll_informational(cx)).await.is_none());
    assert_eq!(whole(response.await.unwrap().into_body()).await.unwrap(), b"hello");
}

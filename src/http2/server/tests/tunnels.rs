//! CONNECT, and what its stream becomes.

use super::*;

/// Answers a CONNECT and does this with its stream.
fn tunnelling<T, F>(carry: T) -> (DuplexStream, Served, Stopper)
where
    T: Fn(Stream) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    serving(move |request: Request<Content>| async move {
        assert!(request.content.is_end_stream());
        let switching = request.head.extensions.get::<Switching>().unwrap().clone();
        tokio::spawn(async move { carry(switching.switched().await.unwrap()).await });
        Response::new(body::empty())
    })
}

fn connect() -> http::Request<()> {
    http::Request::connect("a.example:443").body(()).unwrap()
}

#[tokio::test]
async fn a_tunnel_ends_one_half_at_a_time() {
    let (io, _served, _stopper) = tunnelling(async |mut stream: Stream| {
        let mut asked = Vec::new();
        stream.write_all(b"greeting").await.unwrap();
        stream.read_to_end(&mut asked).await.unwrap();
        // More than the client's window and more than one piece.
        stream.write_all(&asked.repeat(20_000)).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let mut sender = client(io).await;
    let (response, mut outgoing) = ask(&mut sender, connect());
    let response = response.await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    let mut incoming = response.into_body();
    assert_eq!(incoming.data().await.unwrap().unwrap(), "greeting");
    outgoing.send_data(Bytes::from_static(b"question"), true).unwrap();
    assert_eq!(whole(incoming).await.unwrap(), b"question".repeat(20_000));
}

#[tokio::test]
async fn a_tunnel_that_breaks_is_reset_after_what_came_before() {
    let (io, _served, _stopper) = tunnelling(async |mut stream: Stream| {
        stream.write_all(&[b'x'; 40 << 10]).await.unwrap();
    });
    let mut sender = client(io).await;
    let (response, _outgoing) = ask(&mut sender, connect());
    let (octets, broken) = until_broken(response.await.unwrap().into_body()).await;
    assert_eq!((octets, broken.is_reset()), (40 << 10, true));
}

#[tokio::test]
async fn a_tunnel_that_is_given_up_ends_and_one_that_is_reset_for_an_error_breaks() {
    for (reason, is_end) in [(Reason::CANCEL, true), (Reason::CONNECT_ERROR, false)] {
        let found = Arc::new(Notify::new());
        let finding = Arc::clone(&found);
        let (io, _served, _stopper) = serving(move |request: Request<Content>| {
            let finding = Arc::clone(&finding);
            let switching = request.head.extensions.get::<Switching>().unwrap().clone();
            tokio::spawn(async move {
                let mut stream = switching.switched().await.unwrap();
                stream.write_all(b"ready").await.unwrap();
                assert_eq!(stream.read(&mut [0]).await.is_ok_and(|count| count == 0), is_end);
                assert!(stream.write_all(b"x").await.is_err());
                finding.notify_one();
            });
            async { Response::new(body::empty()) }
        });
        let mut sender = client(io).await;
        let (response, mut outgoing) = ask(&mut sender, connect());
        let mut incoming = response.await.unwrap().into_body();
        assert_eq!(incoming.data().await.unwrap().unwrap(), "ready");
        outgoing.send_reset(reason);
        found.notified().await;
    }
}

#[tokio::test]
async fn a_connect_that_fails_is_answered_like_any_request() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        assert_eq!(request.head.extensions.get::<crate::http2::Protocol>().unwrap().as_str(), "websocket");
        http::Response::builder().status(403).body(body::full("no")).unwrap().into()
    });
    let mut sender = client(io).await;
    let mut asked = request(Method::CONNECT);
    asked.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
    let (response, _outgoing) = ask(&mut sender, asked);
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(whole(response.into_body()).await.unwrap(), b"no");
}

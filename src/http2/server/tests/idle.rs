//! Connections on which nothing is under way.

use tokio::time::{Instant, sleep, timeout};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Answers each request after so many times the time without one that a connection may have.
fn slow(times: u32) -> (DuplexStream, Served, Stopper) {
    serving(move |_: Request<Content>| async move {
        sleep(times * IDLE).await;
        Response::new(body::full("late"))
    })
}

async fn get(sender: &mut SendRequest<Bytes>) -> Vec<u8> {
    let (response, _) = sender.send_request(request(Method::GET), true).unwrap();
    whole(response.await.unwrap().into_body()).await.unwrap()
}

async fn ends(served: Served) {
    timeout(10 * IDLE, served).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_requests_is_told_to_end_and_each_request_sets_the_clock_back() {
    let (io, served, _stopper) = slow(0);
    let begun = Instant::now();
    let mut sender = client(io).await;
    for _ in 0..3 {
        sleep(IDLE - SECOND).await;
        assert_eq!(get(&mut sender).await, b"late");
    }
    ends(served).await;
    assert_eq!(begun.elapsed().as_secs(), (4 * IDLE - 3 * SECOND).as_secs());
    let told = std::future::poll_fn(|cx| sender.poll_ready(cx)).await.unwrap_err();
    assert!(told.is_go_away() && told.reason() == Some(Reason::NO_ERROR), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_keeps_the_connection_and_its_end_begins_the_time() {
    let (io, served, _stopper) = slow(3);
    let begun = Instant::now();
    let mut sender = client(io).await;
    assert_eq!(get(&mut sender).await, b"late");
    ends(served).await;
    assert_eq!(begun.elapsed().as_secs(), (4 * IDLE).as_secs());

    let (io, served, _stopper) = slow(3);
    let begun = Instant::now();
    let mut sender = client(io).await;
    let (taken_back, mut content) = ask(&mut sender, request(Method::POST));
    sleep(SECOND).await;
    content.send_reset(Reason::CANCEL);
    drop(taken_back);
    ends(served).await;
    assert_eq!(begun.elapsed().as_secs(), (IDLE + SECOND).as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_under_way_until_it_ends() {
    let (io, served, _stopper) = serving(|request: Request<Content>| async move {
        let switching = request.head.extensions.get::<Switching>().unwrap().clone();
        tokio::spawn(async move {
            let mut stream = switching.switched().await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
            stream.shutdown().await.unwrap();
        });
        Response::new(body::empty())
    });
    let begun = Instant::now();
    let mut sender = client(io).await;
    let (response, mut outgoing) =
        ask(&mut sender, http::Request::connect("a.example:443").body(()).unwrap());
    let incoming = response.await.unwrap().into_body();
    sleep(3 * IDLE).await;
    outgoing.send_data(Bytes::new(), true).unwrap();
    assert_eq!(whole(incoming).await.unwrap(), b"");
    ends(served).await;
    assert_eq!(begun.elapsed().as_secs(), (4 * IDLE).as_secs());
}

/// The last of it is out of our hands, and waits for the client's window.
#[tokio::test(start_paused = true)]
async fn what_a_client_has_not_read_yet_is_under_way() {
    let all = vec![b'x'; 100 << 10];
    let content = all.clone();
    let (io, served, _stopper) = serving(move |_: Request<Content>| {
        let content = content.clone();
        async { Response::new(body::full(content)) }
    });
    let mut sender = client(io).await;
    let (response, _) = sender.send_request(request(Method::GET), true).unwrap();
    let unread = response.await.unwrap().into_body();
    sleep(3 * IDLE).await;
    assert!(!served.is_finished());
    assert!(whole(unread).await.unwrap() == all);
    let begun = Instant::now();
    ends(served).await;
    assert_eq!(begun.elapsed().as_secs(), IDLE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_heed_it_is_left() {
    let (mut io, mut served, _stopper) = slow(0);
    let begun = Instant::now();
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    // It asks whether we are there, and never answers when we ask.
    while timeout(20 * SECOND, &mut served).await.is_err() {
        io.write_all(b"\0\0\x08\x06\0\0\0\0\0whatever").await.unwrap();
        assert!(begun.elapsed() < 2 * IDLE);
    }
    assert_eq!(begun.elapsed().as_secs(), (IDLE + PACE.answer).as_secs());
}

//! Connections that end, by the will of either side or for want of a sign of life.

use super::*;

#[tokio::test]
async fn a_shutdown_finishes_what_is_under_way_and_refuses_the_rest() {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (beginning, finishing) = (Arc::clone(&begun), Arc::clone(&finish));
    let (io, served, stopper) = serving(move |_| {
        let (begun, finish) = (Arc::clone(&beginning), Arc::clone(&finishing));
        async move {
            begun.notify_one();
            finish.notified().await;
            Response::new(body::full("late"))
        }
    });
    let mut sender = client(io).await;
    let (response, _) = sender.send_request(request(Method::GET), true).unwrap();
    begun.notified().await;
    stopper.stop();
    // Until it has heard of it, it can still ask.
    let refused = loop {
        match std::future::poll_fn(|cx| sender.poll_ready(cx)).await {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(refused.is_go_away() && refused.reason() == Some(Reason::NO_ERROR), "{refused}");
    finish.notify_one();
    assert_eq!(whole(response.await.unwrap().into_body()).await.unwrap(), b"late");
    drop(sender);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_are_taken_back_in_masses_end_the_connection() {
    let (io, served, _stopper) = serving(async |_: Request<Content>| std::future::pending().await);
    let mut sender = client(io).await;
    for _ in 0..1000 {
        let Ok(()) = std::future::poll_fn(|cx| sender.poll_ready(cx)).await else { break };
        let Ok((_, mut content)) = sender.send_request(request(Method::POST), false) else { break };
        content.send_reset(Reason::CANCEL);
    }
    assert!(matches!(served.await.unwrap(), Err(ServeError::Connection(_))));
}

/// As a command that writes into a pager does: it stands still, and reads nothing.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_later_is_waited_for() {
    const LENGTH: usize = 300 << 10;
    let (io, served, _stopper) =
        serving(async |_: Request<Content>| Response::new(body::full(vec![b'x'; LENGTH])));
    let (mut sender, connection) = h2::client::handshake(io).await.unwrap();
    let mut connection = Box::pin(connection);
    let (response, _) = sender.send_request(request(Method::GET), true).unwrap();
    let response = tokio::select! {
        response = response => response.unwrap(),
        _ = &mut connection => panic!("the connection is at its end"),
    };
    tokio::time::sleep(PAUSE * 9 / 10).await;
    assert!(!served.is_finished());
    tokio::spawn(connection);
    assert_eq!(whole(response.into_body()).await.unwrap().len(), LENGTH);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_in_the_middle_of_an_answer_is_left() {
    let (mut io, served, _stopper) =
        serving(async |_: Request<Content>| Response::new(body::full(vec![b'x'; 300 << 10])));
    let begun = tokio::time::Instant::now();
    // SETTINGS, and GET https://a/ by the static table of HPACK.
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    io.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x87\x01\x01a").await.unwrap();
    assert!(matches!(served.await.unwrap(), Err(ServeError::Silent)));
    assert_eq!(begun.elapsed().as_secs(), 50 + PAUSE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_no_sign_of_life_is_left() {
    let (mut io, served, _stopper) = serving(async |_: Request<Content>| Response::new(body::empty()));
    let begun = tokio::time::Instant::now();
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    assert!(matches!(served.await.unwrap(), Err(ServeError::Silent)));
    assert_eq!(begun.elapsed().as_secs(), 50);

    let (_io, served, _stopper) = serving(async |_: Request<Content>| Response::new(body::empty()));
    assert!(matches!(served.await.unwrap(), Err(ServeError::TooSlow)));

    let (io, served, _stopper) = serving(async |_: Request<Content>| Response::new(body::empty()));
    let _living = client(io).await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert!(!served.is_finished());
}

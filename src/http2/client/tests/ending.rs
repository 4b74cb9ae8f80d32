//! Connections and streams that end before their time.

use super::*;

#[tokio::test]
async fn a_stream_that_the_server_resets_is_an_error_and_the_connection_goes_on() {
    let (connection, mut asked) = connected().await;
    let mut sender = connection.clone();
    let (_feeder, content) = fed();
    let refusing = async { asked.recv().await.unwrap().1.send_reset(Reason::REFUSED_STREAM) };
    let (response, ()) = tokio::join!(sender.send(request(content)), refusing);
    let Unanswered { error, unsent } = response.unwrap_err();
    assert!(matches!(error, AnswerError::Http2(error) if error.reason() == Some(Reason::REFUSED_STREAM)));
    assert!(unsent.is_none(), "its content has been asked for");

    let breaking = async {
        let (_, mut respond) = asked.recv().await.unwrap();
        let mut sending = respond.send_response(ok(), false).unwrap();
        sending.send_data(Bytes::from_static(b"x"), false).unwrap();
        (sending, respond)
    };
    let (response, (mut sending, _respond)) = tokio::join!(sender.send(request(body::empty())), breaking);
    let mut content = response.unwrap().content;
    assert_eq!(content.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
    // Without an end of the stream, not even this is one.
    sending.send_reset(Reason::NO_ERROR);
    assert!(content.frame().await.unwrap().is_err());
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn a_server_that_goes_away_finishes_and_gets_nothing_more() {
    let (near, far) = duplex(1 << 16);
    let mut connection = Connection::open(Box::new(near)).await.unwrap();
    let mut server = h2::server::handshake(far).await.unwrap();
    let mut late = connection.clone();
    let finishing = async {
        let (_, mut respond) = server.accept().await.unwrap().unwrap();
        server.graceful_shutdown();
        let driving = tokio::spawn(async move { server.accept().await.is_none() });
        while !late.is_closed() {
            tokio::task::yield_now().await;
        }
        let Unanswered { unsent, .. } = late.send(request(body::full("x"))).await.unwrap_err();
        let unsent = unsent.expect("nothing of it has left");
        assert_eq!(unsent.head.fields.text("host"), Some("a.example"));
        assert_eq!(unsent.head.method, "POST");
        drop(late);
        respond.send_response(ok(), true).unwrap();
        assert!(driving.await.unwrap());
    };
    let (response, ()) = tokio::join!(connection.send(request(body::empty())), finishing);
    assert_eq!(response.unwrap().head.status, StatusCode::OK);
}

#[tokio::test]
async fn a_connection_that_nobody_holds_is_closed() {
    let (connection, mut asked) = connected().await;
    drop(connection);
    assert!(asked.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn only_a_connection_with_requests_on_it_has_to_show_that_it_lives() {
    let (near, mut far) = duplex(1 << 16);
    let mut connection = Connection::open(Box::new(near)).await.unwrap();
    // The server's settings, and nothing more.
    far.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert!(!connection.is_closed());
    let begun = tokio::time::Instant::now();
    let _place = connection.place();
    let Unanswered { error, unsent } = connection.send(request(body::empty())).await.unwrap_err();
    assert!(matches!(error, AnswerError::Io(_)) && unsent.is_none(), "{error:?}");
    assert!((20..=80).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(connection.is_closed());
    let mut said = Vec::new();
    far.read_to_end(&mut said).await.unwrap();
    let pings = said.windows(9).filter(|head| head[..4] == [0, 0, 8, 6]).count();
    assert_eq!(pings, 1);
}

/// A request that waits for the server to allow another stream, when the server says goodbye and means to answer it.
#[tokio::test]
async fn a_goodbye_leaves_the_streams_alone_that_it_does_not_name() {
    const HEADERS: u8 = 1;
    let (near, mut far) = duplex(1 << 16);
    let connection = Connection::open(Box::new(near)).await.unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS is 1.
    far.write_all(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x01").await.unwrap();
    while connection.allowed() != 1 {
        tokio::task::yield_now().await;
    }
    let send = |mut sender: Connection| async move { sender.send(request(body::empty())).await };
    let first = tokio::spawn(send(connection.clone()));
    let serving = async {
        far.read_exact(&mut [0; 24]).await.unwrap();
        let second = async |far: &mut DuplexStream, wanted: u8| loop {
            let mut head = [0; 9];
            far.read_exact(&mut head).await.unwrap();
            far.read_exact(&mut vec![0; usize::from(head[2])]).await.unwrap();
            if (head[3], head[8]) == (HEADERS, wanted) {
                return;
            }
        };
        second(&mut far, 1).await;
        let waiting = tokio::spawn(send(connection.clone()));
        tokio::task::yield_now().await;
        // GOAWAY with the last stream 3 and NO_ERROR.
        far.write_all(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x03\0\0\0\0").await.unwrap();
        while !connection.is_closed() {
            tokio::task::yield_now().await;
        }
        for stream in [1, 3] {
            if stream == 3 {
                second(&mut far, stream).await;
            }
            far.write_all(&[0, 0, 1, HEADERS, 5, 0, 0, 0, stream, 0x88]).await.unwrap();
        }
        waiting.await.unwrap()
    };
    let answered = serving.await.unwrap();
    assert_eq!(answered.head.status, StatusCode::OK);
    assert_eq!(first.await.unwrap().unwrap().head.status, StatusCode::OK);
}

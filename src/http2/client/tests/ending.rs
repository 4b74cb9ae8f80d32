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

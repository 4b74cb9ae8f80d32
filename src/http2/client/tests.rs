mod ending;

use std::convert::Infallible;
use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::*;
use crate::message::body::{self, Body};
use crate::message::interim::{self, Interim};

/// What the other end, on the same crate, is asked.
type Asked = (http::Request<RecvStream>, SendResponse<Bytes>);

/// A connection, and what the other end is asked on it.
async fn connected() -> (Connection, mpsc::UnboundedReceiver<Asked>) {
    let (near, far) = duplex(1 << 16);
    (Connection::open(Box::new(near)).await.unwrap(), serving(far))
}

fn serving(io: DuplexStream) -> mpsc::UnboundedReceiver<Asked> {
    let (told, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut connection = h2::server::handshake(io).await.unwrap();
        while let Some(Ok(request)) = connection.accept().await {
            let _ = told.send(request);
        }
    });
    asked
}

fn request(content: Body) -> Request<Body> {
    let request = http::Request::post("https://a.example/b?c").header("host", "a.example");
    request.body(content).unwrap().into()
}

fn ok() -> http::Response<()> {
    http::Response::new(())
}

/// Content whose frames come one after the other; it ends with the sender.
fn fed() -> (mpsc::UnboundedSender<Result<Frame<Bytes>, BoxError>>, Body) {
    let (feeder, mut frames) = mpsc::unbounded_channel();
    let frames = stream::poll_fn(move |cx| frames.poll_recv(cx));
    (feeder, StreamBody::new(frames).boxed_unsync())
}

fn data(octets: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(octets.as_bytes())))
}

#[tokio::test]
async fn an_independent_server_is_asked() {
    let (near, far) = duplex(1 << 16);
    let service = service_fn(async |request: http::Request<Incoming>| {
        let (parts, content) = request.into_parts();
        assert_eq!(parts.uri, "https://a.example/b?c");
        assert!(!parts.headers.contains_key("host") && !parts.headers.contains_key("connection"));
        let response = http::Response::builder().header("x-length", &parts.headers["content-length"]);
        Ok::<_, Infallible>(response.body(content).unwrap())
    });
    tokio::spawn(
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(far), service),
    );
    let mut connection = Connection::open(Box::new(near)).await.unwrap();
    let large = vec![b'x'; 300 << 10];
    for content in [Bytes::new(), Bytes::from_static(b"hello"), Bytes::from(large)] {
        let mut asked = request(body::full(content.clone()));
        asked.head.fields.insert(http::header::CONNECTION, HeaderValue::from_static("keep-alive"));
        let response = connection.send(asked).await.unwrap();
        assert_eq!(response.head.fields.text("x-length"), Some(&*content.len().to_string()));
        assert_eq!(response.content.collect().await.unwrap().to_bytes(), content);
    }
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn responses_before_the_final_one_are_told_and_not_without_end() {
    let (connection, mut asked) = connected().await;
    for (count, enough) in [(3, true), (interim::LIMIT + 1, false)] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let mut early = request(body::empty());
        early.head.interim = Some(Interim::new(move |head| told.lock().unwrap().push(head.status)));
        let mut sender = connection.clone();
        let answering = async {
            let (_, mut respond) = asked.recv().await.unwrap();
            for _ in 0..count {
                let early = http::Response::builder().status(103).header("link", "</x>").body(()).unwrap();
                respond.send_informational(early).unwrap();
            }
            respond.send_response(ok(), true).unwrap();
        };
        let (response, ()) = tokio::join!(sender.send(early), answering);
        match response {
            Ok(response) => assert!(enough && response.content.is_end_stream()),
            Err(unanswered) => {
                assert!(!enough && matches!(unanswered.error, AnswerError::TooManyInterim));
            }
        }
        assert_eq!(*heard.lock().unwrap(), vec![StatusCode::EARLY_HINTS; count.min(interim::LIMIT)]);
    }
}

#[tokio::test]
async fn a_change_of_protocol_is_no_response_of_http2() {
    let (connection, mut asked) = connected().await;
    let mut asking = request(body::empty());
    asking.head.interim = Some(Interim::new(|head| panic!("told of {}", head.status)));
    let mut sender = connection.clone();
    let answering = async {
        let (_, mut respond) = asked.recv().await.unwrap();
        let switching = http::Response::builder().status(101).body(()).unwrap();
        respond.send_informational(switching).unwrap();
    };
    let (response, ()) = tokio::join!(sender.send(asking), answering);
    assert!(matches!(response.unwrap_err().error, AnswerError::Http2(_)));
}

#[tokio::test]
async fn a_request_is_taken_back_in_every_phase() {
    for phase in ["sent", "answered", "read"] {
        let (mut connection, mut asked) = connected().await;
        let (_feeder, content) = fed();
        let mut answering = Box::pin(connection.send(request(content)));
        let mut respond = tokio::select! {
            _ = &mut answering => unreachable!("nobody has answered"),
            asked = asked.recv() => asked.unwrap().1,
        };
        if phase == "sent" {
            drop(answering);
        } else {
            let mut sending = respond.send_response(ok(), false).unwrap();
            let mut content = answering.await.unwrap().content;
            if phase == "read" {
                sending.send_data(Bytes::from_static(b"x"), false).unwrap();
                assert_eq!(content.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
            }
            drop(content);
            let reason = std::future::poll_fn(|cx| sending.poll_reset(cx)).await.unwrap();
            assert_eq!(reason, Reason::CANCEL, "{phase}");
            continue;
        }
        let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
        assert_eq!(reason, Reason::CANCEL, "{phase}");
    }
}

/// What a server does not read, we do not take.
#[tokio::test]
async fn a_server_that_does_not_read_is_waited_for() {
    const FRAME: usize = 8 << 10;
    let (connection, mut asked) = connected().await;
    let made = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&made);
    let frames = stream::iter(0..100_000).map(move |_| {
        counts.fetch_add(FRAME, Ordering::Relaxed);
        Ok::<_, BoxError>(Frame::data(Bytes::from_static(&[b'x'; FRAME])))
    });
    let mut sender = connection.clone();
    let unread = StreamBody::new(frames).boxed_unsync();
    let unread = tokio::spawn(async move { sender.send(request(unread)).await });
    let _held = asked.recv().await.unwrap();
    for _ in 0..20 {
        let mut sender = connection.clone();
        let answering = async {
            asked.recv().await.unwrap().1.send_response(ok(), true).unwrap();
        };
        let (response, ()) = tokio::join!(sender.send(request(body::empty())), answering);
        assert!(response.unwrap().content.is_end_stream());
    }
    let (window, made) = (65_535, made.load(Ordering::Relaxed));
    assert!((window..window + 4 * FRAME).contains(&made), "{made}");
    unread.abort();
}

#[tokio::test]
async fn a_response_may_come_before_its_request_has_ended_and_trailers_go_both_ways() {
    let (mut connection, mut asked) = connected().await;
    let (feeder, content) = fed();
    let trailers: HeaderMap =
        [(http::HeaderName::from_static("x-sum"), HeaderValue::from_static("1"))].into_iter().collect();
    let expected = trailers.clone();
    let answering = tokio::spawn(async move {
        let (request, mut respond) = asked.recv().await.unwrap();
        let mut sending = respond.send_response(ok(), false).unwrap();
        let mut content = request.into_body();
        while let Some(data) = content.data().await {
            sending.send_data(data.unwrap(), false).unwrap();
        }
        sending.send_trailers(content.trailers().await.unwrap().unwrap()).unwrap();
    });
    let mut response = connection.send(request(content)).await.unwrap().content;
    for piece in ["one", "two"] {
        feeder.send(data(piece)).unwrap();
        assert_eq!(response.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
    }
    feeder.send(Ok(Frame::trailers(trailers))).unwrap();
    assert_eq!(response.frame().await.unwrap().unwrap().into_trailers().unwrap(), expected);
    answering.await.unwrap();
}

#[tokio::test]
async fn what_becomes_of_the_request_after_its_response_concerns_nobody() {
    let (mut connection, mut asked) = connected().await;
    let (feeder, content) = fed();
    feeder.send(data("some")).unwrap();
    let answering = async {
        let (unread, mut respond) = asked.recv().await.unwrap();
        respond.send_response(ok(), false).unwrap().send_data(Bytes::from_static(b"no"), true).unwrap();
        unread
    };
    let (response, _unread) = tokio::join!(connection.send(request(content)), answering);
    let mut answered = response.unwrap().content;
    let frame = answered.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "no");
    assert!(answered.is_end_stream());
    feeder.send(Err("nobody wants it any more".into())).unwrap();
    assert!(answered.frame().await.is_none());
}

#[tokio::test]
async fn content_that_breaks_off_takes_the_request_back_after_what_came_before() {
    let (mut connection, mut asked) = connected().await;
    let (feeder, content) = fed();
    feeder.send(data("beginning")).unwrap();
    feeder.send(Err("broken".into())).unwrap();
    let receiving = async {
        let (request, respond) = asked.recv().await.unwrap();
        let mut content = request.into_body();
        assert_eq!(content.data().await.unwrap().unwrap(), "beginning");
        let broken = content.data().await.unwrap().unwrap_err();
        drop(respond);
        broken.reason()
    };
    let (response, reason) = tokio::join!(connection.send(request(content)), receiving);
    let Unanswered { error, unsent } = response.unwrap_err();
    assert!(matches!(error, AnswerError::Sending(SendingError::Content(_))) && unsent.is_none());
    assert_eq!(reason, Some(Reason::CANCEL));
}

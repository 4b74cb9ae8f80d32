mod early;
mod empty;
mod ending;
mod idle;
mod tunnels;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::message::body::{self, BoxError};
use crate::message::{Fields, ResponseHead};
use crate::net::switching::Switching;
use crate::shutdown::{self, Stopper};

const PACE: Pace = Pace { silence: Duration::from_secs(30), answer: Duration::from_secs(20) };

/// Longer than any test but those that are about it.
const IDLE: Duration = Duration::from_secs(3600);

/// Longer than a connection may be without requests.
const UNREAD: Duration = Duration::from_secs(4 * 3600);

type Served = JoinHandle<Result<(), ServeError>>;

/// A connection that is served, and the end of the service. Stops when the sender is told or gone.
fn serving<A, R>(answer: A) -> (DuplexStream, Served, Stopper)
where
    A: Fn(Request<Content>) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let (near, far) = duplex(1 << 16);
    let (stopper, shutdown) = shutdown::channel();
    let settings = Settings {
        head_size: 8 << 10,
        patience: Duration::from_secs(10),
        idle: IDLE,
        unread: UNREAD,
        pace: PACE,
    };
    (far, tokio::spawn(serve(Box::new(near), settings, shutdown, answer)), stopper)
}

/// The other end, on the same crate.
async fn client(io: DuplexStream) -> SendRequest<Bytes> {
    let (sender, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

fn request(method: Method) -> http::Request<()> {
    http::Request::builder().method(method).uri("https://a.example/").body(()).unwrap()
}

fn ask(sender: &mut SendRequest<Bytes>, request: http::Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
    sender.send_request(request, false).unwrap()
}

async fn whole(mut content: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut octets = Vec::new();
    while let Some(data) = content.data().await {
        let data = data?;
        content.flow_control().release_capacity(data.len())?;
        octets.extend_from_slice(&data);
    }
    Ok(octets)
}

/// Octets of content that breaks off, and how it does.
async fn until_broken(mut content: RecvStream) -> (usize, h2::Error) {
    let mut octets = 0;
    loop {
        match content.data().await.unwrap() {
            Ok(data) => octets += data.len(),
            Err(error) => return (octets, error),
        }
    }
}

fn frames(frames: Vec<Result<Frame<Bytes>, BoxError>>) -> Body {
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

fn early(status: u16, field: (&str, &str)) -> ResponseHead {
    let status = status.try_into().unwrap();
    ResponseHead { fields: Fields::of(&[field]), ..ResponseHead::of(status) }
}

#[tokio::test]
async fn an_independent_client_is_answered() {
    let (io, served, _stopper) = serving(async |request: Request<Content>| {
        let hint = request.content.size_hint().exact();
        let content = request.content.collect().await.unwrap().to_bytes();
        Response::new(body::full([&content[..], format!(" {hint:?}").as_bytes()].concat()))
    });
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    for (content, expected) in [("", " Some(0)"), ("hello", "hello Some(5)")] {
        let request = http::Request::post("https://a.example/").body(body::full(content)).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.headers()["content-length"], *expected.len().to_string());
        assert!(response.headers().contains_key("date"));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected);
    }
    drop(sender);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_is_taken_back_is_dropped_in_every_phase() {
    struct Gone(Arc<Notify>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for phase in ["made", "sent", "read"] {
        let gone = Arc::new(Notify::new());
        let guard = Arc::clone(&gone);
        let (io, _served, _stopper) = serving(move |request: Request<Content>| {
            let guard = Gone(Arc::clone(&guard));
            async move {
                match phase {
                    "made" => std::future::pending().await,
                    "read" => drop(request.content.collect().await),
                    _ => {}
                }
                let endless = stream::pending::<Result<Frame<Bytes>, BoxError>>();
                let held = stream::StreamExt::map(endless, move |frame| (&guard, frame).1);
                Response::new(StreamBody::new(held).boxed_unsync())
            }
        });
        let mut sender = client(io).await;
        let (response, mut content) = ask(&mut sender, request(Method::POST));
        content.send_data(Bytes::from_static(b"x"), false).unwrap();
        if phase == "sent" {
            assert_eq!(response.await.unwrap().status(), StatusCode::OK);
        }
        content.send_reset(Reason::CANCEL);
        gone.notified().await;
    }
}

/// What a client does not read, we do not take.
#[tokio::test]
async fn a_client_that_does_not_read_is_waited_for() {
    const FRAME: usize = 8 << 10;
    let made = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&made);
    let (io, _served, _stopper) = serving(move |_| {
        let counts = Arc::clone(&counts);
        async move {
            let frames = stream::iter(0..100_000).map(move |_| {
                counts.fetch_add(FRAME, Ordering::Relaxed);
                Ok::<_, BoxError>(Frame::data(Bytes::from_static(&[b'x'; FRAME])))
            });
            Response::new(StreamBody::new(frames).boxed_unsync())
        }
    });
    use stream::StreamExt as _;
    let mut sender = client(io).await;
    let (unread, _) = sender.send_request(request(Method::GET), true).unwrap();
    let unread = unread.await.unwrap();
    // Others on the connection are answered, so it is the stream's own window that is full.
    for _ in 0..20 {
        let (mut pings, _) = sender.send_request(request(Method::HEAD), true).unwrap();
        assert!(std::future::poll_fn(|cx| pings.poll_informational(cx)).await.is_none());
    }
    let window = 65_535;
    let made = made.load(Ordering::Relaxed);
    assert!((window..window + 4 * FRAME).contains(&made), "{made}");
    drop(unread);
}

/// With the next frame of it in our hands, or with all of it in the crate's.
#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_not_waited_for_for_ever() {
    for pieces in [3, 1] {
        let (io, _served, _stopper) = serving(move |_| async move {
            let piece = || Ok(Frame::data(Bytes::from(vec![b'x'; 100 << 10])));
            Response::new(frames((0..pieces).map(|_| piece()).collect()))
        });
        let mut sender = client(io).await;
        let (response, mut outgoing) = sender.send_request(request(Method::GET), true).unwrap();
        let mut content = response.await.unwrap().into_body();
        let data = content.data().await.unwrap().unwrap();
        tokio::time::sleep(UNREAD - Duration::from_secs(60)).await;
        // What lets more come sets the clock back, at the latest when it has run down.
        content.flow_control().release_capacity(data.len()).unwrap();
        let begun = tokio::time::Instant::now();
        let reason = std::future::poll_fn(|cx| outgoing.poll_reset(cx)).await.unwrap();
        assert_eq!(reason, Reason::CANCEL);
        assert!((UNREAD..UNREAD + Duration::from_secs(61)).contains(&begun.elapsed()), "{pieces}");
    }
}

#[tokio::test]
async fn trailers_go_both_ways_but_for_what_has_no_meaning_there() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let content = request.content.collect().await.unwrap();
        let mut trailers = content.trailers().unwrap().clone();
        assert_eq!(trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-sum"]);
        trailers.insert(CONTENT_LENGTH, HeaderValue::from_static("1"));
        trailers.insert(SET_COOKIE, HeaderValue::from_static("a=1"));
        frames_of(content.to_bytes(), trailers)
    });
    fn frames_of(content: Bytes, trailers: HeaderMap) -> Response<Body> {
        Response::new(frames(vec![Ok(Frame::data(content)), Ok(Frame::trailers(trailers))]))
    }
    let mut sender = client(io).await;
    let (response, mut content) = ask(&mut sender, request(Method::POST));
    content.send_data(Bytes::from_static(b"x"), false).unwrap();
    let sum: HeaderMap =
        [(HeaderName::from_static("x-sum"), HeaderValue::from_static("1"))].into_iter().collect();
    let mut trailers = sum.clone();
    trailers.insert(HOST, HeaderValue::from_static("other.example"));
    trailers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    content.send_trailers(trailers).unwrap();
    let mut answer = response.await.unwrap().into_body();
    assert_eq!(answer.data().await.unwrap().unwrap(), "x");
    assert!(answer.data().await.is_none());
    assert_eq!(answer.trailers().await.unwrap(), Some(sum));
}

#[tokio::test]
async fn content_ends_where_nothing_is_left_of_its_trailers() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let content = request.content.collect().await.unwrap();
        assert!(content.trailers().is_none());
        let useless = [(CONTENT_LENGTH, HeaderValue::from_static("1"))].into_iter().collect();
        Response::new(frames(vec![Ok(Frame::data(content.to_bytes())), Ok(Frame::trailers(useless))]))
    });
    let mut sender = client(io).await;
    let (response, mut content) = ask(&mut sender, request(Method::POST));
    content.send_data(Bytes::from_static(b"x"), false).unwrap();
    let useless = [(HOST, HeaderValue::from_static("other.example"))].into_iter().collect();
    content.send_trailers(useless).unwrap();
    let mut answer = response.await.unwrap().into_body();
    assert_eq!(answer.data().await.unwrap().unwrap(), "x");
    while let Some(data) = answer.data().await {
        assert!(data.unwrap().is_empty());
    }
    assert_eq!(answer.trailers().await.unwrap(), None);
}

#[tokio::test]
async fn content_that_breaks_off_resets_the_stream_after_what_came_before() {
    let (io, _served, _stopper) = serving(async |_: Request<Content>| {
        let data = Bytes::from(vec![b'x'; 40 << 10]);
        Response::new(frames(vec![Ok(Frame::data(data)), Err("broken".into())]))
    });
    let mut sender = client(io).await;
    let (response, _) = sender.send_request(request(Method::GET), true).unwrap();
    let (octets, broken) = until_broken(response.await.unwrap().into_body()).await;
    assert_eq!((octets, broken.reason()), (40 << 10, Some(Reason::INTERNAL_ERROR)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_what_came_before_a_break_is_not_waited_for_long() {
    let (io, _served, _stopper) = serving(async |_: Request<Content>| {
        // More than the client's window.
        let data = Bytes::from(vec![b'x'; 100 << 10]);
        Response::new(frames(vec![Ok(Frame::data(data)), Err("broken".into())]))
    });
    let mut sender = client(io).await;
    let begun = tokio::time::Instant::now();
    let (response, mut outgoing) = sender.send_request(request(Method::GET), true).unwrap();
    let _unread = response.await.unwrap();
    let reason = std::future::poll_fn(|cx| outgoing.poll_reset(cx)).await.unwrap();
    assert_eq!((reason, begun.elapsed().as_secs()), (Reason::INTERNAL_ERROR, 5));
}

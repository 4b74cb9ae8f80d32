mod content;
mod switched;

use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::message::{Fields, body};
use crate::net::switching::Switching;
use crate::shutdown::{self, Stopper};

const PATIENCE: Duration = Duration::from_secs(100);
const IDLE: Duration = Duration::from_secs(3600);

/// A connection that is served, and the end of the service. Stops when the sender is told or gone.
fn serving<A, R>(answer: A) -> (DuplexStream, JoinHandle<Result<(), ServeError>>, Stopper)
where
    A: Fn(Request<Content>) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let (near, far) = duplex(1 << 16);
    let (stopper, shutdown) = shutdown::channel();
    let settings = Settings { bounds: Bounds { size: 8 << 10, fields: 32 }, patience: PATIENCE, idle: IDLE };
    let served = tokio::spawn(async move {
        let refuse = |error: HeadError| {
            let mut response = Response::new(body::full(error.to_string()));
            response.head.status = error.status();
            response
        };
        serve(Box::new(near), settings, shutdown, answer, refuse).await
    });
    (far, served, stopper)
}

fn text(content: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(body::full(content));
    response.head.fields.insert(http::header::DATE, http::HeaderValue::from_static("then"));
    response
}

/// What the request says, and its content.
async fn echo(request: Request<Content>) -> Response<Body> {
    let path = request.head.uri.path().to_owned();
    match request.content.collect().await {
        Ok(content) => text([path.as_bytes(), b" ", &content.to_bytes()].concat()),
        Err(error) => text(error.to_string()),
    }
}

/// A response of this length.
fn ok(content: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: {}\r\n\r\n{content}", content.len())
}

async fn expect(client: &mut DuplexStream, octets: &str) {
    let mut read = vec![0; octets.len()];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), octets);
}

async fn rest(client: &mut DuplexStream) -> String {
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    rest
}

#[tokio::test]
async fn requests_are_answered_one_after_the_other_also_those_that_came_at_once() {
    let (mut client, served, _stopper) = serving(echo);
    let chunked =
        "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n1\r\nz\r\n0\r\nX-Sum: 3\r\n\r\n";
    let three = format!("POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi{chunked}GET /c HTTP/1.1\r\n\r\n");
    client.write_all(three.as_bytes()).await.unwrap();
    expect(&mut client, &[ok("/a hi"), ok("/b xyz"), ok("/c ")].concat()).await;
    client.write_all(b"GET /d HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut client).await.contains("connection: close\r\n"));
    drop(client);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_of_http_1_0_is_answered_in_its_version() {
    let (mut client, _served, _stopper) = serving(echo);
    client
        .write_all(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let said = rest(&mut client).await;
    assert_eq!(said.matches("HTTP/1.0 200 OK").count(), 2, "{said}");
    assert_eq!(said.matches("connection: keep-alive").count(), 1, "{said}");
    assert_eq!(said.matches("connection: close").count(), 1, "{said}");
}

#[tokio::test]
async fn responses_before_the_final_one_go_first_and_none_goes_after_it() {
    let (mut client, _served, _stopper) = serving(|request| async move {
        let interim = request.head.interim;
        if let Some(interim) = &interim {
            let fields = Fields::of(&[("link", "</x>"), ("content-length", "3")]);
            interim.tell(&ResponseHead { fields, ..ResponseHead::of(StatusCode::EARLY_HINTS) });
        }
        let late = async_stream(move || {
            let early = ResponseHead::of(StatusCode::PROCESSING);
            interim.iter().for_each(|interim| interim.tell(&early));
        });
        let mut response = Response::new(late);
        response.head.fields.insert(http::header::DATE, http::HeaderValue::from_static("then"));
        response
    });
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    expect(&mut client, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n").await;
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let said = rest(&mut client).await;
    assert!(!said.contains("102") && !said.contains("103"), "{said}");
}

/// Content that does something when it is read.
fn async_stream(when_read: impl Fn() + Send + 'static) -> Body {
    let frames = futures_util::stream::once(async move {
        when_read();
        Ok(http_body::Frame::data(bytes::Bytes::from_static(b"x")))
    });
    http_body_util::StreamBody::new(Box::pin(frames)).boxed_unsync()
}

#[tokio::test]
async fn a_client_that_leaves_cancels_what_was_asked_for_it() {
    struct Cancelled(std::sync::Arc<Notify>);
    impl Drop for Cancelled {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let gone = std::sync::Arc::new(Notify::new());
    let told = std::sync::Arc::clone(&gone);
    let (mut client, served, _stopper) = serving(move |request: Request<Content>| {
        let cancelled = Cancelled(std::sync::Arc::clone(&told));
        async move {
            // Another task reads the content, as one for HTTP/2 upstream does.
            tokio::spawn(request.content.collect()).await.unwrap().unwrap();
            std::future::pending::<()>().await;
            drop(cancelled);
            text("never")
        }
    });
    client.write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
    tokio::task::yield_now().await;
    drop(client);
    gone.notified().await;
    assert!(matches!(served.await.unwrap(), Err(ServeError::Left)));
}

#[tokio::test]
async fn content_that_breaks_off_is_never_ended_cleanly() {
    let (mut client, served, _stopper) = serving(|_| async {
        let frames = [Ok(http_body::Frame::data(bytes::Bytes::from_static(b"abc"))), Err("broken".into())];
        Response::new(http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
    });
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let said = rest(&mut client).await;
    assert!(said.ends_with("3\r\nabc\r\n"), "{said}");
    assert!(matches!(served.await.unwrap(), Err(ServeError::Sending(SendingError::Content(_)))));
}

#[tokio::test]
async fn what_is_no_request_is_told_so_and_ends_the_connection() {
    let (mut client, served, _stopper) = serving(echo);
    client
        .write_all(
            b"GET /a HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 06\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        )
        .await
        .unwrap();
    expect(&mut client, &ok("/a ")).await;
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n") && said.contains("connection: close"), "{said}");
    assert!(said.ends_with("a Content-Length that can be read in two ways"), "{said}");
    drop(client);
    assert!(matches!(served.await.unwrap(), Err(ServeError::Head(_))));
}

#[tokio::test(start_paused = true)]
async fn a_head_has_to_end_in_time_and_an_answer_may_take_longer() {
    let (mut client, served, _stopper) = serving(|request| async {
        tokio::time::sleep(2 * PATIENCE).await;
        echo(request).await
    });
    client.write_all(b"GET /a HTTP/1.1\r\n\r\n").await.unwrap();
    expect(&mut client, &ok("/a ")).await;
    let start = Instant::now();
    client.write_all(b"GET /a HTTP/1.1\r\n").await.unwrap();
    assert!(matches!(served.await.unwrap(), Err(ServeError::TooSlow)));
    assert_eq!(start.elapsed(), PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_a_response_is_not_waited_for_without_end() {
    let (mut client, served, _stopper) = serving(|_| async { text(vec![b'x'; 1 << 20]) });
    client.write_all(b"GET /a HTTP/1.1\r\n\r\n").await.unwrap();
    let start = Instant::now();
    for slow in 1..4 {
        tokio::time::sleep(IDLE * 9 / 10).await;
        client.read_exact(&mut [0; 4096]).await.unwrap();
        assert!(!served.is_finished(), "{slow}");
    }
    assert!(matches!(served.await.unwrap(), Err(ServeError::Stalled)));
    assert_eq!(start.elapsed(), IDLE * 9 / 10 * 3 + IDLE);

    // So it is with answers that nobody fetches, each of which is small.
    let (mut client, served, _stopper) = serving(echo);
    let asking = client.write_all(&b"GET /a HTTP/1.1\r\n\r\n".repeat(100_000)).await;
    assert!(asking.is_err(), "it reads no more than it can answer");
    assert!(matches!(served.await.unwrap(), Err(ServeError::Stalled)));
}

#[tokio::test]
async fn a_stop_ends_an_idle_connection_at_once_and_a_busy_one_after_its_answer() {
    let (mut client, served, stopper) = serving(echo);
    client.write_all(b"GET /a HTTP/1.1\r\n\r\n").await.unwrap();
    expect(&mut client, &ok("/a ")).await;
    drop(stopper);
    assert_eq!(rest(&mut client).await, "");
    drop(client);
    served.await.unwrap().unwrap();

    let asked = std::sync::Arc::new((Notify::new(), Notify::new()));
    let answering = std::sync::Arc::clone(&asked);
    let (mut client, served, stopper) = serving(move |request| {
        let answering = std::sync::Arc::clone(&answering);
        async move {
            answering.0.notify_one();
            answering.1.notified().await;
            echo(request).await
        }
    });
    client.write_all(b"GET /b HTTP/1.1\r\n\r\n").await.unwrap();
    asked.0.notified().await;
    drop(stopper);
    asked.1.notify_one();
    let said = rest(&mut client).await;
    assert!(said.contains("connection: close") && said.ends_with("/b "), "{said}");
    drop(client);
    served.await.unwrap().unwrap();
}

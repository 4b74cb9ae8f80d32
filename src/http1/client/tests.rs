use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::message::body::{self, Body as AnyBody};

fn connection(room: usize) -> (Connection, DuplexStream) {
    let (near, far) = duplex(room);
    (Connection::new(Box::new(near)), far)
}

fn request(content: &'static str) -> Request<AnyBody> {
    let content = if content.is_empty() { body::empty() } else { body::full(content) };
    http::Request::post("/a").header("Host", "h").body(content).unwrap().into()
}

/// Reads a request up to its end, and answers.
async fn answer(server: &mut DuplexStream, end: &str, response: &str) -> String {
    let mut read = String::new();
    while !read.ends_with(end) {
        read.push(char::from(server.read_u8().await.unwrap()));
    }
    server.write_all(response.as_bytes()).await.unwrap();
    read
}

async fn read<B>(response: Response<Content<B>>) -> Result<String, AnswerError>
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    Ok(String::from_utf8(response.content.collect().await?.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_connection_is_used_again_once_both_messages_have_ended() {
    let (connection, mut server) = connection(1024);
    for (response, content) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", ""),
    ] {
        let (answered, asked) =
            tokio::join!(connection.send(request("hi")), answer(&mut server, "hi", response));
        assert_eq!(asked, "POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi");
        let answered = answered.unwrap();
        assert!(content.is_empty() || !connection.is_usable(), "its content is still to come");
        assert_eq!(read(answered).await.unwrap(), content);
        assert!(connection.is_usable(), "{response}");
    }
}

#[tokio::test]
async fn it_is_not_used_again_where_the_server_would_not_answer_or_said_more_than_it_was_asked() {
    for (response, usable) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
    ] {
        let (connection, mut server) = connection(1024);
        let (answered, _) =
            tokio::join!(connection.send(request("")), answer(&mut server, "\r\n\r\n", response));
        assert_eq!(read(answered.unwrap()).await.unwrap(), "");
        assert_eq!(connection.is_usable(), usable, "{response}");
        drop(server);
        assert!(!connection.is_usable(), "it is closed");
        let unanswered = connection.send(request("")).await.unwrap_err();
        assert!(unanswered.unsent.is_some(), "nothing of it has left");
    }
}

#[tokio::test]
async fn a_response_that_is_cut_short_is_an_error() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokx",
    ] {
        let (connection, mut server) = connection(1024);
        let (answered, _) =
            tokio::join!(connection.send(request("")), answer(&mut server, "\r\n\r\n", response));
        drop(server);
        assert!(matches!(read(answered.unwrap()).await, Err(AnswerError::Content(_))), "{response}");
        assert!(!connection.is_usable());
    }
    let (connection, mut server) = connection(1024);
    let response = "HTTP/1.1 200 OK\r\n\r\nall of it";
    let (answered, _) = tokio::join!(connection.send(request("")), answer(&mut server, "\r\n\r\n", response));
    drop(server);
    assert_eq!(read(answered.unwrap()).await.unwrap(), "all of it");
}

#[tokio::test]
async fn what_is_no_response_is_an_error_and_the_request_is_not_sent_again() {
    let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(interim::LIMIT + 1);
    for response in
        ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", &flood]
    {
        let (connection, mut server) = connection(1 << 16);
        let (answered, _) =
            tokio::join!(connection.send(request("")), answer(&mut server, "\r\n\r\n", response));
        assert!(answered.unwrap_err().unsent.is_none(), "{response}");
    }
    let (connection, mut server) = connection(1024);
    let closes = async {
        answer(&mut server, "\r\n\r\n", "").await;
        drop(server);
    };
    let (answered, ()) = tokio::join!(connection.send(request("")), closes);
    assert!(matches!(answered.unwrap_err().error, AnswerError::Closed));
}

#[tokio::test]
async fn responses_before_the_final_one_are_told() {
    let (connection, mut server) = connection(1024);
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut asking = request("");
    let tells = Arc::clone(&told);
    asking.head.interim = Some(Interim::new(move |early| lock(&tells).push(early.status.as_u16())));
    let response = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let (answered, _) = tokio::join!(connection.send(asking), answer(&mut server, "\r\n\r\n", response));
    assert_eq!(answered.unwrap().head.status, 204);
    assert_eq!(*lock(&told), [100, 103]);
}

#[tokio::test]
async fn a_response_may_come_and_go_on_while_the_request_is_sent() {
    let (connection, mut server) = connection(16);
    let long = "x".repeat(100_000);
    let sent = http::Request::post("/a").body(body::full(long.clone())).unwrap().into();
    let echo = async {
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await.unwrap();
        while server.read_u8().await.unwrap() != b'x' {}
        server.write_all(b"x").await.unwrap();
        let mut rest = vec![0; 99_999];
        for part in rest.chunks_mut(8) {
            server.read_exact(part).await.unwrap();
            server.write_all(part).await.unwrap();
        }
    };
    let asking = async { read(connection.send(sent).await.unwrap()).await.unwrap() };
    let (content, ()) = tokio::join!(asking, echo);
    assert_eq!(content, long);
    assert!(connection.is_usable());
}

#[tokio::test]
async fn a_server_that_has_heard_enough_is_heard() {
    let (connection, mut server) = connection(64);
    let refuses = async {
        server.read_u8().await.unwrap();
        server.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
        drop(server);
    };
    let sent = http::Request::post("/a").body(body::full("x".repeat(100_000))).unwrap().into();
    let (answered, ()) = tokio::join!(connection.send(sent), refuses);
    let answered = answered.unwrap();
    assert_eq!(answered.head.status, 413);
    assert_eq!(read(answered).await.unwrap(), "no");
    assert!(!connection.is_usable());
}

#[tokio::test]
async fn content_that_breaks_off_is_no_request() {
    let (connection, mut server) = connection(1024);
    let frames = [Ok(http_body::Frame::data(Bytes::from_static(b"abc"))), Err("broken".into())];
    let content = http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let answered = connection.send(http::Request::post("/a").body(content).unwrap().into()).await;
    assert!(matches!(answered.unwrap_err().error, AnswerError::Sending(SendingError::Content(_))));
    drop(connection);
    let mut sent = String::new();
    server.read_to_string(&mut sent).await.unwrap();
    assert!(sent.ends_with("3\r\nabc\r\n"), "{sent}");
}

#[tokio::test]
async fn a_connection_that_became_something_else_is_taken_with_what_came_early() {
    let (connection, mut server) = connection(1024);
    let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nearly";
    let (answered, _) = tokio::join!(connection.send(request("")), answer(&mut server, "\r\n\r\n", response));
    assert_eq!(answered.unwrap().head.status, 101);
    let mut stream = connection.take().unwrap();
    let mut early = [0; 5];
    stream.read_exact(&mut early).await.unwrap();
    assert_eq!(&early, b"early");
    assert!(connection.take().is_none());
}

//! Requests that an origin of HTTP/2 says it has not processed (RFC 9113 §8.7): they are sent once more, where all of
//! their content is still there.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::join_all;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, StatusCode};

use crate::client::{self, within};
use crate::conversation::{Conversation, Stream};
use crate::errors::{CHAT, assert_openai_form, chat};
use crate::faults;
use crate::frames::OriginFrames;
use crate::origin::Origin;

/// One connection of an origin.
type Connection = h2::server::Connection<Box<dyn Stream>, Bytes>;

async fn accepted(origin: &Origin) -> Connection {
    within(h2::server::handshake(origin.accept().await.into_stream())).await.expect("a handshake")
}

async fn asked(connection: &mut Connection) -> (Request<RecvStream>, SendResponse<Bytes>) {
    within(connection.accept()).await.expect("a request").expect("a whole one")
}

/// Keeps a connection going.
fn keep(mut connection: Connection) {
    tokio::spawn(async move { while connection.accept().await.is_some() {} });
}

/// Refuses the one request on the next connection, which stays open.
async fn refuse(origin: &Origin) {
    let mut connection = accepted(origin).await;
    let (_, mut respond) = asked(&mut connection).await;
    respond.send_reset(Reason::REFUSED_STREAM);
    keep(connection);
}

/// Answers the one request on the next connection; its content.
async fn answer(origin: &Origin) -> BytesMut {
    let mut connection = accepted(origin).await;
    let (request, mut respond) = asked(&mut connection).await;
    keep(connection);
    assert!(request.headers().contains_key("api-key"));
    let (mut content, mut octets) = (request.into_body(), BytesMut::new());
    while let Some(data) = within(content.data()).await {
        octets.put(data.expect("content"));
    }
    let mut sending = respond.send_response(http::Response::new(()), false).expect("sent");
    sending.send_data(Bytes::from_static(b"good"), true).expect("sent");
    octets
}

#[tokio::test]
async fn a_stream_that_is_refused_goes_whole_on_another_connection() {
    let (origin, stage, _pki) = faults::http2().await;
    let (answered, content) = tokio::join!(chat(&stage), async {
        refuse(&origin).await;
        answer(&origin).await
    });
    assert_eq!((answered.status, &*answered.text()), (StatusCode::OK, "good"));
    assert_eq!(content, CHAT);
    assert!(origin.is_untouched());
}

#[tokio::test]
async fn a_stream_that_a_goodbye_leaves_out_goes_whole_on_another_connection() {
    for (method, path, sent) in [
        ("POST", "/v1/chat/completions", CHAT),
        ("POST", "/v1/responses/r/cancel", ""),
        ("GET", "/v1/files", ""),
    ] {
        let (origin, stage, _pki) = faults::http2().await;
        let host = stage.proxy.to_string();
        let request = match method {
            "GET" => client::get(&host, path),
            _ => client::post(&host, path, sent),
        };
        let (answered, content) = tokio::join!(client::ask(stage.proxy, request), async {
            let mut first = OriginFrames::over(origin.accept().await).await;
            first.asked().await;
            first.go_away(0, 0).await;
            let content = answer(&origin).await;
            // It stayed open for so long.
            drop(first);
            content
        });
        assert_eq!((answered.status, &*answered.text()), (StatusCode::OK, "good"), "{path}");
        assert_eq!(content, sent, "{path}");
        assert!(origin.is_untouched());
    }
}

/// An origin that refuses everything is not asked without end.
#[tokio::test]
async fn what_is_refused_twice_is_502() {
    let (origin, stage, _pki) = faults::http2().await;
    let (answered, ()) = tokio::join!(chat(&stage), async {
        refuse(&origin).await;
        refuse(&origin).await;
    });
    assert_openai_form(&answered, StatusCode::BAD_GATEWAY, "upstream_broken");
    assert!(origin.is_untouched());
}

/// What was refused for another reason may have been processed.
#[tokio::test]
async fn a_stream_that_is_reset_otherwise_is_not_sent_again() {
    let (origin, stage, _pki) = faults::http2().await;
    for reason in [Reason::CANCEL, Reason::INTERNAL_ERROR, Reason::NO_ERROR] {
        let serving = async {
            let mut connection = accepted(&origin).await;
            let (_, mut respond) = asked(&mut connection).await;
            respond.send_reset(reason);
            let more = connection.accept().await;
            panic!("{reason}: there is more: {more:?}");
        };
        let answered = tokio::select! {
            answered = chat(&stage) => answered,
            () = serving => return,
        };
        assert_openai_form(&answered, StatusCode::BAD_GATEWAY, "upstream_broken");
        assert!(origin.is_untouched(), "{reason}");
    }
}

#[tokio::test]
async fn content_that_has_begun_to_stream_is_not_sent_again() {
    let (origin, stage, _pki) = faults::http2().await;
    let mut client = Conversation::with(stage.proxy).await;
    let (begun, length) = (&CHAT[..CHAT.len() - 1], CHAT.len());
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    client.write(format!("{head}Content-Length: {length}\r\n\r\n{begun}")).await;
    let mut connection = accepted(&origin).await;
    let (request, mut respond) = asked(&mut connection).await;
    keep(connection);
    let first = within(request.into_body().data()).await.expect("its beginning");
    assert_eq!(first.expect("content"), begun);
    respond.send_reset(Reason::REFUSED_STREAM);
    let (said, _) = client.rest().await;
    assert!(said.starts_with("HTTP/1.1 502 "), "{said}");
    assert!(origin.is_untouched());
}

/// More than a little is not kept for as long as an answer takes.
#[tokio::test]
async fn long_content_is_not_sent_again() {
    let (origin, stage, _pki) = faults::http2().await;
    let host = stage.proxy.to_string();
    let content = format!(
        r#"{{"messages":[{{"role":"user","content":"{}"}}],"model":"gpt-4o"}}"#,
        "x".repeat(64 << 10)
    );
    let request = client::post(&host, "/v1/chat/completions", content);
    let (answered, ()) = tokio::join!(client::ask(stage.proxy, request), refuse(&origin));
    assert_openai_form(&answered, StatusCode::BAD_GATEWAY, "upstream_broken");
    assert!(origin.is_untouched());
}

#[tokio::test]
async fn those_who_wait_after_a_goodbye_share_one_new_connection() {
    const MANY: usize = 20;
    let (origin, stage, _pki) = faults::http2().await;
    let (first, _last) = tokio::join!(chat(&stage), async {
        let mut first = OriginFrames::over(origin.accept().await).await;
        let stream = first.asked().await;
        first.go_away(stream, 0).await;
        first.begin(stream, "").await;
        first.end(stream, "good").await;
        first
    });
    assert_eq!(first.text(), "good");
    let (answered, ()) = tokio::join!(join_all((0..MANY).map(|_| chat(&stage))), async {
        let mut connection = accepted(&origin).await;
        for _ in 0..MANY {
            let (_, mut respond) = asked(&mut connection).await;
            respond.send_response(http::Response::new(()), true).expect("sent");
        }
        keep(connection);
    });
    assert!(answered.iter().all(|answered| answered.status == StatusCode::OK));
    assert!(origin.is_untouched());
}

//! A proxy that is told to stop finishes what it has begun.

use std::time::{Duration, Instant};

use azure_openai_proxy::message::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{self, OPENAI_HOST, within};
use crate::stage::{Stage, Wishes, free_port};

const STREAM: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"one two three four five"}]}"#;

/// A proxy that would drain for longer than any test waits, before a resource that answers slowly.
async fn slow() -> Stage {
    let resource = |resource: &mut azure_openai_proxy::simulator::Settings| {
        resource.pace = Duration::from_millis(40);
    };
    let variables = &[("AZURE_OPENAI_PROXY_DRAIN_TIMEOUT", "1h")];
    Stage::with(Wishes { variables, resource: Some(resource) }).await
}

/// The request as HTTP/2 writes it: with an authority and without Host.
fn for_http2() -> Request<Body> {
    let mut request =
        client::post(OPENAI_HOST, &format!("https://{OPENAI_HOST}/v1/chat/completions"), STREAM);
    request.headers_mut().remove("host");
    request
}

async fn first_frame(response: &mut Response<Incoming>) -> Bytes {
    let frame = within(response.body_mut().frame()).await.expect("a frame").expect("an unbroken stream");
    frame.into_data().expect("data")
}

/// Reads a stream that has begun to its end, which has to be the right one.
async fn assert_completes(first: Bytes, rest: Response<Incoming>, way: &str) {
    let rest = client::whole(rest).await;
    let all = [&first[..], &rest.content].concat();
    assert!(all.ends_with(b"data: [DONE]\n\n"), "{way}: {}", String::from_utf8_lossy(&all));
}

#[tokio::test]
async fn streams_finish_and_nothing_new_begins() {
    let mut stage = slow().await;
    let mut mounted = client::http1_over(client::connect(stage.proxy).await).await;
    let request = client::post(&stage.proxy.to_string(), "/v1/chat/completions", STREAM);
    let mut over_http1 = within(mounted.send_request(request)).await.unwrap();
    let mut tunnel = client::intercepted_http2(stage.proxy, &stage.ca_pem).await;
    let mut over_http2 = within(tunnel.send_request(for_http2())).await.unwrap();
    assert_eq!((over_http1.status(), over_http2.status()), (StatusCode::OK, StatusCode::OK));
    let begun = [first_frame(&mut over_http1).await, first_frame(&mut over_http2).await];

    stage.stop_proxy();
    let [first_http1, first_http2] = begun;
    assert_completes(first_http1, over_http1, "HTTP/1.1").await;
    assert_completes(first_http2, over_http2, "HTTP/2").await;
    assert!(within(tunnel.send_request(for_http2())).await.is_err(), "GOAWAY was sent");
    within(stage.proxy_stopped()).await;
    assert!(TcpStream::connect(stage.proxy).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn connections_on_which_nothing_happens_do_not_hold_it_up() {
    let mut stage = slow().await;
    let mut silent = client::connect(stage.proxy).await;
    // As browsers connect before there is anything to ask.
    let authority = format!("{OPENAI_HOST}:443");
    let mut empty = client::tunnel(stage.proxy, &authority).await.unwrap();
    let tunnel = client::tunnel(stage.proxy, &authority).await.unwrap();
    let mut ready = client::tls(tunnel, OPENAI_HOST, &stage.ca_pem, &[]).await.unwrap();
    let mut idle = client::http1_over(client::connect(stage.proxy).await).await;
    let health = || client::get(&stage.proxy.to_string(), "/healthz");
    let answer = within(idle.send_request(health())).await.unwrap();
    assert_eq!(client::whole(answer).await.status, StatusCode::OK);
    let late = health();
    stage.stop_proxy();
    within(stage.proxy_stopped()).await;
    assert_eq!(within(silent.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(within(empty.read(&mut [0])).await.unwrap_or(0), 0);
    assert_eq!(within(ready.read(&mut [0])).await.unwrap_or(0), 0);
    assert!(within(idle.send_request(late)).await.is_err());
}

#[tokio::test]
async fn tunnels_go_on_until_the_deadline_and_are_cut_there() {
    let origin = TcpListener::bind(free_port()).await.unwrap();
    let mut stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_DRAIN_TIMEOUT", "300ms")]).await;
    let mut near = client::tunnel(stage.proxy, &origin.local_addr().unwrap().to_string()).await.unwrap();
    let (mut far, _) = within(origin.accept()).await.unwrap();

    let asked = Instant::now();
    stage.stop_proxy();
    near.write_all(b"still there").await.unwrap();
    let mut heard = [0; 11];
    within(far.read_exact(&mut heard)).await.unwrap();
    assert_eq!(&heard, b"still there");

    within(stage.proxy_stopped()).await;
    assert!(asked.elapsed() >= Duration::from_millis(300));
    // An end or a reset, but no more octets.
    assert_eq!(within(far.read(&mut heard)).await.unwrap_or(0), 0);
    assert_eq!(within(near.read(&mut heard)).await.unwrap_or(0), 0);
}

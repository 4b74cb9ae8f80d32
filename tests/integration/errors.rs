//! Every row of the table of errors: the status, its form, whether the connection goes on, and that
//! nothing was sent upstream.

use azure_openai_proxy::message::body;
use azure_openai_proxy::simulator::Progress;
use http::{Request, StatusCode};
use tokio::net::TcpSocket;

use crate::client::{self, OPENAI_HOST, Whole, within};
use crate::conversation::{Conversation, End};
use crate::origin::Origin;
use crate::stage::{AZURE_HOST, Stage, free_port};

/// A chat completion of a model that is mapped.
pub(crate) const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// A request behind one that ends the connection; nobody may take it for one.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// OpenAI's envelope is whole, and says what it should.
pub(crate) fn assert_openai_form(answer: &Whole, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["code"], code);
    for part in ["message", "type"] {
        assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{part} in {error}");
    }
    assert!(error.get("param").is_some(), "{error}");
    assert_eq!(answer.field("x-azure-openai-proxy-error"), code);
}

/// One line of text.
pub(crate) fn assert_text_form(answer: &Whole, status: StatusCode, reason: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.field("x-azure-openai-proxy-error"), reason);
    assert!(answer.field("content-type").starts_with("text/plain"), "{:?}", answer.fields);
    assert_eq!(answer.text().lines().count(), 1, "{}", answer.text());
}

/// The refusal of a tunnel.
pub(crate) async fn connect(stage: &Stage, authority: &str) -> Whole {
    client::whole(client::tunnel(stage.proxy, authority).await.expect_err("it is refused")).await
}

/// A chat completion by base URL.
pub(crate) async fn chat(stage: &Stage) -> Whole {
    let host = stage.proxy.to_string();
    client::ask(stage.proxy, client::post(&host, "/v1/chat/completions", CHAT)).await
}

#[tokio::test]
async fn a_bad_target_or_host_is_400_and_ends_the_connection() {
    let stage = Stage::set().await;
    for head in [
        "GET /v1/models HTTP/1.1\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: localhost, other\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: user@localhost\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: localhost:99999\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: \r\n",
        "GET http://user@other.example/ HTTP/1.1\r\nHost: other.example\r\n",
        "GET https://other.example/ HTTP/1.1\r\nHost: other.example\r\n",
        "GET ftp://other.example/ HTTP/1.1\r\nHost: other.example\r\n",
        "GET http://2130706433/ HTTP/1.1\r\nHost: 2130706433\r\n",
        "GET http://0x7f.1/ HTTP/1.1\r\nHost: 0x7f.1\r\n",
        "CONNECT other.example HTTP/1.1\r\nHost: other.example\r\n",
        "CONNECT other.example:0 HTTP/1.1\r\nHost: other.example\r\n",
        "CONNECT 2001:db8::1:443 HTTP/1.1\r\nHost: other.example\r\n",
        "CONNECT /v1/models HTTP/1.1\r\nHost: other.example\r\n",
        "GET other.example:80 HTTP/1.1\r\nHost: other.example\r\n",
    ] {
        let answer = client::raw(stage.proxy, format!("{head}\r\n{SMUGGLED}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head}{answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{head}{answer}");
    }
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn a_framing_conflict_is_400_and_ends_the_connection() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for fields in [
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
    ] {
        let request =
            format!("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n0\r\n\r\n{SMUGGLED}");
        let answer = client::raw(stage.proxy, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{fields}{answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{fields}{answer}");
    }
    assert!(origin.is_untouched());
}

#[tokio::test]
async fn inside_a_tunnel_400_is_in_openais_form() {
    let stage = Stage::set().await;
    for head in [
        "GET /v1/models HTTP/1.1\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nHost: api.openai.com\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: api.openai.com:x\r\n",
        "CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com\r\n",
        "CONNECT other.example:443 HTTP/1.1\r\nHost: api.openai.com\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: api.openai.com\r\n",
    ] {
        let mut client = Conversation::intercepted(stage.proxy, &stage.ca_pem).await;
        client.write(format!("{head}\r\n")).await;
        let (answer, _) = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head}{answer}");
        assert!(answer.contains(r#"{"error":{"#) && answer.contains("bad_request_target"), "{head}{answer}");
    }
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn an_operation_that_azure_lacks_is_404_and_nothing_is_sent() {
    let stage = Stage::set().await;
    let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
    for path in ["/v1/organization/users", "/v1/chatkit/sessions", "/v1/audio/voice_consents"] {
        let response = sender.send_request(client::post(OPENAI_HOST, path, CHAT)).await.unwrap();
        assert_openai_form(&client::whole(response).await, StatusCode::NOT_FOUND, "unsupported_on_azure");
    }
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn a_model_that_is_needed_and_not_there_is_400_and_nothing_is_sent() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_APIVERSION", "2024-10-21")]).await;
    let host = stage.proxy.to_string();
    for (content, code) in [
        (r#"{"messages":[]}"#, "missing_required_parameter"),
        (r#"{"model":""}"#, "empty_string"),
        (r#"{"model":7}"#, "invalid_type"),
        (r#"{"model":null}"#, "invalid_type"),
        (r#"["model"]"#, "invalid_content"),
        (r#"{"model":"a","model":"b"}"#, "repeated_parameter"),
    ] {
        let request = client::post(&host, "/v1/chat/completions", content);
        let answer = client::ask(stage.proxy, request).await;
        assert_openai_form(&answer, StatusCode::BAD_REQUEST, code);
        assert_eq!(answer.json()["error"]["param"], "model", "{content}");
    }
    assert!(stage.recorder.seen().is_empty());
}

/// Whatever carries the request upstream: HTTP/2 tells its sender less of what went wrong.
#[tokio::test]
async fn a_coding_that_is_not_read_here_is_415_with_those_that_are() {
    let stage = Stage::set().await;
    let mut request = client::post("localhost", "/v1/chat/completions", "{}");
    request.headers_mut().insert("content-encoding", "zstd".parse().unwrap());
    let answer = client::ask(stage.proxy, request).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.fields["accept-encoding"], "gzip, deflate");
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn a_second_model_behind_what_has_been_sent_is_400_and_the_request_is_not_completed() {
    let (first, rest) = (r#"{"model":"gpt-4o","messages":[],"#, r#""model":"gpt-4.1"}"#);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{first}",
        first.len() + rest.len()
    );
    let assert_refused = async |client: &mut Conversation| {
        client.write(rest).await;
        let answer = client.until("}}").await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("repeated_parameter"), "{answer}");
    };
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(&head).await;
    let mut upstream = origin.accept().await;
    upstream.until(r#""messages":[],"#).await;
    assert_refused(&mut client).await;
    assert!(!upstream.rest().await.0.contains('}'));

    let stage = Stage::set().await;
    let mut client = Conversation::with(stage.proxy).await;
    client.write(&head).await;
    within(stage.recorder.wait_for(|seen| seen.length > 0)).await;
    assert_refused(&mut client).await;
    within(stage.recorder.wait_for(|seen| seen.progress == Progress::Abandoned)).await;
}

#[tokio::test]
async fn content_without_a_model_in_its_first_part_is_413_and_ends_the_connection() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_BUFFERED_CONTENT", "64KiB")]).await;
    let content = format!(r#"{{"input":"{}","model":"gpt-4o"}}"#, "x".repeat(8 << 20));
    for intercepted in [false, true] {
        let mut client = match intercepted {
            true => Conversation::intercepted(stage.proxy, &stage.ca_pem).await,
            false => Conversation::with(stage.proxy).await,
        };
        let host = if intercepted { OPENAI_HOST } else { "localhost" };
        let length = content.len();
        client
            .write(format!(
                "POST /v1/embeddings HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
            ))
            .await;
        // All of it is taken, so that a client that writes to the end before it reads gets its answer.
        client.write(&content).await;
        let (answer, end) = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("content_too_large"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
        assert_eq!(end, End::Closed);
    }
    assert!(stage.recorder.seen().is_empty());
}

#[tokio::test]
async fn a_refused_connection_is_502() {
    // Bound and not listened on, so that nobody else gets the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(free_port()).unwrap();
    let nobody = socket.local_addr().unwrap();
    let stage = Stage::with_variables(&[("AZURE_OPENAI_ENDPOINT", &format!("http://{nobody}"))]).await;
    let answer = chat(&stage).await;
    assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_unreachable");
    assert!(answer.text().contains(&nobody.to_string()), "{}", answer.text());
    let answer = connect(&stage, &nobody.to_string()).await;
    assert_text_form(&answer, StatusCode::BAD_GATEWAY, "upstream_unreachable");
    assert!(answer.text().contains(&nobody.to_string()), "{}", answer.text());
    let forwarded = client::get(&nobody.to_string(), &format!("http://{nobody}/v1/models"));
    let answer = client::ask(stage.proxy, forwarded).await;
    assert_text_form(&answer, StatusCode::BAD_GATEWAY, "upstream_unreachable");
}

#[tokio::test]
async fn an_origin_that_speaks_no_tls_or_no_http_is_502() {
    let origin = Origin::plain();
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_RESOLVE", &resolve)]).await;
    let (answer, ()) = tokio::join!(chat(&stage), async {
        origin.accept().await.write("SSH-2.0-OpenSSH_9.9\r\n").await;
    });
    assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_tls");

    let stage = Stage::before(&origin, &[]).await;
    for nonsense in ["SSH-2.0-OpenSSH_9.9\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConten", ""] {
        let (answer, ()) = tokio::join!(chat(&stage), async {
            let mut upstream = origin.accept().await;
            upstream.head().await;
            upstream.octets(CHAT.len() + "demo-".len()).await;
            upstream.write(nonsense).await;
        });
        assert_openai_form(&answer, StatusCode::BAD_GATEWAY, "upstream_broken");
    }
}

#[tokio::test]
async fn no_handshake_in_time_is_504() {
    let origin = Origin::plain();
    let resolve = format!("{AZURE_HOST}:443:{}", origin.address());
    let variables =
        [("AZURE_OPENAI_PROXY_RESOLVE", &*resolve), ("AZURE_OPENAI_PROXY_CONNECT_TIMEOUT", "200ms")];
    let stage = Stage::with_variables(&variables).await;
    let answer = chat(&stage).await;
    assert_openai_form(&answer, StatusCode::GATEWAY_TIMEOUT, "upstream_connect_timeout");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_connection_in_time_is_504() {
    // A listener with no room left: its kernel drops what knocks.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(free_port()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let _first = client::connect(address).await;
    let endpoint = format!("http://{address}");
    let variables = [("AZURE_OPENAI_ENDPOINT", &*endpoint), ("AZURE_OPENAI_PROXY_CONNECT_TIMEOUT", "200ms")];
    let stage = Stage::with_variables(&variables).await;
    assert_openai_form(&chat(&stage).await, StatusCode::GATEWAY_TIMEOUT, "upstream_connect_timeout");
    let answer = connect(&stage, &address.to_string()).await;
    assert_text_form(&answer, StatusCode::GATEWAY_TIMEOUT, "upstream_connect_timeout");
}

#[tokio::test]
async fn no_first_byte_in_time_is_504_and_the_request_is_cancelled() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[("AZURE_OPENAI_PROXY_FIRST_BYTE_TIMEOUT", "200ms")]).await;
    let (answer, (_, end)) = tokio::join!(chat(&stage), async {
        let mut upstream = origin.accept().await;
        upstream.head().await;
        upstream.rest().await
    });
    assert_openai_form(&answer, StatusCode::GATEWAY_TIMEOUT, "upstream_timeout");
    assert_eq!(end, End::Closed);
}

#[tokio::test]
async fn too_many_connections_is_503_with_retry_after() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_MAX_CONNECTIONS", "1")]).await;
    let mut first = client::http1_over(client::connect(stage.proxy).await).await;
    let host = stage.proxy.to_string();
    let response = within(first.send_request(client::get(&host, "/healthz"))).await.unwrap();
    assert_eq!(client::whole(response).await.status, StatusCode::OK);
    let answer = client::ask(stage.proxy, client::get(&host, "/healthz")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_text_form(&answer, StatusCode::SERVICE_UNAVAILABLE, "too_many_connections");
    assert_eq!((answer.field("retry-after"), answer.field("connection")), ("1", "close"));
}

#[tokio::test]
async fn a_tunnel_counts_as_a_connection_until_it_ends() {
    let origin = Origin::plain();
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_MAX_CONNECTIONS", "1")]).await;
    let authority = origin.address().to_string();
    let (tunnel, _) = tokio::join!(client::tunnel(stage.proxy, &authority), origin.accept());
    let host = stage.proxy.to_string();
    let health = || client::ask(stage.proxy, client::get(&host, "/healthz"));
    assert_eq!(health().await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(tunnel);
    within(async { while health().await.status != StatusCode::OK {} }).await;
}

/// RFC 8441.
#[tokio::test]
async fn a_websocket_on_http2_counts_as_a_connection_beside_its_own() {
    let mapped = ("AZURE_OPENAI_MODEL_MAPPER", "rt=gpt-realtime");
    let stage = Stage::with_variables(&[mapped, ("AZURE_OPENAI_PROXY_MAX_CONNECTIONS", "2")]).await;
    let mut sender = client::http2_over(client::connect(stage.proxy).await).await;
    let mut open = async || {
        let mut request =
            Request::connect("http://localhost/v1/realtime?model=rt").body(body::empty()).unwrap();
        request.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
        request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
        within(sender.send_request(request)).await.unwrap()
    };
    let first = open().await;
    assert_eq!(first.status(), StatusCode::OK);
    let refused = client::whole(open().await).await;
    assert_openai_form(&refused, StatusCode::SERVICE_UNAVAILABLE, "too_many_connections");
    drop(first);
    let mut again = async || while open().await.status() != StatusCode::OK {};
    within(again()).await;
}

#[tokio::test]
async fn a_tunnel_on_http2_counts_as_a_connection_beside_its_own() {
    let stage = Stage::with_variables(&[("AZURE_OPENAI_PROXY_MAX_CONNECTIONS", "2")]).await;
    let mut sender = client::http2_over(client::connect(stage.proxy).await).await;
    let connect = |authority: &str| Request::connect(authority).body(body::empty()).unwrap();
    let first = within(sender.send_request(connect("api.openai.com:443"))).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    for authority in ["api.openai.com:443", "other.example:443"] {
        let refused = client::whole(within(sender.send_request(connect(authority))).await.unwrap()).await;
        assert_text_form(&refused, StatusCode::SERVICE_UNAVAILABLE, "too_many_connections");
        assert_eq!(refused.field("retry-after"), "1");
    }
    drop(first);
    let again = async {
        while sender.send_request(connect("api.openai.com:443")).await.unwrap().status() != StatusCode::OK {}
    };
    within(again).await;
}

#[tokio::test]
async fn the_proxys_own_address_is_508() {
    let stage = Stage::set().await;
    let port = stage.proxy.port();
    for authority in [
        stage.proxy.to_string(),
        format!("localhost:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
    ] {
        let answer = connect(&stage, &authority).await;
        assert_text_form(&answer, StatusCode::LOOP_DETECTED, "proxy_loop");
        let request = client::get(&authority, &format!("http://{authority}/v1/models"));
        let answer = client::ask(stage.proxy, request).await;
        assert_text_form(&answer, StatusCode::LOOP_DETECTED, "proxy_loop");
    }
}

#[tokio::test]
async fn an_origin_server_that_is_the_proxy_is_508() {
    let variables = [("AZURE_OPENAI_PROXY_MODE", "openai"), ("AZURE_OPENAI_PROXY_INTERCEPT", "localhost")];
    let stage = Stage::with_variables(&variables).await;
    let own = format!("localhost:{}", stage.proxy.port());
    let tunnel = client::tunnel(stage.proxy, &own).await.expect("its tunnels are ended here");
    let tls = client::tls(tunnel, "localhost", &stage.ca_pem, &["http/1.1"]).await.unwrap();
    let mut sender = client::http1_over(tls).await;
    let response = sender.send_request(client::get(&own, "/v1/models")).await.unwrap();
    assert_openai_form(&client::whole(response).await, StatusCode::LOOP_DETECTED, "proxy_loop");
}

//! Connections that become something else, or were asked to.

use super::*;

/// Agrees to whatever is asked for, and says what comes next in that.
async fn switch(mut request: Request<Content>) -> Response<Body> {
    let switching = request.head.extensions.remove::<Switching>().unwrap();
    let mut response = Response::new(body::empty());
    if request.head.method != http::Method::CONNECT {
        response.head.status = StatusCode::SWITCHING_PROTOCOLS;
        response.head.fields.insert(http::header::UPGRADE, http::HeaderValue::from_static("x"));
    }
    tokio::spawn(async move {
        let mut stream = switching.switched().await.unwrap();
        let mut said = [0; 5];
        stream.read_exact(&mut said).await.unwrap();
        stream.write_all(&said).await.unwrap();
    });
    response
}

#[tokio::test]
async fn a_connection_that_became_something_else_is_handed_over_with_what_came_early() {
    for head in ["CONNECT a:443 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"] {
        let (mut client, served, _stopper) = serving(switch);
        client.write_all(format!("{head}ear").as_bytes()).await.unwrap();
        served.await.unwrap().unwrap();
        client.write_all(b"ly").await.unwrap();
        let said = rest(&mut client).await;
        assert!(said.ends_with("\r\n\r\nearly") && !said.contains("content-length"), "{said}");
    }
}

#[tokio::test]
async fn octets_that_came_before_a_refusal_are_no_request() {
    let refuse = |_| async {
        let mut response = text("no");
        response.head.status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        response
    };
    for (head, goes_on) in
        [("CONNECT a:443 HTTP/1.1\r\n\r\n", true), ("CONNECT a:443 HTTP/1.1\r\n\r\nGET", false)]
    {
        let (mut client, _served, stopper) = serving(refuse);
        client.write_all(head.as_bytes()).await.unwrap();
        if goes_on {
            expect(
                &mut client,
                "HTTP/1.1 407 Proxy Authentication Required\r\ndate: then\r\ncontent-length: 2\r\n\r\nno",
            )
            .await;
            client.write_all(head.as_bytes()).await.unwrap();
        }
        if !goes_on {
            assert!(rest(&mut client).await.contains("connection: close"));
        }
        drop(stopper);
    }
    let (mut client, _served, _stopper) = serving(|_| async { text("no") });
    client.write_all(b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n").await.unwrap();
    expect(&mut client, &ok("no")).await;
}

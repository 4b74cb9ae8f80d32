//! Messages without content.

use super::*;

#[tokio::test]
async fn a_request_that_should_have_content_says_that_it_has_none() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let length = request.head.fields.text("content-length").unwrap_or("none").to_owned();
        http::Response::new(body::full(length)).into()
    });
    let mut sender = client(io).await;
    for (method, is_end, length) in [
        (Method::POST, true, "0"),
        (Method::PUT, true, "0"),
        (Method::GET, true, "none"),
        (Method::POST, false, "none"),
    ] {
        let (response, mut content) = sender.send_request(request(method.clone()), is_end).unwrap();
        if !is_end {
            content.send_data(Bytes::new(), true).unwrap();
        }
        let told = whole(response.await.unwrap().into_body()).await.unwrap();
        assert_eq!(String::from_utf8(told).unwrap(), length, "{method} {is_end}");
    }
}

#[tokio::test]
async fn what_has_no_content_ends_with_its_head() {
    let (io, _served, _stopper) = serving(async |request: Request<Content>| {
        let status: u16 = request.head.fields.text("x-status").unwrap().parse().unwrap();
        let response = http::Response::builder().status(status);
        let own = ["connection", "keep-alive", "proxy-connection", "te", "upgrade"];
        let response = own.iter().fold(response, |response, name| response.header(*name, "x"));
        response
            .header("content-length", "7")
            .header("x-kept", "1")
            .body(body::full("content"))
            .unwrap()
            .into()
    });
    let mut sender = client(io).await;
    for (method, status, length) in
        [(Method::HEAD, 200, Some("7")), (Method::GET, 204, None), (Method::GET, 304, Some("7"))]
    {
        let mut asked = request(method);
        asked.headers_mut().insert("x-status", http::HeaderValue::from(status));
        let (response, _) = sender.send_request(asked, true).unwrap();
        let response = response.await.unwrap();
        assert!(response.body().is_end_stream(), "{status}");
        let field = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), field("content-length")), (status, length));
        assert_eq!((field("connection"), field("te"), field("x-kept")), (None, None, Some("1")));
    }
}

use http::StatusCode;
use http_body_util::BodyExt;

use super::*;
use crate::shutdown;

/// What a request with these fields is answered; the media type and the content.
async fn ask(method: Method, host: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
    let fields = Fields::of(fields);
    let authority = HostPort::parse(host, Some(80)).unwrap();
    let (_stopper, stops) = shutdown::channel();
    let asked = Asked { method: &method, path, fields: &fields, authority: &authority };
    match respond(&testing::admin(), &asked, stops) {
        Ok(response) => {
            assert_eq!(response.head.fields.text("x-content-type-options"), Some("nosniff"), "{path}");
            assert!(!response.head.fields.contains("set-cookie"), "{path}");
            let media_type = response.head.fields.text(CONTENT_TYPE).unwrap().to_owned();
            let content = response.content;
            let content = if media_type == events::MEDIA_TYPE {
                Bytes::new()
            } else {
                content.collect().await.unwrap().to_bytes()
            };
            (StatusCode::OK.as_u16(), media_type, String::from_utf8_lossy(&content).into_owned())
        }
        Err(error) => (error.kind().status().as_u16(), String::new(), String::new()),
    }
}

#[tokio::test]
async fn each_page_is_what_it_says() {
    for (path, media_type, part) in [
        ("/", TEXT, "export https_proxy=http://127.0.0.1:8080"),
        ("/ca.pem", "application/x-pem-file", "-----BEGIN CERTIFICATE-----"),
        (CRL, CRL_TYPE, ""),
        (ROOT_CRL, CRL_TYPE, ""),
        ("/proxy.pac", pac::MEDIA_TYPE, "PROXY 127.0.0.1:8080"),
        ("/metrics", metrics::MEDIA_TYPE, "# EOF\n"),
        ("/events", events::MEDIA_TYPE, ""),
        (WELL_KNOWN, "application/json", "\"intercepted\":false"),
        ("/page/page.js", "text/javascript; charset=utf-8", "EventSource"),
    ] {
        let (status, told, content) = ask(Method::GET, "127.0.0.1:8080", path, &[]).await;
        assert_eq!((status, &*told, is_page(path)), (200, media_type, true), "{path}");
        assert!(content.contains(part), "{path}: {content}");
        assert!(path != "/ca.pem" || content.matches("-----BEGIN ").count() == 1, "the root and no more");
    }
    assert!(["/healthz", "/readyz"].into_iter().all(is_page) && !is_page("/metrics/"));
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    assert_eq!(ask(Method::GET, "localhost:8080", "/", &browser).await.1, "text/html; charset=utf-8");
}

#[tokio::test]
async fn pages_are_for_known_names_read_only_and_no_others() {
    for (method, host, path, status) in [
        (Method::GET, "localhost", "/ca.pem", 200),
        (Method::HEAD, "[::1]:8080", "/ca.pem", 200),
        (Method::GET, "proxy.internal", "/ca.pem", 200),
        (Method::GET, "rebound.example:8080", "/metrics", 404),
        (Method::GET, "192.0.2.1:8080", "/events", 404),
        (Method::GET, "localhost", "/page/../ca.pem", 404),
        (Method::GET, "localhost", "/page/index.html", 404),
        (Method::POST, "localhost", "/", 405),
        (Method::DELETE, "localhost", "/events", 405),
    ] {
        assert_eq!(ask(method.clone(), host, path, &[]).await.0, status, "{method} {host} {path}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_reads_nothing() {
    let (site, mode, dest) = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest");
    for (path, fields, status) in [
        ("/events", &[(site, "same-origin")][..], 200),
        ("/ca.pem", &[(site, "none"), (mode, "navigate")], 200),
        ("/", &[(site, "cross-site"), (mode, "navigate"), (dest, "document")], 200),
        ("/", &[(site, "cross-site"), (mode, "navigate"), (dest, "iframe")], 404),
        ("/", &[(site, "cross-site"), (mode, "no-cors")], 404),
        ("/events", &[(site, "cross-site"), (mode, "navigate"), (dest, "document")], 404),
        ("/events", &[(site, "same-site"), (mode, "cors")], 404),
        ("/events", &[("origin", "http://localhost:8080")], 200),
        ("/events", &[("origin", "http://localhost:3000")], 404),
        ("/events", &[("origin", "https://evil.example")], 404),
        ("/events", &[("origin", "null")], 404),
    ] {
        assert_eq!(ask(Method::GET, "localhost:8080", path, fields).await.0, status, "{path} {fields:?}");
    }
}

//! What goes through goes through octet by octet, but for what has to change.

use http::StatusCode;

use crate::client::{self, OPENAI_HOST};
use crate::conversation::{Conversation, End};
use crate::origin::{Origin, Pki};
use crate::stage::Stage;

/// Spaces, numbers and repeated keys as nobody would write them again.
const ODD: &str =
    "{ \"seed\":1e2,\t\"n\": 1.0,\"model\" :\"gpt-4o\",\"x\":{\"model\":\"no\"},\"é\":\"\\u00e9\",\"n\":-0 }";

/// `ODD` as the origin gets it in azure mode.
const ODD_MAPPED: &str = "{ \"seed\":1e2,\t\"n\": 1.0,\"model\" :\"demo-gpt-4o\",\"x\":{\"model\":\"no\"},\"é\":\"\\u00e9\",\"n\":-0 }";

/// Fields that concern the hop from the client to us.
const OF_THIS_HOP: &str = "Connection: keep-alive, X-Named\r\nX-Named: 1\r\nconnection: x-other\r\nX-Other: 2\r\n\
    Keep-Alive: timeout=5\r\nTE: deflate\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic c2VjcmV0\r\n";

#[tokio::test]
async fn in_openai_mode_all_but_the_hop_is_as_it_came() {
    let pki = Pki::new();
    let origin = Origin::secure(pki.server(OPENAI_HOST));
    let resolve = format!("{OPENAI_HOST}:443:{}", origin.address());
    let roots = pki.root_file().display().to_string();
    let variables = [
        ("AZURE_OPENAI_PROXY_MODE", "openai"),
        ("AZURE_OPENAI_PROXY_RESOLVE", &*resolve),
        ("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", &roots),
    ];
    let stage = Stage::with_variables(&variables).await;
    let mut client = Conversation::intercepted(stage.proxy, &stage.ca_pem).await;
    let request_line = "POST /v1//chat/%63ompletions/../x?a=1&a=2&b=%7E%2f&&c HTTP/1.1";
    let end_to_end = format!(
        "Accept: */*\r\nACCEPT-encoding: gzip, br\r\nX-MiXed: One\r\nx-mixed: \"two, three\"\r\n\
         Authorization: Bearer sk-of-the-client\r\nOpenAI-Organization: org-1\r\nOpenAI-Project: p\r\n\
         User-Agent: Odd/1.0 (\u{e9})\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        ODD.len()
    );
    client
        .write(format!("{request_line}\r\nHost: {OPENAI_HOST}\r\n{OF_THIS_HOP}{end_to_end}\r\n{ODD}"))
        .await;
    let mut upstream = origin.accept().await;
    let expected = format!("{request_line}\r\nHost: {OPENAI_HOST}\r\n{end_to_end}\r\n");
    assert_eq!(upstream.head().await, expected);
    assert_eq!(upstream.octets(ODD.len()).await, ODD.as_bytes());

    let answer = "HTTP/1.1 299 Odd\r\nX-OdD: one\r\nX-Odd: two\r\ncontent-TYPE: a/b\r\n\
                  Strict-Transport-Security: max-age=1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                  Date: Mon, 01 Jan 2001 00:00:00 GMT\r\nServer: other\r\nContent-Length: 3\r\n";
    let hop = "Connection: X-Named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n";
    upstream.write(format!("{answer}{hop}\r\n\0\u{e9}")).await;
    assert_eq!(client.head().await, format!("{answer}\r\n"));
    assert_eq!(client.octets(3).await, "\0\u{e9}".as_bytes());
}

#[tokio::test]
async fn in_azure_mode_the_credential_the_place_and_the_model_change() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::intercepted(stage.proxy, &stage.ca_pem).await;
    let fields = "Accept-Encoding: gzip, br\r\nX-MiXed: One\r\nx-mixed: two\r\nContent-Type: application/json\r\n\
                  Cookie: a=b\r\nx-stainless-lang: python\r\n";
    let credentials = "Authorization: Bearer sk-of-the-client\r\nOpenAI-Organization: org-1\r\n\
                       OpenAI-Project: p\r\n";
    client
        .write(format!(
            "POST /v1/chat/completions?a=1&a=2&b=%7E%2f&&c HTTP/1.1\r\nHost: {OPENAI_HOST}\r\n{OF_THIS_HOP}\
             {credentials}{fields}Content-Length: {}\r\n\r\n{ODD}",
            ODD.len()
        ))
        .await;
    let mut upstream = origin.accept().await;
    let head = upstream.head().await;
    let mut lines: Vec<_> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /openai/v1/chat/completions?a=1&a=2&b=%7E%2f&&c HTTP/1.1");
    let (host, key) = (format!("Host: {}", origin.address()), format!("api-key: {}", stage.key));
    let length = format!("Content-Length: {}", ODD_MAPPED.len());
    let mut expected: Vec<_> = fields.trim_end().split("\r\n").collect();
    expected.extend([&*host, &*key, &*length]);
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!(upstream.octets(ODD_MAPPED.len()).await, ODD_MAPPED.as_bytes());
}

#[tokio::test]
async fn chunks_stay_chunks_and_a_length_stays_a_length() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    client.write(format!("{head}Transfer-Encoding: chunked\r\n\r\n")).await;
    for part in ODD.as_bytes().chunks(9) {
        client.write(format!("{:x};ext=1\r\n", part.len())).await;
        client.write(part).await;
        client.write("\r\n").await;
    }
    client.write("0\r\n\r\n").await;
    let mut upstream = origin.accept().await;
    let seen = upstream.head().await.to_ascii_lowercase();
    assert!(seen.contains("transfer-encoding: chunked\r\n") && !seen.contains("content-length"), "{seen}");
    assert_eq!(dechunked(&upstream.until("\r\n0\r\n\r\n").await), ODD_MAPPED);
    upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert!(client.head().await.contains("Content-Length: 0\r\n"));

    client.write(format!("{head}Content-Length: {}\r\n\r\n{ODD}", ODD.len())).await;
    let seen = upstream.head().await.to_ascii_lowercase();
    assert!(seen.contains(&format!("content-length: {}\r\n", ODD_MAPPED.len())), "{seen}");
    assert!(!seen.contains("transfer-encoding"), "{seen}");
    assert_eq!(upstream.octets(ODD_MAPPED.len()).await, ODD_MAPPED.as_bytes());
    upstream.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    assert!(client.head().await.to_ascii_lowercase().contains("transfer-encoding: chunked\r\n"));
    assert_eq!(dechunked(&client.until("0\r\n\r\n").await), "ok");
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_continue_is_told() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    let length = ODD.len();
    client
        .write(format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
             Content-Length: {length}\r\n\r\n"
        ))
        .await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write(ODD).await;
    let mut upstream = origin.accept().await;
    upstream.head().await;
    upstream.octets(ODD_MAPPED.len()).await;
    upstream.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_form_whose_model_comes_after_its_file_is_changed_in_that_alone() {
    const FORM: &str = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\
        Content-Type: audio/wav\r\n\r\n\0\u{1}--b name=\"model\"\r\n\r\nwhisper-1\r\n\r\n--b\r\n\
        content-disposition: form-data; name=\"model\"\r\n\r\nMODEL\r\n--b\r\n\
        Content-Disposition: form-data; name=\"temperature\"\r\n\r\n0.10\r\n--b--\r\nepilogue";
    for (version, path) in [
        ("v1", "/openai/deployments/demo-whisper/audio/transcriptions?api-version=2025-04-01-preview"),
        ("2024-10-21", "/openai/deployments/demo-whisper/audio/transcriptions?api-version=2024-10-21"),
    ] {
        let stage = Stage::with_variables(&[("AZURE_OPENAI_APIVERSION", version)]).await;
        let mut sender = client::intercepted(stage.proxy, &stage.ca_pem).await;
        let mut request =
            client::post(OPENAI_HOST, "/v1/audio/transcriptions", FORM.replace("MODEL", "whisper-1"));
        let form = "multipart/form-data; boundary=b".parse().unwrap();
        request.headers_mut().insert("content-type", form);
        let answer = client::whole(sender.send_request(request).await.unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let seen = stage.recorder.seen().pop().unwrap();
        assert_eq!(seen.path_and_query, path);
        assert_eq!(String::from_utf8_lossy(&seen.content), FORM.replace("MODEL", "demo-whisper"));
    }
}

#[tokio::test]
async fn on_the_classic_surface_the_content_is_mapped_as_on_v1() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[("AZURE_OPENAI_APIVERSION", "2024-10-21")]).await;
    let mut client = Conversation::with(stage.proxy).await;
    let length = ODD.len();
    client
        .write(format!(
            "POST /v1/chat/completions?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{ODD}"
        ))
        .await;
    let mut upstream = origin.accept().await;
    let request_line =
        "POST /openai/deployments/demo-gpt-4o/chat/completions?a=b&api-version=2024-10-21 HTTP/1.1\r\n";
    assert!(upstream.head().await.starts_with(request_line));
    assert_eq!(upstream.octets(ODD_MAPPED.len()).await, ODD_MAPPED.as_bytes());
}

#[tokio::test]
async fn answers_without_content_have_none_and_the_connection_goes_on() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    let mut upstream = None;
    for (method, answer, framing) in [
        ("HEAD", "200 OK\r\nContent-Length: 42\r\n", "Content-Length: 42\r\n"),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked\r\n", ""),
        ("DELETE", "204 No Content\r\n", ""),
        // What the content's length would have been (RFC 9110 §8.6).
        ("GET", "304 Not Modified\r\nContent-Length: 42\r\nETag: \"x\"\r\n", "Content-Length: 42\r\n"),
        ("GET", "304 Not Modified\r\nETag: \"x\"\r\n", ""),
        ("GET", "200 OK\r\nContent-Length: 0\r\n", "Content-Length: 0\r\n"),
    ] {
        client.write(format!("{method} /v1/files/f HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        let upstream = match &mut upstream {
            Some(upstream) => upstream,
            None => upstream.insert(origin.accept().await),
        };
        let head = upstream.head().await;
        assert!(head.starts_with(&format!("{method} /openai/v1/files/f HTTP/1.1\r\n")), "{head}");
        assert!(!head.to_ascii_lowercase().contains("content-length"), "nothing is invented: {head}");
        upstream.write(format!("HTTP/1.1 {answer}\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {}", &answer[..3])), "{head}");
        let framed = head.lines().filter(|line| line.to_ascii_lowercase().starts_with("content-length"));
        assert_eq!(
            framed.map(|line| format!("{line}\r\n")).collect::<String>(),
            framing,
            "{method} {answer}"
        );
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_content_up_to_the_end_of_its_connection() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    for host in ["", "Host: localhost\r\n"] {
        let mut client = Conversation::with(stage.proxy).await;
        client.write(format!("GET /v1/files HTTP/1.0\r\n{host}\r\n")).await;
        let mut upstream = origin.accept().await;
        assert!(upstream.head().await.starts_with("GET /openai/v1/files HTTP/1.1\r\n"));
        upstream
            .write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
            .await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.0 200 "), "{head}");
        assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
        assert_eq!(client.rest().await, ("onetwo".into(), End::Closed));
    }
    let mut client = Conversation::intercepted(stage.proxy, &stage.ca_pem).await;
    client.write("GET /v1/files HTTP/1.0\r\n\r\n").await;
    let mut upstream = origin.accept().await;
    upstream.head().await;
    upstream.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    assert!(client.rest().await.0.ends_with("\r\n\r\nok"), "without Host it is for the tunnel's host");
}

#[tokio::test]
async fn a_web_page_may_ask_and_may_read() {
    let origin = Origin::plain();
    let stage = Stage::before(&origin, &[]).await;
    let mut client = Conversation::with(stage.proxy).await;
    client
        .write(
            "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\
             Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-odd\r\n\r\n",
        )
        .await;
    let head = client.head().await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 20"), "{head}");
    assert!(head.contains("access-control-allow-origin: *\r\n"), "{head}");
    assert!(head.contains("access-control-allow-methods:") && head.contains("post"), "{head}");
    assert!(head.contains("access-control-allow-headers:") && head.contains("x-odd"), "{head}");
    assert!(origin.is_untouched(), "it is answered here");

    client.write("GET /v1/files HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\r\n").await;
    let mut upstream = origin.accept().await;
    assert!(upstream.head().await.contains("\r\nOrigin: http://localhost:3000\r\n"));
    upstream
        .write(
            "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: https://ai.azure.com\r\n\
             Access-Control-Allow-Credentials: true\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
    let head = client.head().await.to_ascii_lowercase();
    assert_eq!(head.matches("access-control-allow-origin").count(), 1, "{head}");
    assert!(head.contains("access-control-allow-origin: *\r\n"), "{head}");
    assert!(!head.contains("access-control-allow-credentials"), "{head}");

    // What is refused here has to be readable too, or the page learns nothing.
    client
        .write(
            "GET /v1/organization/users HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\r\n",
        )
        .await;
    let head = client.head().await.to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 404 ") && head.contains("access-control-allow-origin: *\r\n"),
        "{head}"
    );
}

/// The content in chunks.
fn dechunked(mut text: &str) -> String {
    let mut content = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        content.push_str(&rest[..size]);
        text = &rest[(size + 2).min(rest.len())..];
    }
    content
}

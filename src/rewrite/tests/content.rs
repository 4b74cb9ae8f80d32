//! What becomes of content.

use http::StatusCode;
use http::header::CONTENT_LENGTH;

use super::*;

const FORM: &str = "multipart/form-data; boundary=B";

fn form(model: &str) -> String {
    format!(
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\0\u{1}\r\n--B\r\n\
         Content-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--B--\r\n"
    )
}

#[test]
fn replaces_the_models_octets_and_no_others() {
    let json = "application/json";
    let form_in = form("gpt-4o");
    let form_out = form("prod-4o");
    for (surface, line, kind, content, sent) in [
        (
            "v1",
            "POST /v1/chat/completions",
            json,
            r#"{ "n":1.0,"model" :"gpt-4o","n":2}"#,
            r#"{ "n":1.0,"model" :"prod-4o","n":2}"#,
        ),
        ("2024-10-21", "POST /v1/embeddings", json, r#"{"model":"gpt\u002d4o"}"#, r#"{"model":"prod-4o"}"#),
        ("v1", "POST /v1/embeddings", json, r#"{"model":"g\u0070t-5"}"#, r#"{"model":"g\u0070t-5"}"#),
        ("v1", "POST /v1/fine_tuning/jobs", json, r#"{"model":"gpt-4o"}"#, r#"{"model":"gpt-4o"}"#),
        (
            "v1",
            "POST /v1/realtime/client_secrets",
            json,
            r#"{"session":{"model":"gpt-4o"}}"#,
            r#"{"session":{"model":"prod-4o"}}"#,
        ),
        (
            "v1",
            "POST /v1/live/sessions/s/accept",
            json,
            r#"{"session":{"delegation":{"responses":{"model":"gpt-4o"}},"model":"gpt-4o"}}"#,
            r#"{"session":{"delegation":{"responses":{"model":"prod-4o"}},"model":"prod-4o"}}"#,
        ),
        ("v1", "POST /v1/images/edits", FORM, &form_in, &form_out),
        ("2024-10-21", "POST /v1/audio/transcriptions", FORM, &form_in, &form_out),
        // On v1 what names no model goes on as it is: Azure judges it.
        ("v1", "POST /v1/chat/completions", json, r#"{"model":4}"#, r#"{"model":4}"#),
        ("v1", "POST /v1/chat/completions", json, "not json", "not json"),
        ("v1", "POST /v1/realtime/calls", "application/sdp", "v=0\r\n", "v=0\r\n"),
        ("v1", "POST /v1/videos", "multipart/form-data", "x", "x"),
    ] {
        for size in [1, 5, 4096] {
            let length = content.len().to_string();
            let request = Request::new(line, &[("content-type", kind), ("content-length", &length)]);
            let (head, content) = request.send(&settings(surface), content.as_bytes(), size).unwrap();
            assert_eq!(String::from_utf8(content).unwrap(), sent, "{line}");
            assert_eq!(head.fields().text(CONTENT_LENGTH).unwrap(), sent.len().to_string(), "{line}");
        }
    }
}

#[test]
fn refuses_content_that_the_route_hangs_on_and_says_why() {
    let json = "application/json";
    let chat = "POST /v1/chat/completions";
    for (surface, line, kind, coding, content, code) in [
        ("2024-10-21", chat, json, "", "{}", "missing_required_parameter"),
        ("2024-10-21", chat, json, "", "", "missing_required_parameter"),
        ("2024-10-21", chat, json, "", r#"{"model":""}"#, "empty_string"),
        ("2024-10-21", chat, json, "", r#"{"model":{}}"#, "invalid_type"),
        ("2024-10-21", chat, json, "", "[", "invalid_content"),
        ("2024-10-21", chat, json, "", r#"{"model":"m"#, "invalid_content"),
        ("2024-10-21", "POST /v1/audio/transcriptions", "multipart/form-data", "", "", "invalid_content"),
        ("2024-10-21", chat, json, "zstd", "", "unsupported_content_encoding"),
        ("2024-10-21", chat, json, "deflate, gzip", "", "unsupported_content_encoding"),
        ("2024-10-21", chat, json, "gzip", "no such thing", "invalid_content"),
        ("2024-10-21", chat, json, "deflate", "", "invalid_content"),
        ("v1", chat, json, "identity, br", "", "unsupported_content_encoding"),
        ("v1", "POST /v1/audio/translations", json, "", "{}", "missing_required_parameter"),
        ("v1", chat, json, "identity", r#"{"model":"a","model":"a"}"#, "repeated_parameter"),
        ("v1", "POST /v1/moderations", json, "", r#"{"model":1,"model":"a"}"#, "repeated_parameter"),
    ] {
        for size in [1, 4096] {
            let request = Request::new(line, &[("content-type", kind), ("content-encoding", coding)]);
            let refusal = request.send(&settings(surface), content.as_bytes(), size).unwrap_err();
            let status = match code {
                "unsupported_content_encoding" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                _ => StatusCode::BAD_REQUEST,
            };
            assert_eq!((refusal.code(), refusal.status()), (code, status), "{line} {content}");
            assert_eq!(refusal.param(), Some("model"), "{line} {content}");
        }
    }
}

#[test]
fn compressed_content_passes_where_nothing_is_mapped() {
    let mut settings = settings("v1");
    settings.models = "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301".parse().unwrap();
    let request = Request::new("POST /v1/responses", &[("content-encoding", "zstd")]);
    assert!(matches!(request.plan(&settings), Ok(Plan::Pass(_))));
}

#[test]
fn what_describes_the_old_content_does_not_go_with_the_new() {
    let lines = [("content-digest", "sha-256=:x:"), ("content-md5", "x")];
    let request = Request::new("POST /v1/responses", &lines);
    let (mapped, _) = request.send(&settings("v1"), br#"{"model":"gpt-4o"}"#, 9).unwrap();
    assert!(!mapped.fields().contains("content-digest") && !mapped.fields().contains("content-md5"));
    let (same, _) = request.send(&settings("v1"), br#"{"model":"gpt-5"}"#, 9).unwrap();
    assert!(same.fields().contains("content-digest") && same.fields().contains("content-md5"));
}

#[test]
fn a_length_that_cannot_be_true_is_not_sent() {
    let request = Request::new("POST /v1/responses", &[("content-length", "3")]);
    let (sent, _) = request.send(&settings("v1"), br#"{"model":"gpt-4o"}"#, 99).unwrap();
    assert!(!sent.fields().contains(CONTENT_LENGTH));
}

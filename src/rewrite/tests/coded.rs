//! Content that is compressed, and content that is changed in several places.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use proptest::prelude::*;

use super::*;
use crate::rewrite::extras::Extras;

fn coded(coding: &str, content: &str) -> Vec<u8> {
    let level = Compression::fast();
    match coding {
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(content.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(content.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn request<'a>(line: &'a str, coding: &'a str, length: usize) -> Request<'a> {
    let length = length.to_string();
    Request::new(line, &[("content-encoding", coding), ("content-length", &length), ("digest", "x")])
}

#[test]
fn compressed_content_is_sent_decoded_only_where_its_model_changes() {
    for coding in ["gzip", "X-GZip", "deflate"] {
        for (surface, line) in [("v1", "POST /v1/responses"), ("2024-10-21", "POST /v1/embeddings")] {
            for size in [1, 7, 4096] {
                let came = coded(coding, r#"{"input":"x","model":"gpt-5"}"#);
                let same = request(line, coding, came.len());
                let (head, sent) = same.send(&settings(surface), &came, size).unwrap();
                assert_eq!(sent, came);
                assert_eq!(head.route().model().map(AsRef::as_ref), Some("gpt-5"));
                assert_eq!(head.fields().text(CONTENT_ENCODING).unwrap(), coding);
                assert_eq!(head.fields().text("digest").unwrap(), "x");

                let came = coded(coding, r#"{"input":"x","model":"gpt-4o"}"#);
                let other = request(line, coding, came.len());
                let (head, sent) = other.send(&settings(surface), &came, size).unwrap();
                assert_eq!(sent, br#"{"input":"x","model":"prod-4o"}"#);
                assert!(!head.fields().contains(CONTENT_ENCODING));
                assert!(!head.fields().contains("digest"));
                assert_eq!(head.fields().text(CONTENT_LENGTH).unwrap(), sent.len().to_string());
            }
        }
    }
}

#[test]
fn content_that_breaks_its_coding_is_refused_only_where_somebody_has_to_read_it() {
    let mut came = coded("gzip", r#"{"model":"gpt-4o"}"#);
    let model_is_read = came.len() - 8;
    came[model_is_read] ^= 1;
    let refusal = request("POST /v1/responses", "gzip", 9).send(&settings("v1"), &came, 9).unwrap_err();
    assert_eq!((refusal.code(), refusal.status().as_u16()), ("invalid_content", 400));
    let (_, sent) = request("POST /v1/responses", "gzip", 4).send(&settings("v1"), b"none", 9).unwrap();
    assert_eq!(sent, b"none", "Azure judges it");
    let refusal = request("POST /v1/embeddings", "gzip", 4).send(&settings("2024-10-21"), b"none", 9);
    assert_eq!(refusal.unwrap_err().code(), "invalid_content");
}

#[test]
fn a_second_model_is_found_behind_a_coding_too() {
    let came = coded("gzip", r#"{"model":"gpt-5","model":"gpt-4o"}"#);
    let refusal = request("POST /v1/responses", "gzip", 9).send(&settings("v1"), &came, 3).unwrap_err();
    assert_eq!(refusal.code(), "repeated_parameter");
}

#[test]
fn a_classic_model_is_found_behind_a_coding_too() {
    let mut settings = settings("v1");
    settings.models = "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301".parse().unwrap();
    for (model, path) in [
        ("completions-only", "/openai/deployments/completions-only/completions"),
        ("gpt-4o", "/openai/v1/completions"),
    ] {
        let came = coded("gzip", &format!(r#"{{"model":"{model}"}}"#));
        let asked = request("POST /v1/completions", "gzip", came.len());
        let (head, sent) = asked.send(&settings, &came, 7).unwrap();
        assert_eq!((head.route().uri().path(), sent), (path, came), "{model}");
        assert_eq!(head.fields().text(CONTENT_ENCODING).unwrap(), "gzip");
    }
    let (_, sent) = request("POST /v1/completions", "gzip", 4).send(&settings, b"none", 9).unwrap();
    assert_eq!(sent, b"none", "Azure judges it");
    let refusal = request("POST /v1/completions", "zstd", 9).plan(&settings).unwrap_err();
    assert_eq!(refusal.code(), "unsupported_content_encoding", "whether it names one is not to be known");
    for line in ["POST /v1/responses", "POST /v1/moderations"] {
        assert!(
            matches!(request(line, "zstd", 9).plan(&settings), Ok(Plan::Pass(_))),
            "{line} has one place"
        );
    }
    let Mode::Azure(azure) = &mut settings.mode else { unreachable!() };
    azure.classic_models.clear();
    assert!(matches!(request("POST /v1/completions", "zstd", 9).plan(&settings), Ok(Plan::Pass(_))));
}

#[test]
fn says_how_much_comes_out_of_a_little() {
    let came = coded("gzip", &format!("{{\"input\":\"{}\"", " ".repeat(1 << 20)));
    assert!(came.len() < 1 << 13);
    let Ok(Plan::Search(mut search)) = request("POST /v1/responses", "gzip", 9).plan(&settings("v1")) else {
        panic!("its model is looked for")
    };
    assert_eq!(search.push(&came).unwrap(), Progress::More);
    assert!(search.octets() > 1 << 20);
}

fn with_extras(extras: Extras) -> Settings {
    let mut settings = settings("v1");
    let Mode::Azure(azure) = &mut settings.mode else { unreachable!() };
    azure.extras = extras;
    settings
}

#[test]
fn extras_and_the_model_are_changed_together_under_a_coding_or_not() {
    let settings = with_extras(Extras { nested_models: true, codex_store: true, batch_models: false });
    let content =
        r#"{ "tools":[{"type":"image_generation","model":"gpt-4o"}], "model":"gpt-4o","store" : false}"#;
    let changed =
        r#"{ "tools":[{"type":"image_generation","model":"prod-4o"}], "model":"prod-4o","store" : true}"#;
    let line = "POST /v1/responses";
    for size in [1, 4096] {
        let (head, sent) =
            request(line, "identity", content.len()).send(&settings, content.as_bytes(), size).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), changed);
        assert_eq!(head.fields().text(CONTENT_LENGTH).unwrap(), changed.len().to_string());
        let came = coded("gzip", content);
        let (head, sent) = request(line, "gzip", came.len()).send(&settings, &came, size).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), changed);
        assert!(!head.fields().contains(CONTENT_ENCODING));
        let came = coded("gzip", r#"{"store":true,"model":"gpt-5"}"#);
        let (head, sent) = request(line, "gzip", came.len()).send(&settings, &came, size).unwrap();
        assert_eq!(sent, came, "nothing to change");
        assert!(head.fields().contains(CONTENT_ENCODING));
    }
}

#[test]
fn a_file_is_read_whole_only_if_it_is_for_a_batch() {
    let settings = with_extras(Extras { batch_models: true, ..Extras::default() });
    let form = |purpose: &str, model: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--B\r\nContent-Disposition: \
             form-data; name=\"file\"; filename=\"b.jsonl\"\r\n\r\n{{\"custom_id\":\"1\",\"body\":{{\"model\":\
             \"{model}\"}}}}\r\n{{\"body\": {{\"n\":1.0, \"model\":\"{model}\"}} }}\r\n--B--\r\n"
        )
    };
    let request = Request::new("POST /v1/files", &[("content-type", "multipart/form-data; boundary=B")]);
    for size in [1, 4096] {
        let sent = |content: &str| {
            String::from_utf8(request.send(&settings, content.as_bytes(), size).unwrap().1).unwrap()
        };
        assert_eq!(sent(&form("batch", "gpt-4o")), form("batch", "prod-4o"));
        assert_eq!(sent(&form("assistants", "gpt-4o")), form("assistants", "gpt-4o"));
        assert_eq!(sent("--B--\r\n"), "--B--\r\n");
    }
    let Ok(Plan::Search(mut search)) = request.plan(&settings) else { panic!("its purpose is looked for") };
    let content = form("assistants", "gpt-4o");
    assert_eq!(search.push(&content.as_bytes()[..80]).unwrap(), Progress::Found);
    assert!(!search.needs_whole(None));
}

proptest! {
    #[test]
    fn any_coded_content_names_the_model_that_it_names_uncoded(
        content in r#"\{("input":"[a-z]{0,300}",)?"model":"[a-z0-9.-]{1,9}"\}"#,
        size in 1..64usize,
    ) {
        let plain = Request::new("POST /v1/responses", &[]).send(&settings("v1"), content.as_bytes(), size).unwrap();
        let came = coded("gzip", &content);
        let (head, sent) = request("POST /v1/responses", "gzip", came.len()).send(&settings("v1"), &came, size).unwrap();
        prop_assert_eq!(head.route().deployment(), plain.0.route().deployment());
        let kept = head.fields().contains(CONTENT_ENCODING);
        prop_assert_eq!(sent, if kept { came } else { plain.1 });
    }

    #[test]
    fn no_octets_upset_a_decoder(octets in prop::collection::vec(any::<u8>(), 0..64), size in 1..9usize) {
        let magic = [&[0x1f, 0x8b, 8, 0][..], &octets].concat();
        for coding in ["gzip", "deflate"] {
            for content in [&octets, &magic] {
                let _ = request("POST /v1/embeddings", coding, 9).send(&settings("2024-10-21"), content, size);
            }
        }
    }
}

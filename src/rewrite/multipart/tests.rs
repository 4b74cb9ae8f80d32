use proptest::prelude::*;

use super::*;
use crate::rewrite::finding::{LONGEST_MODEL, Model};

fn scan<'a>(wanted: Wanted, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Finding, Repeated> {
    let mut scanner = Scanner::new("B", wanted);
    for chunk in chunks {
        scanner.push(chunk)?;
    }
    scanner.end();
    Ok(scanner.finding().cloned().expect("the end decides"))
}

/// Scans in one piece and octet by octet, which must come to the same.
fn model_in(content: &str) -> Result<Finding, Repeated> {
    let whole = scan(Wanted::Model, [content.as_bytes()]);
    assert_eq!(whole, scan(Wanted::Model, content.as_bytes().chunks(1)), "{content:?}");
    whole
}

const FILE: &str =
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n\0\r\n--\r\n--Bx\r\r\n";

#[test]
fn finds_the_field_wherever_it_stands() {
    for (content, name) in [
        (
            "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--B--\r\n".into(),
            "whisper-1",
        ),
        (format!("{FILE}--B\r\ncontent-disposition:form-data;name=model\r\n\r\nm\r\n--B--"), "m"),
        (
            format!(
                "preamble\r\n{FILE}--B \t\r\nX: y\r\n\
                 CONTENT-Disposition: form-data;\r\n NAME=\"model\"\r\n\r\nm\r\nn\r\n--B--"
            ),
            "m\r\nn",
        ),
        ("--B\nContent-Disposition: form-data; x=\";\\\"\"; name=\"mo\\del\"\n\nm\r\n--B\r\n".into(), "m"),
        (
            "--B\r\n\r\n\r\n--B\r\nContent-Disposition: form-data; name=model\r\n\r\n--b\r\n--B--".into(),
            "--b",
        ),
    ] {
        let model = model_in(&content).unwrap().unwrap();
        assert_eq!(&*model.name, name, "{content:?}");
        assert_eq!(&content[model.at.start as usize..model.at.end as usize], name, "{content:?}");
    }
}

#[test]
fn tells_apart_why_there_is_no_model() {
    let part = |disposition: &str, value: &str| {
        format!("--B\r\nContent-Disposition: {disposition}\r\n\r\n{value}\r\n--B--\r\n")
    };
    let field = "form-data; name=\"model\"";
    for (content, fault) in [
        (String::new(), Fault::Missing),
        (format!("{FILE}--B--\r\n"), Fault::Missing),
        (part("form-data; name=\"model\"; filename=\"m\"", "m"), Fault::Missing),
        (part("form-data; name=\"model\"; filename*=utf-8''m", "m"), Fault::Missing),
        (part("attachment; name=\"model\"", "m"), Fault::Missing),
        (part("form-data; name=\"models\"", "m"), Fault::Missing),
        (part("form-data; name=\"Model\"", "m"), Fault::Missing),
        (part(field, ""), Fault::Empty),
        (format!("--B\r\nContent-Disposition: {field}\r\n\r\n--B--"), Fault::Empty),
        (part(field, &"m".repeat(LONGEST_MODEL + 1)), Fault::TooLong),
        // Cut off, or never begun.
        (format!("--B\r\nContent-Disposition: {field}\r\n\r\nm"), Fault::Missing),
        (format!("x--B\r\nContent-Disposition: {field}\r\n\r\nm\r\n--B--"), Fault::Missing),
        (format!("--B--\r\n--B\r\nContent-Disposition: {field}\r\n\r\nm\r\n--B--"), Fault::Missing),
        (format!("--B\r\nX: {}", "y".repeat(LONGEST_HEAD)), Fault::Malformed),
    ] {
        assert_eq!(model_in(&content), Ok(Err(fault)), "{content:?}");
    }
    let latin1 = [part(field, "").trim_end_matches("\r\n--B--\r\n").as_bytes(), b"\xe9\r\n--B--"].concat();
    assert_eq!(scan(Wanted::Model, [&latin1[..]]), Ok(Err(Fault::Malformed)));
}

#[test]
fn a_second_field_is_refused() {
    let field = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n";
    assert_eq!(model_in(&format!("{field}{FILE}{field}--B--")), Err(Repeated));
}

#[test]
fn looks_into_the_json_of_a_session() {
    let content = "--B\r\nContent-Disposition: form-data; name=\"sdp\"\r\n\r\nv=0\r\n--B\r\n\
        Content-Disposition: form-data; name=\"session\"\r\nContent-Type: application/json\r\n\r\n\
        {\"type\":\"realtime\",\"model\":\"m\"}\r\n--B--\r\n";
    // FormData in browsers and in Node names a file for each part that has a media type.
    let filed = content.replace("name=\"session\"", "name=\"session\"; filename=\"blob\"");
    for (content, size) in [(content, 1), (content, 7), (content, content.len()), (&filed, 7)] {
        let model = scan(Wanted::Session, content.as_bytes().chunks(size)).unwrap().unwrap();
        assert_eq!(&content[model.at.start as usize..model.at.end as usize], "\"m\"");
    }
}

#[test]
fn reads_the_boundary_as_it_may_be_written() {
    for (content_type, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b=;c\"", None),
        ("multipart/form-data; charset=utf-8; BOUNDARY=\"a b=?c\" ; x=y", Some("a b=?c")),
        ("multipart/form-data;boundary=--x", Some("--x")),
        ("multipart/form-data; x; boundary=a", Some("a")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"a \"", None),
        ("multipart/form-data; boundary=\"a\r\"", None),
    ] {
        assert!(is_form(content_type.as_bytes()), "{content_type}");
        assert_eq!(boundary(content_type.as_bytes()).as_deref(), expected, "{content_type}");
    }
    assert_eq!(boundary(format!("x;boundary={}", "b".repeat(71)).as_bytes()), None);
    assert!(!is_form(b"multipart/form-database; boundary=a") && !is_form(b"application/json"));
}

/// Content that is made to look like delimiters, but has none.
fn data() -> impl Strategy<Value = String> {
    let pieces = ["\r", "\n", "\r\n", "\r\n-", "\r\n--", "\r\n--Bx", "--B", "B", "x", "\0", "model"];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("no delimiter", |data| {
            let data = format!("\r\n{data}\r\n");
            !["\r\n--B\r", "\r\n--B\n", "\r\n--B-"].iter().any(|delimiter| data.contains(delimiter))
        })
}

proptest! {
    #[test]
    fn finds_the_field_among_any_others_in_any_chunking(
        before in prop::collection::vec(data(), 0..3),
        value in data(),
        after in prop::collection::vec(data(), 0..3),
        size in 1usize..12,
    ) {
        let part = |name: &str, data: &str| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{data}\r\n")
        };
        let head: String = before.iter().map(|data| part("file", data)).collect();
        let tail: String = after.iter().map(|data| part("file", data)).collect();
        let content = format!("{head}{}{tail}--B--\r\n", part("model", &value));
        let found = scan(Wanted::Model, content.as_bytes().chunks(size));
        prop_assert_eq!(&found, &scan(Wanted::Model, [content.as_bytes()]));
        let start = (head.len() + part("model", "").len() - 2) as u64;
        let expected = if value.is_empty() {
            Err(Fault::Empty)
        } else {
            Ok(Model { name: value.as_str().into(), at: start..start + value.len() as u64 })
        };
        prop_assert_eq!(found, Ok(expected));
    }

    #[test]
    fn no_octets_and_no_chunking_upset_it(
        octets in prop::collection::vec(prop::sample::select(b"\r\n-B: x".to_vec()), 0..80),
        size in 1usize..7,
    ) {
        let field = b"--B\r\nContent-Disposition: form-data; name=model\r\n\r\n";
        let content = [&field[..], &octets].concat();
        prop_assert_eq!(scan(Wanted::Model, content.chunks(size)), scan(Wanted::Model, [&content[..]]));
    }
}

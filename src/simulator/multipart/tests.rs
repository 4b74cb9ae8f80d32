use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::prop_assert_eq;

use super::*;

const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b\\\".wav\"\r\n\
    Content-Type: audio/wav\r\n\r\n\r\n--not\r\n--\r\n\r\n--b\r\nContent-Disposition: form-data; name=empty\r\n\r\n\
    \r\n--b\r\ncontent-disposition:form-data;name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\nepilogue";

fn read(media_type: &str, content: &[u8], step: usize) -> Result<Form, Malformed> {
    let mut reader = Reader::new(media_type)?;
    content.chunks(step).try_for_each(|chunk| reader.feed(chunk))?;
    reader.finish()
}

#[test]
fn reads_a_form_however_it_is_cut() {
    for step in 1..=FORM.len() {
        let form = read("multipart/form-data; charset=x; boundary=\"b\"", FORM.as_bytes(), step).unwrap();
        assert_eq!(form.field("model"), Some("whisper-1"), "{step}");
        assert_eq!(form.field("empty"), Some(""), "{step}");
        assert_eq!(form.field("file"), None, "a file is no field");
        let file = form.file(&["other", "file"]).unwrap();
        assert_eq!(file.filename.as_deref(), Some("a;\"b\".wav"));
        assert_eq!(file.whole(), Some(&b"\r\n--not\r\n--\r\n"[..]), "{step}");
        assert_eq!(file.checksum, Crc32::of(b"\r\n--not\r\n--\r\n"));
    }
}

#[test]
fn keeps_the_sum_of_a_large_file_only() {
    let head = "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n";
    let file = vec![7; MAX_KEPT + 1];
    let content = [head.as_bytes(), &file, b"\r\n--b--"].concat();
    let form = read("multipart/form-data; boundary=b", &content, 8192).unwrap();
    let part = form.file(&["f"]).unwrap();
    assert_eq!((part.length, part.checksum), (file.len() as u64, Crc32::of(&file)));
    assert_eq!(part.whole(), None);
}

#[test]
fn refuses_what_is_no_form() {
    let whole = "multipart/form-data; boundary=b";
    for (media_type, content) in [
        ("application/json", FORM),
        ("multipart/form-data", FORM),
        ("multipart/form-data; boundary=\"b", FORM),
        ("multipart/form-data; boundary=other", FORM),
        (whole, ""),
        (whole, "--b\r\n\r\nnameless\r\n--b--"),
        (whole, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--b--"),
        (whole, "--bb\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--bb--"),
        (whole, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b"),
    ] {
        assert!(read(media_type, content.as_bytes(), 7).is_err(), "{media_type}: {content:?}");
    }
    let parts = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(MAX_PARTS + 1);
    assert!(read(whole, format!("{parts}--b--").as_bytes(), 999).is_err());
    let head = format!("--b\r\nX: {}", "x".repeat(MAX_HEAD));
    assert!(read(whole, head.as_bytes(), 999).is_err());
}

proptest! {
    /// Content that looks like a boundary, in pieces of any size, comes out as it went in.
    #[test]
    fn gives_back_any_content(
        files in vec(r"(\r|\n|-|b|[\r][\n]--|x){0,40}", 1..5),
        sizes in vec(1..20_usize, 1..50),
        tail in any::<bool>(),
    ) {
        let boundary = "b-b-boundary";
        let part = |file: &String| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n{file}\r\n")
        };
        let mut form: String = files.iter().map(part).collect();
        form += &format!("--{boundary}--{}", if tail { "\r\n" } else { "" });
        let mut reader = Reader::new(&format!("multipart/form-data; boundary={boundary}")).unwrap();
        let mut rest = form.as_bytes();
        for size in sizes.iter().cycle() {
            let (chunk, more) = rest.split_at(rest.len().min(*size));
            reader.feed(chunk).unwrap();
            rest = more;
            if rest.is_empty() { break }
        }
        let form = reader.finish().unwrap();
        let read: Vec<&[u8]> = form.parts.iter().filter_map(Part::whole).collect();
        prop_assert_eq!(read, files.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
}

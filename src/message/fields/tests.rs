use super::*;

// For whoever tests something with fields.
impl Fields {
    /// These lines.
    pub(crate) fn of(lines: &[(&str, &str)]) -> Self {
        let line = |&(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    /// Each line in small letters, and its value in its own.
    pub(crate) fn shown(&self) -> Vec<String> {
        let line = |(name, value): (Name<'_>, &[u8])| {
            format!("{}: {}", format!("{name:?}").to_ascii_lowercase(), value.escape_ascii())
        };
        self.iter().map(line).collect()
    }
}

fn parsed(lines: &[(&str, &str)]) -> Fields {
    let line = |(name, value): &(&str, &str)| format!("{name}: {value}\r\n");
    read(&lines.iter().map(line).collect::<String>())
}

/// What comes of lines as they are written.
fn read(lines: &str) -> Fields {
    let head = format!("GET / HTTP/1.1\r\n{lines}\r\n").into_bytes();
    let mut room = vec![httparse::EMPTY_HEADER; lines.lines().count()];
    let mut request = httparse::Request::new(&mut room);
    assert!(request.parse(&head).unwrap().is_complete());
    Fields::parsed(&head, request.headers)
}

fn written(fields: &Fields) -> String {
    let mut text = Vec::new();
    fields.write(|_| true, |piece| text.extend_from_slice(piece));
    String::from_utf8(text).unwrap()
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

const LINES: [(&str, &str); 6] =
    [("Host", "h"), ("X-B", "1"), ("x-a", "2"), ("x-B", "3, 4 ,"), ("TE", "5"), ("Z", "")];

#[test]
fn lines_are_written_as_they_came() {
    let fields = parsed(&LINES);
    assert_eq!(written(&fields), "Host: h\r\nX-B: 1\r\nx-a: 2\r\nx-B: 3, 4 ,\r\nTE: 5\r\nZ: \r\n");
    assert_eq!(fields.size(), written(&fields).len());
    assert_eq!(fields.get("x-b"), Some(&b"1"[..]));
    assert_eq!(fields.get_all("X-b").collect::<Vec<_>>(), [&b"1"[..], b"3, 4 ,"]);
    assert_eq!(fields.items("x-b").collect::<Vec<_>>(), [&b"1"[..], b"3", b"4"]);
    assert!(fields.contains("te") && !fields.contains("t") && !fields.contains("x-c"));
}

#[test]
fn white_space_around_a_value_is_no_part_of_it() {
    let fields = read("A: 1\r\nb:2\r\nC:\t 3 \r\nd:\r\ne: \r\nF:  \r\ng: 4\r\na:5\r\n");
    assert_eq!(written(&fields), "A: 1\r\nb: 2\r\nC: 3\r\nd: \r\ne: \r\nF: \r\ng: 4\r\na: 5\r\n");
    assert_eq!(fields.size(), written(&fields).len());
    assert_eq!(fields.get_all("a").collect::<Vec<_>>(), [b"1", b"5"]);
    assert_eq!((fields.get("C"), fields.get("f")), (Some(&b"3"[..]), Some(&b""[..])));
}

#[test]
fn octets_that_are_of_another_text_are_copied() {
    let line = httparse::Header { name: "A", value: b"1" };
    for head in [&b""[..], b"A: 2\r\n"] {
        assert_eq!(written(&Fields::parsed(head, &[line])), "A: 1\r\n");
    }
}

#[test]
fn a_number_and_a_copy_are_lines_like_others() {
    let mut fields = parsed(&LINES);
    fields.insert_number(HeaderName::from_static("te"), 1_234_567);
    fields.insert_number(HeaderName::from_static("x-b"), 0);
    fields.append_copy(HeaderName::from_static("x-new"), HeaderName::from_static("te"));
    fields.append_copy(HeaderName::from_static("x-newer"), HeaderName::from_static("absent"));
    assert_eq!(written(&fields), "Host: h\r\nX-B: 0\r\nx-a: 2\r\nTE: 1234567\r\nZ: \r\nx-new: 1234567\r\n");
}

#[test]
fn what_is_kept_keeps_its_order() {
    let mut fields = parsed(&LINES);
    fields.retain(|name| !name.is("host") && !name.is("te"));
    assert_eq!(written(&fields), "X-B: 1\r\nx-a: 2\r\nx-B: 3, 4 ,\r\nZ: \r\n");
    fields.remove("X-b");
    assert_eq!(written(&fields), "x-a: 2\r\nZ: \r\n");
    assert_eq!(fields.len(), 2);
    fields.retain(|_| false);
    assert!(fields.is_empty() && written(&fields).is_empty());
}

#[test]
fn only_what_is_to_be_written_is() {
    let fields = parsed(&LINES);
    for (unwanted, pieces) in [("host", 2), ("z", 2), ("x-b", 4), ("none", 2)] {
        let (mut text, mut count) = (Vec::new(), 0);
        fields.write(
            |name| !name.is(unwanted),
            |piece| {
                count += 1;
                text.extend_from_slice(piece);
            },
        );
        let mut kept = fields.clone();
        kept.remove(unwanted);
        assert_eq!(String::from_utf8(text).unwrap(), written(&kept), "{unwanted}");
        assert!(count <= pieces, "{unwanted}: {count}");
    }
}

#[test]
fn a_line_is_put_where_the_first_of_its_name_stood_and_in_its_letters() {
    let mut fields = parsed(&LINES);
    fields.insert(HeaderName::from_static("x-b"), value("new"));
    fields.insert(http::header::ACCEPT, value("*/*"));
    fields.append(http::header::HOST, value("i"));
    let text = "Host: h\r\nX-B: new\r\nx-a: 2\r\nTE: 5\r\nZ: \r\naccept: */*\r\nhost: i\r\n";
    assert_eq!(written(&fields), text);
}

#[test]
fn a_field_is_changed_line_by_line() {
    let mut fields = parsed(&LINES);
    let name = HeaderName::from_static("x-b");
    fields.replace(&name, |line| line == b"1", |_| None);
    assert_eq!(written(&fields), "Host: h\r\nx-a: 2\r\nx-B: 3, 4 ,\r\nTE: 5\r\nZ: \r\n");
    fields.append(&name, value("1"));
    fields.replace(&name, |line| line != b"1", |line| (line != b"5").then(|| value("4")));
    assert_eq!(written(&fields), "Host: h\r\nx-a: 2\r\nx-B: 4\r\nTE: 5\r\nZ: \r\nx-b: 1\r\n");
}

#[test]
fn what_is_sensitive_stays_so_and_no_value_is_printed() {
    let mut key = HeaderValue::from_static("secret");
    key.set_sensitive(true);
    let mut fields = parsed(&LINES);
    fields.insert(http::header::TE, &key);
    fields.append(http::header::AUTHORIZATION, &key);
    let map = fields.to_map();
    assert!(map["authorization"].is_sensitive() && map["te"].is_sensitive() && !map["z"].is_sensitive());
    assert_eq!(Fields::from(&map).to_map(), map);
    let printed = format!("{fields:?}");
    assert!(printed.contains("X-B") && !printed.contains("secret") && !printed.contains('4'), "{printed}");
}

#[test]
fn as_many_lines_as_a_head_may_have_fit_into_a_map_and_some_more() {
    let names: Vec<_> = (0..MOST).map(|number| format!("x-{number}")).collect();
    let different: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
    for lines in [different, vec![("x-a", "1"); MOST]] {
        let mut fields = parsed(&lines);
        let more = (0..100).map(|number| HeaderName::try_from(format!("y-{number}")).unwrap());
        more.for_each(|name| fields.append(name, value("1")));
        assert_eq!(fields.to_map().len(), MOST + 100);
    }
}

#[test]
fn only_visible_ascii_is_text() {
    assert_eq!(text(b"a b\t~"), Some("a b\t~"));
    assert_eq!(text("é".as_bytes()), None);
    assert_eq!(text(b"\x7f"), None);
}

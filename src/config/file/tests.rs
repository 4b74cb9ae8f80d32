use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> (Layer, Vec<String>) {
    let mut problems = Vec::new();
    let layer = layer(Path::new("c.toml"), text, &mut problems);
    (layer, problems.iter().map(ToString::to_string).collect())
}

fn values(layer: &Layer, key: Key) -> Vec<(&str, String)> {
    let raw = layer.get(key).into_iter().flat_map(|raw| &raw.values);
    raw.map(|value| (&*value.text, value.origin.to_string())).collect()
}

#[test]
fn each_kind_of_value_with_its_line() {
    let (layer, problems) = parse(
        "# settings\n\
         endpoint = 'https://r.openai.azure.com'\n\
         listen = [\n  '8080',\n  '[::1]:8080',\n]\n\
         intercept = 'a.example, b.example'\n\
         max_connections = 1_000\n\
         buffered_content = '1MiB'\n\
         allow_anonymous = true\n\
         [map]\n\
         z = 'first'\n\
         'gpt-4.1' = 'second'\n",
    );
    assert_eq!(problems, [""; 0]);
    for (key, expected) in [
        (Key::Endpoint, vec![("https://r.openai.azure.com", "c.toml:2")]),
        (Key::Listen, vec![("8080", "c.toml:4"), ("[::1]:8080", "c.toml:5")]),
        (Key::Intercept, vec![("a.example", "c.toml:7"), ("b.example", "c.toml:7")]),
        (Key::MaxConnections, vec![("1000", "c.toml:8")]),
        (Key::BufferedContent, vec![("1MiB", "c.toml:9")]),
        (Key::AllowAnonymous, vec![("true", "c.toml:10")]),
        (Key::Map, vec![("z=first", "c.toml:12"), ("gpt-4.1=second", "c.toml:13")]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(text, at)| (text, at.to_owned())).collect();
        assert_eq!(values(&layer, key), expected, "{key}");
    }
}

#[test]
fn a_map_may_be_a_list_or_one_text() {
    for text in
        ["map = ['a=1', 'b=2']", "map = 'a=1,b=2'", "map = { a = '1', b = '2' }", "map.a = '1'\nmap.b = '2'"]
    {
        let (layer, problems) = parse(text);
        assert_eq!(problems, [""; 0], "{text}");
        let texts: Vec<_> = values(&layer, Key::Map).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["a=1", "b=2"], "{text}");
    }
}

#[test]
fn what_people_write_into_the_table_of_models_is_explained() {
    for (text, problem) in [
        ("[map]\ngpt-4.1 = 'd'", "c.toml:2: map: a name with dots needs quotes: \"gpt-4.1\" = …"),
        ("map.a.b.c = 'd'", "c.toml:1: map: a name with dots needs quotes: \"a.b.c\" = …"),
        (
            "[map]\nlog = 'debug'",
            "c.toml:2: log: stands below [map], and so is read as a model's name; move it above that line",
        ),
        ("[map]\nm = 1", "c.toml:2: map: expected a table of strings, found integer"),
    ] {
        assert_eq!(parse(text).1, [problem]);
    }
}

#[test]
fn an_empty_list_is_given() {
    let (layer, _) = parse("intercept = []");
    assert!(layer.get(Key::Intercept).is_some_and(|raw| raw.values.is_empty()));
}

#[test]
fn problems_name_line_and_key() {
    for (text, problem) in [
        ("\nend_point = ''", "c.toml:2: unknown setting \"end_point\"; did you mean endpoint?"),
        ("\n\n[azure]\nendpoint = ''", "c.toml:3: unknown setting \"azure\""),
        ("api_keys = ''", "c.toml:1: unknown setting \"api_keys\""),
        ("endpoint = 1", "c.toml:1: endpoint: expected a string, found integer"),
        ("listen = [\n1]", "c.toml:2: listen: expected a list of strings, found integer"),
        ("allow_anonymous = 'yes'", "c.toml:1: allow_anonymous: expected true or false, found string"),
        ("[map]\na = 'b'\nc = {}", "c.toml:3: map: expected a table of strings, found table"),
        ("[map]\n'a=b' = 'c'", "c.toml:2: map: the name \"a=b\" must not have \"=\" in it"),
        ("mode = 'azure'\nmode = 'openai'", "c.toml:2: duplicate key"),
    ] {
        let problems = parse(text).1;
        assert!(problems.len() == 1 && problems[0].starts_with(problem), "{text}: {problems:?}");
    }
}

#[test]
fn all_problems_are_reported_in_the_order_of_lines() {
    let problems = parse("z = 1\nmode = 2\nlisten = 3\na = 4\n").1;
    let lines: Vec<_> = problems.iter().map(|problem| &problem[..8]).collect();
    assert_eq!(lines, ["c.toml:1", "c.toml:2", "c.toml:3", "c.toml:4"]);
}

#[test]
fn a_key_in_the_file_is_refused_and_not_printed() {
    for text in [
        "api_key = 'very-secret'",
        "api_key = 'very-secret",
        "api_key = very-secret",
        "api_key.x = 'very-secret'",
    ] {
        let problems = parse(text).1.join("\n");
        assert!(problems.starts_with("c.toml:1: "), "{problems}");
        assert!(!problems.contains("very-secret"), "{problems}");
    }
    assert!(parse("api_key = 'very-secret'").1[0].contains("api_key_file"));
}

#[test]
fn files_of_other_systems_are_read() {
    let (layer, problems) = parse("\u{feff}mode = 'azure'\r\nlog = 'info'\r\n");
    assert_eq!(problems, [""; 0]);
    assert_eq!(values(&layer, Key::Log), [("info", "c.toml:2".to_owned())]);
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "([a-z_]{1,9}|[\\[\\]{}='\"\\\\,.#0-9\n é-])*") {
        let mut problems = Vec::new();
        layer(Path::new("c.toml"), &text, &mut problems);
        for problem in problems {
            let Some(Origin::File { line, .. }) = problem.origin else { panic!("{problem} stands nowhere") };
            prop_assert!((1..=text.split('\n').count()).contains(&line));
        }
    }
}

#[test]
fn files_have_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big");
    std::fs::write(&path, vec![b'#'; LIMIT as usize + 1]).unwrap();
    assert!(
        matches!(read(&path), Err(Fault::Unreadable { error, .. }) if error.kind() == io::ErrorKind::FileTooLarge)
    );
    assert!(matches!(read(&dir.path().join("none")), Err(Fault::Unreadable { .. })));
}

use super::*;

fn read(variables: &[(&str, &str)]) -> (Layer, Vec<String>) {
    let mut problems = Vec::new();
    let layer = Environment::new(variables.iter().copied()).layer(&mut problems);
    (layer, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn every_variable_of_the_table_is_read() {
    for &key in Key::ALL {
        for name in key.variables() {
            let (layer, problems) = read(&[(&name, "x=y")]);
            let raw = layer.get(key).unwrap();
            assert_eq!((&raw.origin, &*raw.values[0].text), (&Origin::Env(name), "x=y"));
            assert_eq!(problems, [""; 0]);
        }
    }
}

#[test]
fn a_variable_that_leads_to_our_listeners_is_known() {
    let listeners = ["0.0.0.0:8080".parse().unwrap()];
    for (url, ours) in [
        ("http://user:pass@127.0.0.1:8080", true),
        ("https://localhost:8080", true),
        ("127.0.0.1:8080", true),
        ("http://127.0.0.1:3128", false),
        ("http://proxy.example:8080", false),
        ("no url", false),
    ] {
        let variables = [("https_proxy", url), ("ALL_PROXY", url), ("NO_PROXY", url), ("HTTP_PROXY", "")];
        let expected: &[&str] = if ours { &["https_proxy", "ALL_PROXY"] } else { &[] };
        assert_eq!(Environment::new(variables).proxies_at(&listeners), expected, "{url}");
    }
}

#[test]
fn the_first_alias_that_is_not_empty_wins() {
    let (layer, _) = read(&[
        ("AZURE_OPENAI_PROXY_API_VERSION", ""),
        ("AZURE_OPENAI_API_VERSION", "2024-10-21"),
        ("AZURE_OPENAI_APIVERSION", "preview"),
        ("OPENAI_API_VERSION", "2024-10-21"),
    ]);
    assert_eq!(layer.get(Key::ApiVersion).unwrap().values[0].text, "preview");
    let (layer, _) = read(&[("AZURE_OPENAI_API_VERSION", "2024-10-21")]);
    assert_eq!(layer.get(Key::ApiVersion).unwrap().values[0].text, "2024-10-21");
    assert_eq!(read(&[("AZURE_OPENAI_TOKEN", "")]).0.get(Key::ApiKey), None);
}

#[test]
fn quotes_around_a_value_are_refused_and_the_value_is_not_shown() {
    for name in ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_PROXY_CLIENT_KEYS"] {
        for value in ["\"secret\"", "'secret'", " 'secret' ", "\"\""] {
            let (layer, problems) = read(&[(name, value)]);
            let told = "has quotes around it, which docker --env-file keeps; write it without".to_owned();
            assert_eq!(problems, [format!("{name}: {told}")]);
            assert_eq!(layer, Layer::default());
        }
        for value in ["\"", "a'b'", "'a\""] {
            assert_eq!(read(&[(name, value)]).1, [""; 0], "{value}");
        }
    }
    let command = ("AZURE_OPENAI_PROXY_API_KEY_COMMAND", "'/my tools/print' 'key'");
    assert_eq!(read(&[command]).1, [""; 0]);
}

#[test]
fn a_misspelt_variable_is_a_problem() {
    let (_, problems) = read(&[("AZURE_OPENAI_PROXY_LISTENS", "1"), ("AZURE_OPENAI_PROXY_CONFIG", "x")]);
    assert_eq!(
        problems,
        ["AZURE_OPENAI_PROXY_LISTENS: unknown variable; did you mean AZURE_OPENAI_PROXY_LISTEN?"]
    );
    for (name, meant) in [
        ("AZURE_OPENAI_PROXY_TOKEN", "AZURE_OPENAI_TOKEN"),
        ("AZURE_OPENAI_PROXY_MODEL_MAPER", "AZURE_OPENAI_MODEL_MAPPER"),
        ("AZURE_OPENAI_PROXY_CONFG", "AZURE_OPENAI_PROXY_CONFIG"),
        ("AZURE_OPENAI_PROXY_API_KEYS", "AZURE_OPENAI_PROXY_API_KEY"),
    ] {
        let problem = format!("{name}: unknown variable; did you mean {meant}?");
        assert_eq!(read(&[(name, "1")]).1, [problem]);
    }
    assert_eq!(
        read(&[("AZURE_OPENAI_PROXY_COLOUR", "1")]).1,
        ["AZURE_OPENAI_PROXY_COLOUR: unknown variable"]
    );
    assert_eq!(read(&[("AZURE_OPENAI_OTHER", "1")]).1, [""; 0], "other programs' variables");
}

#[test]
fn what_kubernetes_says_of_a_service_of_our_name_is_no_setting() {
    let links = [
        ("AZURE_OPENAI_PROXY_SERVICE_HOST", "10.0.0.1"),
        ("AZURE_OPENAI_PROXY_SERVICE_PORT_HTTP", "8080"),
        ("AZURE_OPENAI_PROXY_PORT", "tcp://10.0.0.1:8080"),
        ("AZURE_OPENAI_PROXY_PORT_8080_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(read(&links).1, [""; 0]);
    assert_eq!(read(&[("AZURE_OPENAI_PROXY_PORT", "8080")]).1.len(), 1, "a port alone is a mistake");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_text_is_a_problem() {
    use std::os::unix::ffi::OsStringExt;
    let variables = [("AZURE_OPENAI_ENDPOINT", OsString::from_vec(vec![0xff]))];
    let mut problems = Vec::new();
    Environment::new(variables).layer(&mut problems);
    assert_eq!(problems[0].to_string(), "AZURE_OPENAI_ENDPOINT: the value is not UTF-8 text");
}

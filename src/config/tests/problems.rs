//! What is refused, and in which words.

use super::*;

#[test]
fn problems_say_where_what_and_what_to_do() {
    for (variables, file, arguments, problem) in [
        (
            &[][..],
            "\n\nendpoint = 'r.example'",
            &[][..],
            "config.toml:3: endpoint: the endpoint must begin with https://",
        ),
        (
            &[("AZURE_OPENAI_ENDPOINT", "https://a b")],
            "",
            &[],
            "AZURE_OPENAI_ENDPOINT: the endpoint names no usable host: ",
        ),
        (
            &[ENDPOINT],
            "",
            &["--api-version", "2024-02-30"],
            "--api-version: \"2024-02-30\" is no api-version",
        ),
        (
            &[ENDPOINT],
            "",
            &["--classic-api-version", "v1"],
            "--classic-api-version: \"v1\" is no classic api-version: expected a date like 2024-10-21",
        ),
        (
            &[ENDPOINT, ("AZURE_OPENAI_MODEL_MAPPER", "a=b,c")],
            "",
            &[],
            "AZURE_OPENAI_MODEL_MAPPER: expected MODEL=DEPLOYMENT, found \"c\"",
        ),
        (
            &[ENDPOINT],
            "[map]\na = 'b'\nc = ''",
            &[],
            "config.toml:3: map: the model and the deployment must both be named",
        ),
        (
            &[ENDPOINT],
            "map = [\n'a=b',\n'c']",
            &[],
            "config.toml:3: map: expected MODEL=DEPLOYMENT, found \"c\"",
        ),
        (&[ENDPOINT], "", &["--map=a=1", "--map=a=2"], "--map: the model \"a\" is mapped more than once"),
        (&[], "endpoint = 1", &[], "config.toml:1: endpoint: expected a string, found integer"),
        (&[ENDPOINT], "mode = 'azur'", &[], "config.toml:1: mode: \"azur\" is neither azure nor openai"),
        (
            &[ENDPOINT],
            "",
            &["--listen", "example:1"],
            "--listen: \"example:1\" is not an address: write IP:PORT",
        ),
        (
            &[ENDPOINT],
            "tls_key_file = 'k'",
            &[],
            "tls_cert_file: missing, and tls_key_file is of no use without it",
        ),
        (&[ENDPOINT], "listen = []", &[], "listen: nothing to listen on"),
        (&[ENDPOINT], "idle_timeout = '30'", &[], "config.toml:1: idle_timeout: \"30\" is not a duration"),
        (
            &[ENDPOINT],
            "intercept = ['https://x']",
            &[],
            "config.toml:1: intercept: \"https://x\" is not a host name",
        ),
        (
            &[ENDPOINT],
            "image_deployment = \"a\\nb\"",
            &[],
            "config.toml:1: image_deployment: \"a\\nb\" is not the name of a deployment",
        ),
        (
            &[ENDPOINT],
            "key_header = 'Connection'",
            &[],
            "config.toml:1: key_header: \"Connection\" is not a field",
        ),
        (&[ENDPOINT], "upstream_ca_file = ['']", &[], "config.toml:1: upstream_ca_file: \"\" is empty"),
        (&[ENDPOINT], "", &["--resolve", "a:1:b"], "--resolve: expected HOST:PORT:ADDR"),
        (&[ENDPOINT], "", &["--log", "loud"], "--log: not a log filter"),
        (&[ENDPOINT], "", &["--allow-anonymous=yes"], "--allow-anonymous: \"yes\" is neither true nor false"),
        (&[ENDPOINT], "", &["--config", "/nonexistent.toml"], "--config: cannot read /nonexistent.toml: "),
        (&[], "", &[], "endpoint: no Azure OpenAI resource is named. Either set AZURE_OPENAI_ENDPOINT="),
    ] {
        let problems = Machine::new(variables, file, arguments).problems();
        assert!(
            problems.starts_with(problem) && problems.lines().count() == 1,
            "{problem}\nfound\n{problems}"
        );
    }
}

#[test]
fn no_endpoint_names_every_way_on() {
    let problems = Machine::new(&[("AZURE_OPENAI_ENDPOINT", "")], "", &[]).problems();
    for way in
        ["AZURE_OPENAI_ENDPOINT=https://", "--endpoint", "into config.toml", "`azure-openai-proxy demo`"]
    {
        assert!(problems.contains(way), "{way} in {problems}");
    }
    Machine::new(&[], "", &["--mode=openai"]).config();
}

#[test]
fn all_problems_are_reported_at_once() {
    let machine = Machine::new(
        &[("AZURE_OPENAI_APIVERSION", "soon"), ("AZURE_OPENAI_PROXY_COLOUR", "1")],
        "colour = 1\nmax_connections = 0",
        &["--listen", "x"],
    );
    let problems = machine.problems();
    for part in [
        "_COLOUR",
        "toml:1: unknown",
        "--listen",
        "APIVERSION",
        "toml:2: max_connections",
        "endpoint: no Azure",
    ] {
        assert_eq!(problems.matches(part).count(), 1, "{part} in\n{problems}");
    }
    assert_eq!(problems.lines().count(), 6);
}

#[test]
fn our_key_is_not_offered_to_other_machines_by_accident() {
    let key = ("AZURE_OPENAI_TOKEN", "k");
    for (variables, listener, accepted) in [
        (&[ENDPOINT, key][..], "127.0.0.1:0", true),
        (&[ENDPOINT, key], "127.9.9.9:0", true),
        (&[ENDPOINT, key], "[::1]:0", true),
        (&[ENDPOINT, key], "[::ffff:127.0.0.1]:0", true),
        (&[ENDPOINT], "0.0.0.0:0", true),
        (&[("AZURE_OPENAI_PROXY_MODE", "openai"), key], "0.0.0.0:0", true),
        (&[ENDPOINT, key, ("AZURE_OPENAI_PROXY_ALLOW_ANONYMOUS", "true")], "0.0.0.0:0", true),
        (&[ENDPOINT, key], "0.0.0.0:0", false),
        (&[ENDPOINT, key], "[::]:0", false),
        (&[ENDPOINT, key], "127.0.0.1:0,192.0.2.1:0", false),
        (&[ENDPOINT, ("AZURE_OPENAI_PROXY_API_KEY_COMMAND", "c")], ":0", false),
    ] {
        let machine = Machine::new(variables, "", &["--listen", listener]);
        if accepted {
            machine.config();
        } else {
            let problems = machine.problems();
            assert!(
                problems.starts_with("--listen: ") && problems.contains("--allow-anonymous"),
                "{problems}"
            );
        }
    }
}

#[test]
fn without_a_home_the_ca_needs_a_directory() {
    let variables = [ENDPOINT];
    let problems = load(&Flags::default(), &Environment::new(variables)).config.unwrap_err().to_string();
    assert!(problems.starts_with("certs: ") && problems.contains("--certs"), "{problems}");
}

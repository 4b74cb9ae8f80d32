//! Who may do what and go where, as it is set.

use super::*;
use crate::policy::{client_keys, destination};

const KEY: &str = "a-key-of-somebody";

#[test]
fn every_setting_about_clients_is_read_into_its_place() {
    let file = "require_client_key = true\nclient_keys_file = 'keys'\ntrusted_clients = ['10.0.0.0/8']\n\
        tunnel_ports = ['8443']\nallow_destinations = ['example.com']\ndeny_destinations = ['.a.example.com']";
    let variables = [ENDPOINT, ("AZURE_OPENAI_PROXY_CLIENT_KEYS", "bob=another-key-of-somebody")];
    let machine = Machine::new(&variables, file, &[]);
    let line = client_keys::line("alice", KEY).unwrap();
    fs::write(machine.dir.path().join("keys"), format!("# ours\n\n{line}\n")).unwrap();
    let policy = machine.config().policy;
    let keys = policy.client_keys.unwrap();
    assert_eq!(keys.find(KEY).unwrap().name(), "alice");
    assert_eq!(keys.find("another-key-of-somebody").unwrap().name(), "bob");
    assert!(policy.require_client_key);
    assert_eq!(policy.trusted_clients, ["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(policy.destinations.ports, [8443]);
    assert_eq!(policy.destinations.allow[0].to_string(), "example.com");
    assert_eq!(policy.destinations.deny[0].to_string(), "a.example.com");
}

#[test]
fn by_default_nobody_has_a_key_and_the_ports_are_those_of_the_web() {
    let policy = Machine::new(&[ENDPOINT], "", &[]).config().policy;
    assert_eq!(policy.client_keys, None);
    assert!(!policy.require_client_key && policy.trusted_clients.is_empty());
    assert_eq!(policy.destinations, destination::Settings::default());
    let limits = Machine::new(&[ENDPOINT], "", &[]).config().limits;
    let expected = proxy::Limits::default();
    assert_eq!(limits.connections_per_client, expected.connections_per_client);
    assert_eq!((limits.head_size, limits.head_fields), (expected.head_size, expected.head_fields));
    let file = "max_connections_per_client = 3\nmax_head_size = '9KiB'\nmax_head_fields = 7";
    let limits = Machine::new(&[ENDPOINT], file, &[]).config().limits;
    assert_eq!((limits.connections_per_client, limits.head_size(), limits.head_fields), (3, 9 << 10, 7));
}

#[test]
fn a_mistake_in_the_file_of_keys_is_shown_at_its_line() {
    let machine = Machine::new(&[ENDPOINT], "client_keys_file = 'keys'", &[]);
    fs::write(machine.dir.path().join("keys"), format!("# ours\nalice {KEY}\n")).unwrap();
    let problems = machine.problems();
    assert!(
        problems.starts_with("config.toml:1: client_keys_file: keys:2: expected NAME sha256:"),
        "{problems}"
    );
    assert!(!problems.contains(KEY), "{problems}");
}

#[test]
fn what_keeps_strangers_out_lets_us_listen_to_them() {
    let key = ("AZURE_OPENAI_TOKEN", "k");
    let keys = ("AZURE_OPENAI_PROXY_CLIENT_KEYS", "alice=a-key-of-somebody");
    for (variables, arguments) in
        [(&[ENDPOINT, key, keys][..], &[][..]), (&[ENDPOINT, key], &["--trusted-clients=10.0.0.0/8"])]
    {
        Machine::new(variables, "", &[&["--listen", "0.0.0.0:0"], arguments].concat()).config();
    }
    let problems = Machine::new(&[ENDPOINT, key], "", &["--listen", "0.0.0.0:0"]).problems();
    for way in [
        "--client-keys-file",
        "`azure-openai-proxy client-key NAME`",
        "--trusted-clients",
        "--allow-anonymous",
    ] {
        assert!(problems.contains(way), "{way} in {problems}");
    }
    // In a container there are no flags to pass.
    let listen = ("AZURE_OPENAI_PROXY_ADDRESS", "0.0.0.0:0");
    let problems = Machine::new(&[ENDPOINT, key, listen], "", &[]).problems();
    for way in [
        "AZURE_OPENAI_PROXY_CLIENT_KEYS=NAME=KEY",
        "`azure-openai-proxy client-key NAME`",
        "AZURE_OPENAI_PROXY_TRUSTED_CLIENTS",
        "AZURE_OPENAI_PROXY_ALLOW_ANONYMOUS=true",
    ] {
        assert!(problems.contains(way), "{way} in {problems}");
    }
    assert!(!problems.contains("--"), "{problems}");
}

#[test]
fn what_would_let_in_nobody_or_the_wrong_ones_is_refused() {
    for (variables, arguments, problem) in [
        (&[ENDPOINT][..], &["--require-client-key"][..], "client_keys_file: no client could be served"),
        (
            &[ENDPOINT, ("AZURE_OPENAI_PROXY_CLIENT_KEYS", "alice=short")],
            &[],
            "AZURE_OPENAI_PROXY_CLIENT_KEYS: the key of alice",
        ),
        (
            &[ENDPOINT],
            &["--trusted-clients=10.1.2.3/8"],
            "--trusted-clients: an address inside the network 10.0.0.0/8",
        ),
        (&[ENDPOINT], &["--tunnel-ports=https"], "--tunnel-ports: \"https\" is not a port"),
        (
            &[ENDPOINT],
            &["--allow-destinations=*.example.com"],
            "--allow-destinations: \"*.example.com\" is not a host",
        ),
        (
            &[ENDPOINT],
            &["--client-keys-file=/nonexistent/keys"],
            "--client-keys-file: cannot read /nonexistent/keys",
        ),
    ] {
        let problems = Machine::new(variables, "", arguments).problems();
        assert!(
            problems.starts_with(problem) && problems.lines().count() == 1,
            "{problem}\nfound\n{problems}"
        );
    }
}

#[test]
fn a_key_in_the_file_of_settings_is_refused() {
    let problems = Machine::new(&[ENDPOINT], "client_keys = 'alice=a-key-of-somebody'", &[]).problems();
    assert!(problems.starts_with("config.toml:1: client_keys: ") && !problems.contains(KEY), "{problems}");
}

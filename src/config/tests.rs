use std::fs;

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::cli::Cli;
use crate::message::redact::Secret;
use crate::rewrite::extras::Extras;
use crate::rewrite::response::Style;
use crate::rewrite::{Mode, azure};

mod clients;
mod problems;

const ENDPOINT: (&str, &str) = ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com");

/// A machine with these variables, a file of these lines, and a command line.
struct Machine {
    dir: TempDir,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Machine {
    fn new(variables: &[(&str, &str)], file: &str, arguments: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, file).unwrap();
        let own = [("AZURE_OPENAI_PROXY_CONFIG", path.to_str().unwrap())];
        Self {
            variables: variables.iter().chain(&own).map(|&(n, v)| (n.into(), v.into())).collect(),
            arguments: arguments.iter().map(|&argument| argument.into()).collect(),
            dir,
        }
    }

    fn load(&self) -> Loaded {
        let certs = [String::from("proxy"), format!("--certs={}", self.dir.path().display())];
        let cli = Cli::try_parse_from(certs.iter().chain(&self.arguments)).unwrap();
        load(&cli.flags, &Environment::new(self.variables.clone()))
    }

    fn config(&self) -> Config {
        self.load().config.unwrap_or_else(|invalid| panic!("{invalid}"))
    }

    /// The problems, with the directory taken off their paths.
    fn problems(&self) -> String {
        let problems = self.load().config.map(|_| ()).unwrap_err().to_string();
        problems.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

fn azure_of(config: &Config) -> &azure::Settings {
    match &config.rewrite.mode {
        Mode::Azure(azure) => azure,
        Mode::OpenAi => panic!("not in azure mode"),
    }
}

#[test]
fn the_defaults_are_those_of_the_modules() {
    let config = Machine::new(&[ENDPOINT], "", &[]).config();
    let upstream = upstream::Settings::default();
    let limits = proxy::Limits::default();
    assert_eq!(config.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(config.upstream.connect_timeout, upstream.connect_timeout);
    assert_eq!(config.upstream.first_byte_timeout, upstream.first_byte_timeout);
    assert_eq!(config.upstream.idle_timeout, upstream.idle_timeout);
    assert_eq!(config.limits.buffered_content, limits.buffered_content);
    assert_eq!(config.limits.connections, limits.connections);
    assert_eq!(config.limits.head_timeout, limits.head_timeout);
    assert_eq!(config.limits.drain_timeout, limits.drain_timeout);
    assert_eq!(config.log.filter, telemetry::Filter::default());
    assert_eq!(config.intercept.len(), 4);
    assert_eq!(config.tls_names, ["localhost"]);
    assert!(!config.policy.allow_anonymous);
    assert_eq!(azure_of(&config).extras, Extras::default());
    assert_eq!(config.rewrite.models.deployment("gpt-4.1"), "gpt-4.1");
    let azure = azure_of(&config);
    assert_eq!(azure.surface, azure::Surface::V1 { preview: false });
    assert_eq!((azure.key.as_ref(), azure.key_header.as_str()), (None, "api-key"));
    assert_eq!(azure.classic_api_version.to_string(), "2025-04-01-preview");
}

#[test]
fn the_names_of_the_seed_keep_their_meaning() {
    let config = Machine::new(
        &[
            ("AZURE_OPENAI_PROXY_ADDRESS", "0.0.0.0:8081"),
            ("AZURE_OPENAI_PROXY_MODE", "azure"),
            ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/openai/"),
            ("AZURE_OPENAI_APIVERSION", "2024-10-21"),
            ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=prod, gpt-3.5-turbo=other"),
        ],
        "",
        &[],
    )
    .config();
    assert_eq!(config.listen, ["0.0.0.0:8081".parse().unwrap()]);
    assert_eq!(config.rewrite.models.deployment("gpt-4o"), "prod");
    assert_eq!(config.rewrite.models.deployment("gpt-3.5-turbo"), "other");
    assert_eq!(azure_of(&config).endpoint.to_string(), "https://r.openai.azure.com");
    assert_eq!(azure_of(&config).surface, azure::Surface::Classic("2024-10-21".parse().unwrap()));
    for name in ["AZURE_OPENAI_TOKEN", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_PROXY_API_KEY"] {
        let config = Machine::new(&[ENDPOINT, (name, "k")], "", &[]).config();
        assert_eq!(azure_of(&config).key, Some(Secret::new("k")), "{name}");
    }
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let file = "mode = 'openai'\nidle_timeout = '3s'\nhead_timeout = '3s'\nconnect_timeout = '3s'";
    let variables = [("AZURE_OPENAI_PROXY_IDLE_TIMEOUT", "2s"), ("AZURE_OPENAI_PROXY_HEAD_TIMEOUT", "2s")];
    let config = Machine::new(&variables, file, &["--idle-timeout=1s"]).config();
    let seconds = [config.upstream.idle_timeout, config.limits.head_timeout, config.upstream.connect_timeout];
    assert_eq!(seconds.map(|timeout| timeout.as_secs()), [1, 2, 3]);
    assert_eq!(config.upstream.first_byte_timeout.as_secs(), 900);
}

#[test]
fn maps_of_all_layers_come_together() {
    let file = "[map]\na = 'file'\nb = 'file'\nc = 'file'\n'with,comma' = 'file'";
    let variables = [ENDPOINT, ("AZURE_OPENAI_MODEL_MAPPER", "a=env,b=env")];
    let models = Machine::new(&variables, file, &["--map", "a=flag"]).config().rewrite.models;
    let answers = ["a", "b", "c", "with,comma", "d"].map(|model| models.deployment(model).into_owned());
    assert_eq!(answers, ["flag", "env", "file", "file", "d"]);
}

#[test]
fn paths_in_the_file_begin_at_the_file() {
    let file = "mode = 'openai'\nupstream_ca_file = ['ca.pem', '/abs/ca.pem']";
    let machine = Machine::new(&[], file, &[]);
    let expected = [machine.dir.path().join("ca.pem"), "/abs/ca.pem".into()];
    assert_eq!(machine.config().upstream.ca_files, expected);
}

#[test]
fn every_setting_is_read_into_its_place() {
    let file = "endpoint = 'https://r'\nkey_header = 'x-key'\nclassic_models = ['w']\n\
        classic_api_version = '2024-10-21'\nintercept = ['A.example']\ntls_names = ['b.example']\n\
        resolve = ['r:443:127.0.0.1:9']\nallow_anonymous = true\nbuffered_content = '1KiB'\n\
        max_connections = 7\nresponses = 'as-is'\n\
        nested_models = true\nbatch_models = true\ncodex_store = true\nstrip_dots = true\nlog_format = 'json'\nlog = 'debug'\napi_key_command = 'print it'";
    let config = Machine::new(&[("NO_COLOR", "1")], file, &["--listen", "0", "--listen", "[::1]:0"]).config();
    assert_eq!(config.listen, ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()]);
    assert_eq!(azure_of(&config).key_header.as_str(), "x-key");
    assert_eq!(azure_of(&config).classic_models, ["w"]);
    assert_eq!(azure_of(&config).classic_api_version.to_string(), "2024-10-21");
    assert_eq!(azure_of(&config).responses, Style::AsIs);
    let extras = Extras { nested_models: true, batch_models: true, codex_store: true };
    assert_eq!(azure_of(&config).extras, extras);
    assert_eq!(config.rewrite.models.deployment("gpt-4.1"), "gpt-41");
    assert_eq!(
        (&config.intercept[..], &config.tls_names[..]),
        (&["a.example".into()][..], &["b.example".into()][..])
    );
    assert_eq!(config.upstream.resolve, ["r:443:127.0.0.1:9".parse().unwrap()]);
    assert!(config.policy.allow_anonymous);
    assert_eq!((config.limits.buffered_content, config.limits.connections), (1024, 7));
    let log = telemetry::Settings {
        format: telemetry::Format::Json,
        filter: "debug".parse().unwrap(),
        color: false,
    };
    assert_eq!(config.log, log);
    assert!(config.key_command.is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_command_is_run_when_it_is_asked_for() {
    let mut config = Machine::new(&[ENDPOINT], "api_key_command = 'echo from-command'", &[]).config();
    assert_eq!(azure_of(&config).key, None);
    config.fetch_key().await.unwrap();
    assert_eq!(azure_of(&config).key, Some(Secret::new("from-command")));
}

#[test]
fn everybodys_variables_name_a_parent_proxy_unless_ours_or_the_file_do() {
    let theirs =
        [ENDPOINT, ("https_proxy", "http://low.example:1"), ("HTTPS_PROXY", "http://high.example:1")];
    let ours = ("AZURE_OPENAI_PROXY_UPSTREAM_PROXY", "socks5://ours.example");
    let parent = |variables: &[(&str, &str)], file| {
        let parent = Machine::new(variables, file, &[]).config().upstream.parent;
        parent.map_or("none".to_owned(), |parent| parent.to_string())
    };
    assert_eq!(parent(&theirs[..1], ""), "none");
    assert_eq!(parent(&theirs[..2], ""), "http://low.example:1");
    assert_eq!(parent(&theirs, ""), "http://high.example:1");
    assert_eq!(parent(&theirs, "upstream_proxy = 'https://file.example'"), "https://file.example:443");
    assert_eq!(parent(&theirs, "upstream_proxy = 'direct'"), "none");
    let all = [&theirs[..], &[ours]].concat();
    assert_eq!(parent(&all, "upstream_proxy = 'direct'"), "socks5://ours.example:1080");
    let config = Machine::new(&[ENDPOINT, ("NO_PROXY", "a.example, 10.0.0.0/8")], "", &[]).config();
    assert_eq!(config.upstream.no_parent, ["a.example", "10.0.0.0/8"]);
    let refused = Machine::new(&[ENDPOINT], "no_upstream_proxy = ['https://a']", &[]).problems();
    assert!(refused.contains("\"https://a\" is not a host or a network"), "{refused}");
    Machine::new(&[ENDPOINT, ("NO_PROXY", "https://a")], "", &[]).config();
}

#[test]
fn a_parent_proxys_password_is_not_shown() {
    for (url, valid) in [("http://me:hush@proxy.example", true), ("gopher://me:hush@proxy.example", false)] {
        let loaded = Machine::new(&[ENDPOINT, ("HTTPS_PROXY", url)], "", &[]).load();
        assert!(!show::Show(&loaded.settings).to_string().contains("hush"));
        match loaded.config {
            Ok(config) => assert!(valid && !format!("{config:?}").contains("hush")),
            Err(invalid) => {
                assert!(!valid && !invalid.to_string().contains("hush"), "{invalid}");
                assert!(invalid.to_string().starts_with("HTTPS_PROXY: not a proxy"), "{invalid}");
            }
        }
    }
}

/// What would be in it is not known, and what is missing would be said of a file that has it.
#[test]
fn of_a_file_that_cannot_be_read_nothing_is_missing() {
    let broken = Machine::new(&[], "endpoint = 'https://r.example'\nmap = {", &[]).problems();
    assert!(broken.starts_with("config.toml:2: ") && broken.lines().count() == 1, "{broken}");
    let absent = Machine::new(&[], "", &["--config", "/nonexistent.toml"]).problems();
    assert!(absent.starts_with("--config: cannot read") && absent.lines().count() == 1, "{absent}");
    let quoted = Environment::new([("AZURE_OPENAI_PROXY_CONFIG", "'/etc/proxy.toml'")]);
    let quoted = load(&Flags::default(), &quoted).config.map(drop).unwrap_err().to_string();
    assert!(quoted.starts_with("AZURE_OPENAI_PROXY_CONFIG: has quotes around it"), "{quoted}");
    let below = Machine::new(&[], "[map]\nendpoint = 'https://r.example'", &[]).problems();
    assert!(below.contains("endpoint: stands below [map]") && below.lines().count() == 1, "{below}");
}

#[test]
fn files_that_matter_are_known_also_where_settings_are_not_valid() {
    let machine =
        Machine::new(&[ENDPOINT], "api_key_file = 'key'\nupstream_ca_file = ['/a', 'b']\nmap = 1", &[]);
    let dir = machine.dir.path();
    let loaded = machine.load();
    assert!(loaded.config.is_err());
    assert_eq!(loaded.files, [dir.join("config.toml"), dir.join("key"), "/a".into(), dir.join("b")]);
}

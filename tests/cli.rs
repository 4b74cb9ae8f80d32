//! The program as a user meets it: exit codes, messages, help.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

const ENDPOINT: &str = "AZURE_OPENAI_ENDPOINT";
const RESOURCE: &str = "https://r.openai.azure.com";

/// A user with an empty home directory and an empty environment.
struct User {
    home: TempDir,
}

struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

// === impl User ===

impl User {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    /// Writes the file of settings that is read if none is named.
    fn write_config(&self, text: &str) -> PathBuf {
        let dir = self.home.path().join(".config/azure-openai-proxy");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.toml"), text).unwrap();
        dir.join("config.toml")
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = Command::cargo_bin("azure-openai-proxy").unwrap();
        command.env_clear().env("HOME", self.home.path()).envs(variables.iter().copied()).args(arguments);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        Said { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }
}

/// The line of `config show` for a setting, with single spaces.
fn line(shown: &str, key: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    shown.lines().map(words).find(|line| line.split(' ').next() == Some(key)).unwrap_or_default()
}

#[test]
fn check_accepts_what_serve_would_and_writes_nothing() {
    let user = User::new();
    let said = user.run(&["check"], &[(ENDPOINT, RESOURCE)]);
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "the settings are valid\n", ""));
    assert_eq!(fs::read_dir(user.home.path()).unwrap().count(), 0);
    let made = user.run(&["ca", "init"], &[]).stdout;
    let root = Path::new(made.trim_end());
    fs::remove_file(root).unwrap();
    assert_eq!(user.run(&["check"], &[(ENDPOINT, RESOURCE)]).code, 0);
    assert!(!root.exists(), "that is for the next start to put right");
}

#[test]
fn the_readmes_file_of_settings_is_valid() {
    let user = User::new();
    let readme = include_str!("../README.md");
    let file = readme.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let dir = user.write_config(file).parent().unwrap().to_owned();
    assert_eq!(user.run(&["check"], &[]).code, 3, "the file of the key is not there yet");
    fs::write(dir.join("azure.key"), "k\n").unwrap();
    let said = user.run(&["check"], &[]);
    assert_eq!((said.code, &*said.stderr), (0, ""));
    let shown = user.run(&["config", "show"], &[]).stdout;
    assert!(line(&shown, "map").starts_with("map gpt-4o=YOUR-DEPLOYMENT "), "{shown}");
}

#[test]
fn check_does_not_run_the_key_command() {
    let user = User::new();
    let command = format!("touch {}/ran", user.home.path().display());
    let variables = [(ENDPOINT, RESOURCE), ("AZURE_OPENAI_PROXY_API_KEY_COMMAND", &*command)];
    assert_eq!(user.run(&["check"], &variables).code, 0);
    assert!(!user.home.path().join("ran").exists());
}

#[test]
fn settings_that_are_not_valid_end_with_3_and_say_where() {
    let user = User::new();
    let path = user.write_config("mode = 'azure'\nendpiont = 'https://r'\nlisten = ['x']\n");
    let said = user.run(&["check"], &[("AZURE_OPENAI_APIVERSION", "2024-13-01")]);
    let path = path.display();
    assert_eq!(said.code, 3);
    for line in [
        format!("error: {path}:2: unknown setting \"endpiont\"; did you mean endpoint?"),
        format!("error: {path}:3: listen: \"x\" is not an address"),
        "error: AZURE_OPENAI_APIVERSION: \"2024-13-01\" is no api-version".into(),
        "error: endpoint: no Azure OpenAI resource is named".into(),
    ] {
        assert!(said.stderr.lines().any(|said| said.starts_with(&line)), "{line}\nin\n{}", said.stderr);
    }
    assert_eq!((said.stderr.lines().count(), &*said.stdout), (4, ""));
}

#[test]
fn azure_mode_without_an_endpoint_shows_the_ways_on() {
    let said = User::new().run(&["check"], &[]);
    assert_eq!(said.code, 3);
    for way in ["AZURE_OPENAI_ENDPOINT=", "--endpoint", "azure-openai-proxy demo", "config.toml"] {
        assert!(said.stderr.contains(way), "{way} in {}", said.stderr);
    }
}

#[test]
fn a_syntax_error_does_not_quote_the_file() {
    let user = User::new();
    user.write_config("mode = 'azure'\nkey = very-secret\n");
    let said = user.run(&["check"], &[(ENDPOINT, RESOURCE)]);
    assert_eq!(said.code, 3);
    assert!(
        said.stderr.contains("config.toml:2: ") && !said.stderr.contains("very-secret"),
        "{}",
        said.stderr
    );
}

#[test]
fn show_tells_values_and_origins() {
    let user = User::new();
    let path = user.write_config("idle_timeout = '5m'\n[map]\ngpt-4o = 'prod'\n");
    let said = user.run(&["config", "show", "--listen", ":9090"], &[(ENDPOINT, RESOURCE)]);
    let path = path.display();
    assert_eq!((said.code, &*said.stderr), (0, ""));
    for (key, shown) in [
        ("listen", "listen :9090 --listen".to_owned()),
        ("endpoint", format!("endpoint {RESOURCE} {ENDPOINT}")),
        ("idle_timeout", format!("idle_timeout 5m {path}:1")),
        ("map", format!("map gpt-4o=prod {path}:3")),
        ("mode", "mode azure default".into()),
        ("api_key", "api_key - not set".into()),
    ] {
        assert_eq!(line(&said.stdout, key), shown);
    }
    let certs = user.home.path().join(".local/share/azure-openai-proxy");
    assert_eq!(line(&said.stdout, "certs"), format!("certs {} default", certs.display()));
}

#[test]
fn show_shows_also_what_is_not_valid() {
    let said = User::new().run(&["config", "show"], &[(ENDPOINT, "nonsense")]);
    assert_eq!(said.code, 3);
    assert_eq!(line(&said.stdout, "endpoint"), format!("endpoint nonsense {ENDPOINT}"));
    assert!(said.stderr.starts_with("error: AZURE_OPENAI_ENDPOINT: "), "{}", said.stderr);
}

#[test]
fn no_command_prints_a_key() {
    let user = User::new();
    fs::write(user.home.path().join("key"), "very-secret").unwrap();
    let file = user.home.path().join("key").display().to_string();
    for variable in [
        ("AZURE_OPENAI_TOKEN", "very-secret"),
        ("AZURE_OPENAI_API_KEY", "very-secret"),
        ("AZURE_OPENAI_PROXY_API_KEY", "very\u{1}-secret"),
        ("AZURE_OPENAI_PROXY_API_KEY_COMMAND", "echo very-secret"),
        ("AZURE_OPENAI_PROXY_API_KEY_FILE", &file),
    ] {
        for arguments in [&["config", "show"][..], &["check"], &["check", "--listen", "0.0.0.0:0"]] {
            let said = user.run(arguments, &[(ENDPOINT, RESOURCE), variable]);
            let all = said.stdout + &said.stderr;
            assert!(!all.is_empty() && !all.contains("secret"), "{arguments:?} {}: {all}", variable.0);
        }
    }
}

#[test]
fn an_open_listener_with_our_key_needs_a_word() {
    let variables = [(ENDPOINT, RESOURCE), ("AZURE_OPENAI_TOKEN", "k")];
    let refused = User::new().run(&["check", "--listen", "0.0.0.0:8080"], &variables);
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains("127.0.0.1") && refused.stderr.contains("--allow-anonymous"),
        "{}",
        refused.stderr
    );
    let allowed = User::new().run(&["check", "--listen", "0.0.0.0:8080", "--allow-anonymous"], &variables);
    assert_eq!((allowed.code, &*allowed.stderr), (0, ""));
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in
        [&["chek"][..], &["--no-such-flag"], &["config"], &["explain"], &["check", "--api-key", "k"]]
    {
        assert_eq!(User::new().run(arguments, &[]).code, 2, "{arguments:?}");
    }
}

#[test]
fn help_lists_commands_and_settings_but_no_flag_for_a_key() {
    let said = User::new().run(&["--help"], &[]);
    assert_eq!((said.code, &*said.stderr), (0, ""));
    for word in [
        "serve",
        "exec",
        "env",
        "trust",
        "untrust",
        "doctor",
        "ca",
        "check",
        "config",
        "explain",
        "demo",
        "simulator",
        "--listen",
        "--mode",
        "--endpoint",
        "--api-version",
        "--map",
        "--intercept",
        "--certs",
        "--upstream-ca-file",
        "--resolve",
        "--config",
        "--log-format",
        "--allow-anonymous",
        "Exit codes",
    ] {
        assert!(said.stdout.contains(word), "{word} in\n{}", said.stdout);
    }
    assert!(!said.stdout.contains("--api-key ") && !said.stdout.contains("--api-key-command"));
}

#[test]
fn client_key_makes_a_key_that_its_line_lets_in() {
    let user = User::new();
    let said = user.run(&["client-key", "alice"], &[]);
    assert_eq!((said.code, &*said.stderr), (0, ""));
    let lines: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    let [key, line] = lines[..] else { panic!("{}", said.stdout) };
    assert!(key.starts_with("aop-") && key.len() == 36 && !line.contains(key), "{}", said.stdout);
    fs::write(user.home.path().join("keys"), line).unwrap();
    let keys = format!("--client-keys-file={}/keys", user.home.path().display());
    let check = ["check", "--listen=0.0.0.0:0", &keys];
    let variables = [(ENDPOINT, RESOURCE), ("AZURE_OPENAI_TOKEN", "k")];
    assert_eq!(user.run(&check, &variables).code, 0, "a listener for everybody needs client keys");
    assert_eq!(user.run(&check[..2], &variables).code, 3);
    let variable =
        said.stdout.lines().find_map(|line| line.split_once("AZURE_OPENAI_PROXY_CLIENT_KEYS=")).unwrap();
    assert_eq!(variable.1, format!("alice={key}"));
    let with_key = [variables[0], variables[1], ("AZURE_OPENAI_PROXY_CLIENT_KEYS", variable.1)];
    assert_eq!(user.run(&check[..2], &with_key).code, 0);
    let again = user.run(&["client-key", "alice"], &[]).stdout;
    assert!(!again.contains(key), "{again}");
    let refused = user.run(&["client-key", "al ice"], &[]);
    assert_eq!((refused.code, &*refused.stdout), (1, ""));
}

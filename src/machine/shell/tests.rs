use std::process::Command;

use proptest::prelude::*;

use super::*;

const NAME: &str = "SSL_CERT_FILE";

const ALL: [Dialect; 10] = [
    Dialect::Sh,
    Dialect::Bash,
    Dialect::Zsh,
    Dialect::Fish,
    Dialect::Pwsh,
    Dialect::Cmd,
    Dialect::Nu,
    Dialect::Dotenv,
    Dialect::Docker,
    Dialect::Json,
];

fn set(value: &str) -> [Assignment; 1] {
    [Assignment { name: NAME, value: Some(value.to_owned()) }]
}

#[test]
fn each_dialect_has_its_own_quotes() {
    for (dialect, value, text) in [
        (Dialect::Sh, "it's", "export SSL_CERT_FILE='it'\\''s'\n"),
        (Dialect::Fish, r"a\'b", "set -gx SSL_CERT_FILE 'a\\\\\\'b'\n"),
        (Dialect::Pwsh, "it’s $x", "$env:SSL_CERT_FILE = 'it’’s $x'\n"),
        (Dialect::Cmd, r"C:\100% & more", "@set \"SSL_CERT_FILE=C:\\100%% & more\"\r\n"),
        (Dialect::Nu, "a\"b\\", "$env.SSL_CERT_FILE = \"a\\\"b\\\\\"\n"),
        (Dialect::Dotenv, "http://127.0.0.1:8080", "SSL_CERT_FILE=http://127.0.0.1:8080\n"),
        (Dialect::Dotenv, "a b$c", "SSL_CERT_FILE='a b$c'\n"),
        (Dialect::Docker, "a b$c'", "SSL_CERT_FILE=a b$c'\n"),
        (Dialect::Json, "a\"b", "{\n  \"SSL_CERT_FILE\": \"a\\\"b\"\n}\n"),
    ] {
        assert_eq!(write(dialect, &set(value)).unwrap(), text, "{dialect:?}");
    }
}

#[test]
fn what_a_dialect_cannot_say_is_an_error() {
    for (dialect, value) in [
        (Dialect::Cmd, "a\"b"),
        (Dialect::Cmd, "a\nb"),
        (Dialect::Dotenv, "it's"),
        (Dialect::Docker, "a\nb"),
        (Dialect::Sh, "a\0b"),
    ] {
        assert!(write(dialect, &set(value)).is_err(), "{dialect:?} {value:?}");
    }
}

#[test]
fn removal_and_comments_set_nothing() {
    let removal = [Assignment { name: NAME, value: None }];
    for dialect in ALL {
        let removed = write(dialect, &removal).unwrap();
        assert!(removed.contains(NAME) && removed.lines().count() <= 3, "{dialect:?}: {removed}");
        assert_eq!(comment(dialect, "not running").lines().count(), 1, "{dialect:?}");
    }
    serde_json::from_str::<Value>(&comment(Dialect::Json, "not running")).unwrap();
}

/// Runs the shell on what we wrote; the variable as a child of it sees it. `None` where it is not installed.
fn round_trip(shell: &str, dialect: Dialect, value: &str) -> Option<String> {
    let script = write(dialect, &set(value)).unwrap();
    let script = match dialect {
        Dialect::Pwsh => format!("{script}[Console]::Out.Write($env:{NAME})"),
        Dialect::Nu => format!("{script}print -n $env.{NAME}"),
        _ => format!(
            "{script}env -0 | tr '\\0\\n' '\\n\\001' | sed -n 's/^{NAME}=//p' | tr -d '\\n' | tr '\\001' '\\n'"
        ),
    };
    let output = Command::new(shell).args(["-c", &script]).output().ok()?;
    assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn shells_read_what_was_meant(value in "[ -~é’\\n\\t]{1,40}") {
        for (shell, dialect) in [
            ("sh", Dialect::Sh),
            ("bash", Dialect::Bash),
            ("zsh", Dialect::Zsh),
            ("fish", Dialect::Fish),
            ("pwsh", Dialect::Pwsh),
            ("nu", Dialect::Nu),
        ] {
            if let Some(read) = round_trip(shell, dialect, &value) {
                prop_assert_eq!(read, value.as_str(), "{}", shell);
            }
        }
    }
}

#[test]
fn the_shell_of_every_unix_was_among_them() {
    assert!(cfg!(windows) || round_trip("sh", Dialect::Sh, "x").is_some());
}

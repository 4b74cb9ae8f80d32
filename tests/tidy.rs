//! The house rules that no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use azure_openai_proxy::cli::Cli;
use azure_openai_proxy::config::key::{Allowed, Key};
use clap::CommandFactory;

const README: &str = include_str!("../README.md");

/// Flags in the README that are not ours: an example's, and those of cargo, docker, curl and of the scripts.
const FLAGS_OF_OTHERS: &[&str] = &[
    "some-name",
    "path",
    "release",
    "manifest-path",
    "env",
    "env-file",
    "ssl-revoke-best-effort",
    "quick",
    "here",
    "only",
    "query",
    "scope",
    "with",
];

/// Each module of the crate's root with its layer; imports point down or stay inside a module.
const LAYERS: &[(&str, u8)] = &[
    ("message", 0),
    ("policy", 1),
    ("route", 1),
    ("rewrite", 1),
    ("tls", 2),
    ("http1", 2),
    ("http2", 2),
    ("net", 2),
    ("upstream", 2),
    ("shutdown", 2),
    ("error", 3),
    ("proxy", 3),
    ("admin", 3),
    ("simulator", 4),
    ("telemetry", 4),
    ("config", 4),
    ("cli", 4),
    ("client", 4),
    ("app", 5),
    ("demo", 5),
    ("explain", 5),
    ("machine", 5),
];

/// What has one holder only: the text that gives it away, and the files that may hold it.
const POWERS: &[(&str, &[&str])] = &[
    ("rustls_pemfile", &["src/tls/pem.rs"]),
    ("TcpStream::connect", &["src/net/dial.rs"]),
    ("env::var(", &[]),
    ("env::args(", &[]),
    ("vars_os", &["src/config/env.rs"]),
    ("process::exit", &["src/main.rs"]),
    (
        ".expose()",
        // To send it, to check it, to see that it can be sent, and to print the one that is made to be printed.
        &[
            "src/rewrite/credential.rs",
            "src/simulator/auth.rs",
            "src/config/azure_key.rs",
            "src/demo/alone.rs",
        ],
    ),
    ("http_body_util::Full", &["src/message/body.rs"]),
];

/// What layers 0 and 1 do not know: facts are returned there, and the caller acts.
const IMPURE: &[&str] =
    &["async fn", ".await", "tokio::", "tracing::", "Instant::now", "SystemTime::now", "std::env"];

struct Source {
    name: String,
    /// Without tests.
    code: String,
}

#[test]
fn imports_point_down() {
    let layer = |module: &str| LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer);
    for Source { name, code } in sources() {
        let Some(own) = module_of(&name) else { continue };
        let own_layer = layer(own).unwrap_or_else(|| panic!("{name}: give `{own}` a layer in tests/tidy.rs"));
        for used in modules_used(&code) {
            let Some(used_layer) = layer(&used) else { continue };
            let sideways = used_layer == own_layer && matches!(own, "route" | "rewrite") && used != own;
            assert!(used_layer <= own_layer && !sideways, "{name} imports upwards: crate::{used}");
        }
    }
}

#[test]
fn the_lower_layers_are_pure() {
    let pure = |name: &str| {
        let module = module_of(name);
        module.is_some_and(|m| matches!(m, "message" | "policy" | "route" | "rewrite"))
    };
    for Source { name, code } in sources().into_iter().filter(|source| pure(&source.name)) {
        for word in IMPURE {
            assert!(!code.contains(word), "{name} is in a pure layer and says `{word}`");
        }
    }
}

#[test]
fn each_power_has_one_holder() {
    for Source { name, code } in sources() {
        for (word, holders) in POWERS {
            let held = holders.contains(&name.as_str());
            assert!(held || !code.contains(word), "{name} says `{word}`, which is for {holders:?}");
        }
    }
}

#[test]
fn every_module_is_where_its_name_says() {
    for Source { name, .. } in sources() {
        assert!(!name.ends_with("/mod.rs"), "{name}: a module is a file beside its folder");
        for vague in ["utils", "util", "common", "helpers", "misc"] {
            assert!(!name.ends_with(&format!("/{vague}.rs")), "{name} names no job");
        }
    }
}

#[test]
fn the_readmes_settings_are_those_of_the_program() {
    let rows = README.split("| setting | what it is | default |\n|---|---|---|\n").nth(1).expect("the table");
    let rows: Vec<_> = rows.lines().take_while(|line| line.starts_with('|')).collect();
    let quoted = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    assert_eq!(rows.len(), Key::ALL.len(), "no other row");
    for (row, key) in rows.iter().zip(Key::ALL) {
        let variables: Vec<_> = key.variables().collect();
        let aliases: Vec<_> = variables[1..].iter().map(|name| &**name).collect();
        let by_flag = match key.allowed() {
            Allowed::Anywhere => "",
            Allowed::NotByFlag => " No flag.",
            Allowed::EnvironmentOnly => " Variable only.",
        };
        let also = if aliases.is_empty() { String::new() } else { format!(" Also {}.", quoted(&aliases)) };
        let (begin, end) =
            (format!("| `{}` | ", key.name()), format!("{by_flag}{also} | {} |", quoted(key.default())));
        let about = row.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(&*end));
        let about = about.unwrap_or_else(|| panic!("the row of {} should end in {end:?}: {row}", key.name()));
        let documented = format!("    /// {about}\n    {key:?}: ");
        assert!(
            include_str!("../src/config/key.rs").contains(&documented),
            "{key:?} has other words in key.rs"
        );
    }
}

#[test]
fn the_readme_names_every_command_and_no_flag_or_variable_that_is_not_there() {
    let program = Cli::command();
    let (mut commands, mut flags) = (Vec::new(), BTreeSet::from(["help".to_owned(), "version".to_owned()]));
    let mut unread = vec![&program];
    while let Some(command) = unread.pop() {
        flags.extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned));
        commands.extend(command.get_subcommands().map(|sub| sub.get_name()));
        unread.extend(command.get_subcommands());
    }
    let words = |text: &'static str| text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
    let code: BTreeSet<_> = README.split('`').skip(1).step_by(2).flat_map(words).collect();
    for command in commands {
        assert!(code.contains(command), "README.md does not name the command {command}");
    }
    for flag in words(README).filter_map(|word| word.strip_prefix("--")) {
        let there = flags.contains(flag) || FLAGS_OF_OTHERS.contains(&flag) || flag.starts_with('-');
        assert!(there || flag.is_empty(), "README.md names --{flag}, which is not there");
    }
    let variables: BTreeSet<_> = Key::ALL.iter().flat_map(|key| key.variables()).collect();
    for name in words(README).filter(|word| word.starts_with("AZURE_OPENAI_")) {
        let there = ["AZURE_OPENAI_PROXY_CONFIG", "AZURE_OPENAI_PROXY_SOME_NAME"].contains(&name);
        assert!(there || variables.contains(name), "README.md names {name}, which is not read");
    }
}

#[test]
fn the_map_of_the_code_names_every_module_at_its_layer() {
    let map = include_str!("../src/lib.rs");
    for (module, layer) in LAYERS {
        let row = map.lines().find(|line| line.starts_with(&format!("//! | {layer} |")));
        let named = row.is_some_and(|row| row.contains(&format!("[`{module}`]")));
        assert!(named, "src/lib.rs does not name `{module}` at layer {layer}");
        assert!(map.contains(&format!("pub mod {module};\n")), "there is no module `{module}`");
    }
    assert_eq!(map.matches("\npub mod ").count(), LAYERS.len(), "a module without a layer");
}

#[test]
fn every_check_is_held_by_something() {
    let checks =
        include_str!("fixtures/checks.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut numbers = Vec::new();
    for line in checks {
        let mut parts = line.splitn(3, " | ");
        let (number, holders) = (parts.next().expect("a number"), parts.nth(1).expect(line));
        numbers.push(number);
        for holder in holders.split(", ") {
            if let Some(words) = holder.strip_prefix("readme: ") {
                assert!(readme.contains(words), "{number}: the README does not say {words:?}");
                continue;
            }
            let (file, test) = holder.split_once("::").unwrap_or((holder, ""));
            let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("{number}: there is no {file}"));
            let there = test.is_empty() || text.contains(&format!("fn {test}("));
            assert!(there, "{number}: {file} has no test {test}");
        }
    }
    let series = |prefix: &str, last| (1..=last).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    assert_eq!(numbers, [series("", 48), series("f", 23), series("s", 14)].concat());
}

#[test]
fn nothing_private_is_in_the_program() {
    let program = fs::read(env!("CARGO_BIN_EXE_azure-openai-proxy")).expect("it was built");
    let mark = [b"PRIVATE", &b" KEY-----"[..]].concat();
    for at in memchr::memmem::find_iter(&program, &mark) {
        let after = &program[at + mark.len()..];
        let base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=\r\n".contains(octet);
        assert!(after.iter().take_while(|octet| base64(octet)).count() < 40, "a private key at {at}");
    }
}

#[test]
fn nothing_private_is_in_the_tree() {
    let key = ["-----BEGIN ", "PRIVATE KEY"];
    for path in files(Path::new(".")) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let armoured = text.split(key[0]).skip(1).any(|after| {
            after.lines().next().is_some_and(|line| line.contains(key[1])) && after.lines().count() > 3
        });
        assert!(
            !armoured || path.extension().is_some_and(|e| e == "rs"),
            "a private key in {}",
            path.display()
        );
    }
}

/// `src/a/b.rs` belongs to the crate's module `a`; main and lib to none.
fn module_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = rest.split('/').next().unwrap_or(rest);
    (!matches!(module, "main" | "lib")).then_some(module)
}

fn modules_used(code: &str) -> Vec<String> {
    let word =
        |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut used: Vec<String> = code.split("crate::").skip(1).map(word).collect();
    // use crate::{a, b::c};
    for group in code.split("crate::{").skip(1) {
        used.extend(group.split('}').next().unwrap_or("").split(',').map(|item| word(item.trim())));
    }
    used.retain(|module| !module.is_empty());
    used
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rust =
        files(&root.join("src")).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let found: Vec<Source> = rust
        .filter(|path| !path.ends_with("tests.rs") && !path.iter().any(|part| part == "tests"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is text");
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(&text);
            let without_comments: Vec<&str> =
                code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let name = path.strip_prefix(root).expect("under the root").to_string_lossy().replace('\\', "/");
            Source { name, code: without_comments.join("\n") }
        })
        .collect();
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder of the tree").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" && name != "node_modules" {
            found.extend(files(&path));
        } else if path.is_file() && path.metadata().is_ok_and(|m| m.len() < 1 << 20) {
            found.push(path);
        }
    }
    found
}

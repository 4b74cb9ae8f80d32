//! Which clients `exec` leads to the proxy: each one that can be installed here, run as its user would run it.
//!
//! `scripts/test` installs those of PyPI and npm under `target/clients`; those of Debian take part where they
//! are installed. The table that is printed stands in README.md.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../../support/stage.rs"]
mod stage;
#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "../user.rs"]
mod user;

mod shells;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use stage::Stage;
use user::{User, end, program};

/// A client and what is expected of it.
struct Row {
    name: &'static str,
    /// What `exec` is given besides the command.
    flags: &'static str,
    /// Words; the first is looked for on `PATH` or under `target/clients/machine`.
    command: &'static [&'static str],
    expected: Expected,
    /// Whether it is there on every machine on which the matrix runs.
    required: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It reaches the proxy as a proxy, and TLS for api.openai.com ends there.
    Intercepted,
    /// It reaches the proxy as the API's server.
    ByBaseUrl,
    /// It goes past the proxy.
    Past,
}

use Expected::{ByBaseUrl, Intercepted, Past};

/// The table's first lines, here and in README.md.
const HEAD: &str = "| client | flag of `exec` | |\n|---|---|---|\n";

const PAGE: &str = "https://api.openai.com/.well-known/azure-openai-proxy";
const CURL_CHAT: &str =
    r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hello from the matrix"}]}"#;
const PHP: &str =
    "$c = curl_init('https://api.openai.com/.well-known/azure-openai-proxy'); exit(curl_exec($c) ? 0 : 1);";
const PHP_STREAM: &str = "echo file_get_contents('https://api.openai.com/.well-known/azure-openai-proxy');";
const PHP_BASE: &str = "echo file_get_contents(getenv('OPENAI_BASE_URL') . '/models');";
const RUBY: &str = "puts Net::HTTP.get(URI('https://api.openai.com/.well-known/azure-openai-proxy'))";

const ROWS: &[Row] = &[
    row(
        "curl",
        "",
        &[
            "curl",
            "-sS",
            "-H",
            "Content-Type: application/json",
            "https://api.openai.com/v1/chat/completions",
            "-d",
            CURL_CHAT,
        ],
        Intercepted,
    )
    .required(),
    row("wget", "", &["wget", "-nv", "-O-", PAGE], Intercepted),
    row("git", "", &["git", "-c", "credential.helper=", "ls-remote", PAGE], Intercepted),
    row("Python urllib", "", &["openai-2/bin/python", "page.py", "urllib"], Intercepted).required(),
    row("Python requests", "", &["openai-2/bin/python", "page.py", "requests"], Intercepted).required(),
    row("Python httpx", "", &["openai-2/bin/python", "page.py", "httpx"], Intercepted).required(),
    row("Python aiohttp, `trust_env=True`", "", &["openai-2/bin/python", "page.py", "aiohttp"], Intercepted)
        .required(),
    row("openai for Python 2, sync", "", &["openai-2/bin/python", "chat.py", "sync"], Intercepted).required(),
    row("openai for Python 2, async", "", &["openai-2/bin/python", "chat.py", "async"], Intercepted)
        .required(),
    row("openai for Python 2, aiohttp", "", &["openai-2/bin/python", "chat.py", "aiohttp"], Intercepted)
        .required(),
    row("openai for Python 3, sync", "", &["openai-3/bin/python", "chat.py", "sync"], Intercepted).required(),
    row("openai for Python 3, async", "", &["openai-3/bin/python", "chat.py", "async"], Intercepted)
        .required(),
    row("openai for Python 3, aiohttp", "", &["openai-3/bin/python", "chat.py", "aiohttp"], Intercepted)
        .required(),
    row("Node 20 fetch", "", &["node20", "page.mjs", "fetch"], Past),
    row("Node 20 axios", "", &["node20", "page.mjs", "axios"], Intercepted),
    row("Node 20 openai", "", &["node20", "chat.mjs"], Past),
    row("Node 20 openai", "--base-url", &["node20", "chat.mjs"], ByBaseUrl),
    row("Node 24 fetch", "", &["node/node_modules/.bin/node", "page.mjs", "fetch"], Intercepted).required(),
    row("Node 24 https", "", &["node/node_modules/.bin/node", "page.mjs", "https"], Intercepted).required(),
    row("Node 24 axios", "", &["node/node_modules/.bin/node", "page.mjs", "axios"], Intercepted).required(),
    row(
        "Node 24 undici, EnvHttpProxyAgent",
        "",
        &["node/node_modules/.bin/node", "page.mjs", "undici"],
        Intercepted,
    )
    .required(),
    row("Node 24 openai", "", &["node/node_modules/.bin/node", "chat.mjs"], Intercepted).required(),
    row("Bun fetch", "", &["node/node_modules/.bin/bun", "page.mjs", "fetch"], Intercepted).required(),
    row("Bun openai", "", &["node/node_modules/.bin/bun", "chat.mjs"], Intercepted).required(),
    row("Deno fetch", "", &["node/node_modules/.bin/deno", "run", "-A", "page.mjs", "fetch"], Intercepted)
        .required(),
    row(
        "Codex",
        "",
        &[
            "node/node_modules/.bin/codex",
            "exec",
            "--skip-git-repo-check",
            "-m",
            "gpt-4o",
            "hello from the matrix",
        ],
        Intercepted,
    )
    .required(),
    row("Go net/http", "", &["../venv/bin/go", "run", "page.go"], Intercepted).required(),
    row("Java HttpClient", "--java", &["java", "Page.java", "HttpClient"], Intercepted),
    row("Java HttpURLConnection", "--java", &["java", "Page.java", "HttpURLConnection"], Intercepted),
    row("Ruby Net::HTTP", "", &["ruby", "-rnet/http", "-e", RUBY], Intercepted),
    row("PHP curl", "", &["php", "-r", PHP], Intercepted),
    row("PHP streams", "", &["php", "-r", PHP_STREAM], Past),
    row("PHP streams", "--base-url", &["php", "-r", PHP_BASE], ByBaseUrl),
];

const fn row(
    name: &'static str,
    flags: &'static str,
    command: &'static [&'static str],
    expected: Expected,
) -> Row {
    Row { name, flags, command, expected, required: false }
}

#[tokio::test]
async fn every_client_as_the_table_says() {
    let stage = Stage::set().await;
    let (mut table, mut wrong) = (String::from(HEAD), Vec::new());
    for row in ROWS {
        let Some(program) = find(row.command[0]) else {
            assert!(!row.required, "{} is not installed; scripts/test does that", row.name);
            eprintln!("skipped: {} is not installed", row.name);
            continue;
        };
        let (found, said) = row.run(&stage, &program).await;
        if found != row.expected {
            wrong.push(format!("{} {}: {}\n{said}", row.name, row.flags, found.words()));
        }
        writeln!(table, "| {} | {} | {} |", row.name, code(row.flags), found.words()).unwrap();
    }
    println!("{table}");
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    wrong.extend(
        table.lines().filter(|line| !readme.contains(line)).map(|line| format!("not in README.md: {line}")),
    );
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// What the doctor drives itself, of the clients that are there on every machine on which the matrix runs.
const DRIVEN: [&str; 10] = [
    "curl",
    "python urllib",
    "python requests",
    "python httpx",
    "python openai",
    "node",
    "deno",
    "bun",
    "go",
    "codex",
];

#[tokio::test]
async fn the_doctor_says_the_same_of_every_client_and_that_one_line_helps() {
    let stage = Stage::set().await;
    let tools =
        ["openai-2/bin", "node/node_modules/.bin", "../venv/bin"].map(|tools| installed().join(tools));
    let usual = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(tools.into_iter().chain(std::env::split_paths(&usual))).unwrap();
    let user = with_go(User::of_proxy(&stage).with("PATH", path.to_str().unwrap()));
    let bare = end(user.command(program(), &["doctor"])).await.stdout;
    let set =
        end(user.command(program(), &["exec", "--java", "--", program().to_str().unwrap(), "doctor"])).await;
    for name in DRIVEN {
        let line = |mark: &str| format!("{mark} {name:16} ");
        let bad = bare.lines().position(|said| said.starts_with(&line("✗")));
        let cure = bad.and_then(|at| bare.lines().nth(at + 1)).unwrap_or_default();
        assert_eq!(cure.trim(), "→ eval \"$(azure-openai-proxy env)\"", "{name} in\n{bare}");
        assert!(set.stdout.contains(&format!("{}intercepted\n", line("✓"))), "{name} in\n{}", set.stdout);
    }
    assert_eq!(set.code, Some(0), "{set:?}");
}

// === impl Row ===

impl Row {
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Runs it under `exec` with a proxy of its own; what became of its request, and all that was said.
    async fn run(&self, stage: &Stage, client: &Path) -> (Expected, String) {
        let user = User::of_simulator(stage).with("OPENAI_API_KEY", "unused").with("GIT_TRACE_CURL", "1");
        let user = user.with("CODEX_HOME", "codex").with("OPENAI_LOG", "");
        let user = with_go(user);
        lay_out(user.home.path());
        let before = stage.recorder.seen().len();
        let client = client.display().to_string();
        let mut arguments = vec!["exec"];
        arguments.extend(self.flags.split_whitespace());
        arguments.extend(["--", &client]);
        arguments.extend(&self.command[1..]);
        let said = end(user.command(program(), &arguments)).await;
        let text = said.stdout + &said.stderr;
        let reached = text.contains("azure_openai_proxy")
            || text.to_ascii_lowercase().contains("x-azure-openai-proxy-error:")
            || stage.recorder.seen().len() > before
            || text.contains("gpt-4o") && self.flags == "--base-url";
        let found = match (reached, self.flags) {
            (false, _) => Past,
            (true, "--base-url") => ByBaseUrl,
            (true, _) => Intercepted,
        };
        (found, text)
    }
}

// === impl Expected ===

impl Expected {
    fn words(self) -> &'static str {
        match self {
            Self::Intercepted => "intercepted",
            Self::ByBaseUrl => "by base URL",
            Self::Past => "goes past the proxy",
        }
    }
}

/// The scripts, and the packages where Node looks for them.
fn lay_out(home: &Path) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine/matrix");
    for script in ["page.py", "chat.py", "page.mjs", "chat.mjs", "page.go", "Page.java"] {
        fs::copy(scripts.join(script), home.join(script)).unwrap();
    }
    fs::create_dir(home.join("codex")).unwrap();
    std::os::unix::fs::symlink(installed().join("node/node_modules"), home.join("node_modules")).unwrap();
}

/// Go compiles its library once, and looks for no other version of itself.
fn with_go(user: User) -> User {
    user.with("GOCACHE", installed().join("../go").display()).with("GOTOOLCHAIN", "local")
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/machine")
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let on_path = |name: &str| {
        std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
    };
    if name == "node20" {
        let node = on_path("node")?;
        let version = std::process::Command::new(&node).arg("--version").output().ok()?.stdout;
        return version.starts_with(b"v20.").then_some(node);
    }
    let here = installed().join(name);
    if name.contains('/') { here.exists().then_some(here) } else { on_path(name) }
}

fn code(flags: &str) -> String {
    if flags.is_empty() { String::new() } else { format!("`{flags}`") }
}

//! Every client that can be made to ask for one page, and how.

use std::time::Duration;

/// In every script: the page to ask for.
pub(super) const URL: &str = "PAGE_URL";

/// A client and how it is made to ask.
pub(super) struct Client {
    pub(super) name: &'static str,
    /// The first of these that is installed.
    pub(super) programs: &'static [&'static str],
    pub(super) arguments: &'static [&'static str],
    /// A file in the directory in which it runs.
    pub(super) script: Option<(&'static str, &'static str)>,
    /// The variables of the table that it reads.
    pub(super) reads: &'static [&'static str],
    /// Longest wait for it.
    pub(super) patience: Duration,
}

/// All that are tried where they are installed.
pub(super) const CLIENTS: &[Client] = &[
    Client::new("curl", &["curl"], &["-sS", URL], &["https_proxy", "CURL_CA_BUNDLE"]),
    Client::new("wget", &["wget"], &["-nv", "-O-", "--tries=1", "-S", URL], &["https_proxy", "WGETRC"]),
    // It asks below the page and shows the answer's fields.
    Client::new(
        "git",
        &["git"],
        &["-c", "credential.helper=", "ls-remote", URL],
        &["https_proxy", "GIT_SSL_CAINFO"],
    ),
    Client::new("python urllib", PYTHON, &["-c", PYTHON_URLLIB], &["https_proxy", "SSL_CERT_FILE"]),
    Client::new("python requests", PYTHON, &["-c", PYTHON_REQUESTS], &["https_proxy", "REQUESTS_CA_BUNDLE"]),
    Client::new("python httpx", PYTHON, &["-c", PYTHON_HTTPX], &["https_proxy", "SSL_CERT_FILE"]),
    Client::new("python openai", PYTHON, &["-c", PYTHON_OPENAI], &["https_proxy", "SSL_CERT_FILE"]),
    Client::new(
        "node",
        &["node"],
        &["-e", FETCH],
        &["https_proxy", "NODE_USE_ENV_PROXY", "NODE_EXTRA_CA_CERTS"],
    ),
    Client::new("deno", &["deno"], &["eval", FETCH], &["https_proxy", "DENO_CERT"]),
    Client::new("bun", &["bun"], &["-e", FETCH], &["https_proxy", "NODE_EXTRA_CA_CERTS"]),
    Client::new("go", &["go"], &["run", "main.go"], &["HTTPS_PROXY", "SSL_CERT_FILE"])
        .with("main.go", GO)
        // It compiles its whole library first, if it never did.
        .within(Duration::from_secs(120)),
    Client::new("java", &["java"], &["Ask.java"], &["JAVA_TOOL_OPTIONS"]).with("Ask.java", JAVA),
    Client::new("ruby", &["ruby"], &["-rnet/http", "-e", RUBY], &["http_proxy", "SSL_CERT_FILE"]),
    // It asks below the page and shows the answer's error. What it keeps is in the folder, not in the user's.
    Client::new(
        "codex",
        &["codex"],
        &["exec", "--skip-git-repo-check", "hello"],
        &["https_proxy", "CODEX_CA_CERTIFICATE"],
    )
    .with("config.toml", CODEX)
    // Where it gets no connection it tries for ever.
    .within(Duration::from_secs(15)),
    Client::new("php curl", &["php"], &["-r", PHP], &["https_proxy", "PHP_INI_SCAN_DIR"]),
];

const PYTHON: &[&str] = &["python3", "python"];
const PYTHON_URLLIB: &str = "
import urllib.error, urllib.request
try: print(urllib.request.urlopen('PAGE_URL').read())
except urllib.error.HTTPError as e: print(e.read()); raise SystemExit(e)";
const PYTHON_REQUESTS: &str = "
try: import requests
except ImportError: raise SystemExit(77)
print(requests.get('PAGE_URL').text)";
const PYTHON_HTTPX: &str = "
try: import httpx
except ImportError: raise SystemExit(77)
print(httpx.get('PAGE_URL').text)";
const PYTHON_OPENAI: &str = "
try: import openai
except ImportError: raise SystemExit(77)
print(openai.OpenAI(api_key='unused', max_retries=0).get('PAGE_URL', cast_to=object))";
const FETCH: &str = "fetch('PAGE_URL').then(r => r.text()).then(t => console.log(t)).catch(e => console.error(String(e.cause ?? e)))";
const RUBY: &str = "
begin puts Net::HTTP.get(URI('PAGE_URL'))
rescue => e; warn e.message end";
const GO: &str = r#"package main
import ("fmt"; "io"; "net/http"; "os")
func main() {
    r, err := http.Get("PAGE_URL")
    if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
    io.Copy(os.Stdout, r.Body)
}
"#;
const JAVA: &str = r#"import java.net.URI;
import java.net.http.*;
class Ask {
    public static void main(String[] none) throws Exception {
        var request = HttpRequest.newBuilder(URI.create("PAGE_URL")).build();
        try {
            System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
        } catch (java.io.IOException e) { System.err.println(e); }
    }
}
"#;
const CODEX: &str = r#"model = "gpt-4o"
model_provider = "doctor"
features = { plugins = false, apps = false }
[model_providers.doctor]
name = "doctor"
base_url = "PAGE_URL"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"#;
const PHP: &str = "
if (!function_exists('curl_init')) exit(77);
$c = curl_init('PAGE_URL');
if (!curl_exec($c)) { fwrite(STDERR, curl_error($c)); exit(1); }";

// === impl Client ===

impl Client {
    const fn new(
        name: &'static str,
        programs: &'static [&'static str],
        arguments: &'static [&'static str],
        reads: &'static [&'static str],
    ) -> Self {
        // Java compiles first.
        Self { name, programs, arguments, script: None, reads, patience: Duration::from_secs(60) }
    }

    const fn with(self, file: &'static str, text: &'static str) -> Self {
        Self { script: Some((file, text)), ..self }
    }

    const fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::environment::{Kind, VARIABLES};

    #[test]
    fn clients_read_variables_of_the_table() {
        for client in CLIENTS {
            for name in client.reads {
                let known = VARIABLES.iter().find(|variable| variable.name == *name);
                assert!(
                    known.is_some_and(|variable| variable.kind != Kind::BaseUrl),
                    "{}: {name}",
                    client.name
                );
            }
        }
    }

    #[test]
    fn every_client_asks_for_the_page() {
        for client in CLIENTS {
            let script = client.script.map(|(_, text)| text);
            assert!(
                client.arguments.iter().copied().chain(script).any(|text| text.contains(URL)),
                "{}",
                client.name
            );
        }
    }
}

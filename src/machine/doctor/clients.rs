//! The clients that are installed, each made to ask for our page on the intercepted name.

mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::table::{CLIENTS, Client, URL};
use super::again::Again;
use super::finding::{Cure, Finding};
use crate::admin::WELL_KNOWN;
use crate::cli::Extras;
use crate::config::env::Environment;
use crate::error::READ_ONLY;
use crate::machine::command::{self, last_line};
use crate::machine::environment::{self, Assignment, Kind, VARIABLES};
use crate::machine::files::Files;
use crate::machine::proxy_url;
use crate::policy::Denied;
use crate::policy::presented::Role;
use crate::proxy::respond::ERROR_FIELD;
use crate::tls;

/// Clients that run at once.
const AT_ONCE: usize = 2;
/// With these a script says that a package is not installed, and a program that what it hands on to is not there.
const ABSENT: &[i32] = &[77, 126, 127];

/// How clients get to the proxy.
#[derive(Debug)]
pub struct Way<'a> {
    /// Where it listens.
    pub address: SocketAddr,
    /// An intercepted host.
    pub host: &'a str,
    /// What the variables point at.
    pub files: &'a Files,
    /// Ways in that can be opened.
    pub extras: Extras,
    /// What sets all variables at once.
    pub again: &'a Again,
}

/// How a client fared.
enum Fared {
    /// It got our page.
    Through,
    /// It got to us, and would have needed a client key.
    KeyNeeded,
    /// It did not; the last that it said.
    Not(String),
    /// It cannot be tried.
    Absent,
}

/// Makes every installed client ask; a finding for each.
pub async fn drive(way: &Way<'_>, user: &Environment) -> Vec<Finding> {
    let folder = std::env::temp_dir()
        .join(format!("azure-openai-proxy-doctor-{}", tls::random_token().unwrap_or_default()));
    if let Err(error) = std::fs::create_dir(&folder) {
        return vec![Finding::wrong(
            "clients",
            &format!("cannot create {}: {error}", folder.display()),
            None,
        )];
    }
    let wanted = Arc::new(environment::set(way.address, way.files, user, way.extras));
    let url = format!("https://{}{WELL_KNOWN}", way.host);
    let base_url = format!("http://{}/v1", way.address);
    let (room, mut trying) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for (at, client) in CLIENTS.iter().enumerate() {
        let Some(program) = client.programs.iter().find_map(|name| command::find(name, user)) else {
            continue;
        };
        let attempt = Attempt {
            client,
            program,
            url: url.clone(),
            folder: folder.clone(),
            base_url_is_set: proxy_url::is_base_url_set(way.address, user),
            set_all: way.again.set_all(),
            passwords: passwords(user).collect(),
            show_key: Cure::Set("https_proxy", format!("http://user:KEY@{}", way.address)),
        };
        let missing = attempt.missing(&wanted, user);
        let (room, wanted, base_url) = (Arc::clone(&room), Arc::clone(&wanted), base_url.clone());
        trying.spawn(async move {
            let _place = room.acquire_owned().await;
            attempt.judge(&wanted, missing, base_url).await.map(|finding| (at, finding))
        });
    }
    let mut findings: Vec<(usize, Finding)> = trying.join_all().await.into_iter().flatten().collect();
    findings.sort_by_key(|(at, _)| *at);
    // What is left of it is in the folder for such things.
    let _ = std::fs::remove_dir_all(&folder);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

/// One client that is installed.
struct Attempt {
    client: &'static Client,
    program: PathBuf,
    url: String,
    folder: PathBuf,
    base_url_is_set: bool,
    set_all: Cure,
    show_key: Cure,
    /// What is not to be shown, even if the client does.
    passwords: Vec<String>,
}

// === impl Attempt ===

impl Attempt {
    /// As the shell is; and where that is not enough, what would be.
    async fn judge(
        &self,
        wanted: &[Assignment],
        missing: Vec<Assignment>,
        base_url: String,
    ) -> Option<Finding> {
        let name = self.client.name;
        let why = match self.run(&[]).await {
            Fared::Through => return Some(Finding::right(name, "intercepted")),
            Fared::KeyNeeded => {
                let says = "intercepted; needs a client key, here or as the API key";
                return Some(Finding::remark(name, says, Some(self.show_key.clone())));
            }
            Fared::Absent => return None,
            Fared::Not(why) => why,
        };
        if self.base_url_is_set {
            return Some(Finding::right(name, "not intercepted, but OPENAI_BASE_URL leads to the proxy"));
        }
        let cure = match (self.run(wanted).await, &missing[..]) {
            // What stands before an @ may be a key.
            (Fared::Through | Fared::KeyNeeded, [Assignment { name, value: Some(value) }])
                if !value.contains('@') =>
            {
                Cure::Set(name, value.clone())
            }
            (Fared::Through | Fared::KeyNeeded, _) => self.set_all.clone(),
            // Our own word to who has a wrong key in the URL.
            (Fared::Not(why), _) if wants_key(&why) => self.show_key.clone(),
            // It ignores proxies or their certificates, whatever is set.
            _ => Cure::Set("OPENAI_BASE_URL", base_url),
        };
        Some(Finding::wrong(name, &format!("not intercepted: {why}"), Some(cure)))
    }

    /// What it reads and this shell does not have.
    fn missing(&self, wanted: &[Assignment], user: &Environment) -> Vec<Assignment> {
        let reads = |a: &&Assignment| self.client.reads.contains(&a.name);
        let differs = |a: &&Assignment| user.text(a.name) != a.value.as_deref();
        wanted.iter().filter(reads).filter(differs).cloned().collect()
    }

    async fn run(&self, variables: &[Assignment]) -> Fared {
        if let Some((file, text)) = self.client.script {
            let written = std::fs::write(self.folder.join(file), text.replace(URL, &self.url));
            if let Err(error) = written {
                return Fared::Not(error.to_string());
            }
        }
        let arguments = self.client.arguments.iter().map(|argument| argument.replace(URL, &self.url));
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command.env("NO_COLOR", "1");
        // git alone shows no content; its trace has the fields of what it got.
        command.env("GIT_TRACE_CURL", "1").env("GIT_TERMINAL_PROMPT", "0").env("CODEX_HOME", &self.folder);
        // It keeps the proxy's password to itself until it is asked, and the tunnel does not ask.
        command.env("GIT_HTTP_PROXY_AUTHMETHOD", "basic");
        command.envs(variables.iter().filter_map(|a| Some((a.name, a.value.as_deref()?))));
        let output = match tokio::time::timeout(self.client.patience, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Fared::Not(error.to_string()),
            Err(_) => {
                return Fared::Not(format!("it took longer than {} s", self.client.patience.as_secs()));
            }
        };
        let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
        match output.status.code() {
            Some(code) if ABSENT.contains(&code) => Fared::Absent,
            _ if is_asked_for_key(&said) => Fared::KeyNeeded,
            _ if is_ours(&said) => Fared::Through,
            _ => Fared::Not(self.without_passwords(last_line(&output))),
        }
    }

    fn without_passwords(&self, said: String) -> String {
        self.passwords.iter().fold(said, |said, password| match password.len() {
            // A short one may be a part of any word.
            ..8 => said.replace(&format!("{password}@"), "…@"),
            _ => said.replace(password, "…"),
        })
    }
}

/// The passwords in the URLs of proxies that this shell has.
fn passwords(user: &Environment) -> impl Iterator<Item = String> {
    let urls = VARIABLES.iter().filter(|variable| variable.kind == Kind::Proxy);
    let users = urls.filter_map(|variable| Some(user.text(variable.name)?.rsplit_once('@')?.0));
    let named =
        users.filter_map(|name| name.rsplit_once("://").map_or(name, |(_, name)| name).split_once(':'));
    named.map(|(_, password)| password.to_owned()).filter(|password| !password.is_empty())
}

/// Whether a client says that the proxy wants to know who it is: by our status, which is no part of a longer number.
fn wants_key(why: &str) -> bool {
    why.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "407")
}

/// What we say to those who show no client key, or not one of ours.
fn is_asked_for_key(said: &str) -> bool {
    [Denied::KeyMissing(Role::Origin), Denied::KeyUnknown(Role::Origin)]
        .iter()
        .any(|denied| said.contains(&denied.to_string()))
        || said.to_ascii_lowercase().contains(&format!("{ERROR_FIELD}: invalid_api_key"))
}

/// Our page, or what we say to those who ask below it: a field that only our answers have, or our words.
fn is_ours(said: &str) -> bool {
    said.contains("azure_openai_proxy")
        || said.contains(READ_ONLY)
        || said.to_ascii_lowercase().contains(&format!("{ERROR_FIELD}:"))
}

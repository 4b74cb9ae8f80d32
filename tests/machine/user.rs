//! A user of the machine: a home of their own, and no variables but the usual ones.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::stage::{AZURE_HOST, Stage};

/// Longest wait for a command.
const DEADLINE: Duration = Duration::from_secs(60);

/// Where a user works, and which variables they have set.
pub(crate) struct User {
    pub(crate) home: TempDir,
    variables: Vec<(String, String)>,
    /// What every command of theirs is the last arguments of.
    within: Vec<String>,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_azure-openai-proxy"))
}

impl User {
    /// One who has a home and a search path.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
        let variables = vec![
            ("HOME".into(), home.path().display().to_string()),
            ("PATH".into(), path),
            ("LC_ALL".into(), "C".into()),
        ];
        Self { home, variables, within: Vec::new() }
    }

    /// One who runs the proxy of a stage.
    pub(crate) fn of_proxy(stage: &Stage) -> Self {
        Self::new()
            .with("AZURE_OPENAI_PROXY_LISTEN", stage.proxy)
            .with("AZURE_OPENAI_PROXY_CERTS", stage.folder().join("certs").display())
    }

    /// One whose settings lead to the simulator of a stage, and who runs no proxy.
    pub(crate) fn of_simulator(stage: &Stage) -> Self {
        let user = Self::new();
        let certs = user.certs();
        user.with("AZURE_OPENAI_PROXY_LISTEN", nobody())
            .with("AZURE_OPENAI_PROXY_CERTS", certs.display())
            .with("AZURE_OPENAI_ENDPOINT", format!("https://{AZURE_HOST}"))
            .with("AZURE_OPENAI_API_KEY", &stage.key)
            .with("AZURE_OPENAI_MODEL_MAPPER", crate::stage::MAP)
            .with("AZURE_OPENAI_PROXY_UPSTREAM_CA_FILE", stage.folder().join("simulator-ca.pem").display())
            .with("AZURE_OPENAI_PROXY_RESOLVE", format!("{AZURE_HOST}:443:{}", stage.simulator))
    }

    /// With one more variable, or another value of one.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.retain(|(have, _)| have != name);
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// Whose commands are run by another one, which takes them as its last arguments.
    pub(crate) fn within(mut self, command: Vec<String>) -> Self {
        self.within = command;
        self
    }

    /// Where the user's own CA is.
    pub(crate) fn certs(&self) -> PathBuf {
        self.home.path().join("certs")
    }

    /// A command of this user's.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut words = self.within.iter().map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).args(arguments).env_clear().envs(self.variables.iter().cloned());
        command
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    /// Runs the program under test to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        end(self.command(program(), arguments)).await
    }

    /// Runs a script in a shell that finds the program under test as `$PROXY`.
    pub(crate) async fn shell(&self, shell: &str, script: &str) -> Said {
        let mut command = self.command(Path::new(shell), &["-c", script]);
        command.env("PROXY", program());
        end(command).await
    }
}

/// Runs a command to its end, but not for ever.
pub(crate) async fn end(mut command: Command) -> Said {
    let output = tokio::time::timeout(DEADLINE, command.output()).await;
    output.expect("it does not end").expect("it starts").into()
}

/// An address of this machine where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let text = |octets| String::from_utf8(octets).unwrap();
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

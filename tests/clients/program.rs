//! A client as a child process, and what it said when.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

/// Longest life of a client; an interpreter on a busy machine takes seconds to start.
const DEADLINE: Duration = Duration::from_secs(120);

/// A program with nothing in its environment but what a test puts there.
pub(crate) struct Program {
    command: Command,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The lines of its standard output, each with the moment at which it was there.
    pub(crate) lines: Vec<(Instant, String)>,
    /// Its standard error.
    pub(crate) stderr: String,
}

// === impl Program ===

impl Program {
    /// Finds the program on the search path, which is all that it gets of this process's environment.
    pub(crate) fn new(program: impl AsRef<OsStr>, home: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", home).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self { command }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the folder in which it runs.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> Ran {
        let shown = format!("{:?}", self.command.as_std().get_program());
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{shown}: {error}; scripts/test installs the clients"));
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let ended = timeout(DEADLINE, async move {
            let mut said = String::new();
            let (lines, read) = tokio::join!(lines(stdout), stderr.read_to_string(&mut said));
            read.expect("standard error is text");
            let status = child.wait().await.expect("it is our child");
            Ran { code: status.code(), lines, stderr: said }
        });
        ended.await.unwrap_or_else(|_| panic!("{shown} did not end in {DEADLINE:?}"))
    }
}

async fn lines(stdout: impl tokio::io::AsyncBufRead + Unpin) -> Vec<(Instant, String)> {
    let (mut lines, mut read) = (stdout.lines(), Vec::new());
    while let Some(line) = lines.next_line().await.expect("standard output is text") {
        read.push((Instant::now(), line));
    }
    read
}

// === impl Ran ===

impl Ran {
    /// The same, after it ended well.
    pub(crate) fn succeeded(self, what: &str) -> Self {
        assert_eq!(self.code, Some(0), "{what}: {}\n{}", self.stdout(), self.stderr);
        self
    }

    /// All of its standard output.
    pub(crate) fn stdout(&self) -> String {
        self.lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}

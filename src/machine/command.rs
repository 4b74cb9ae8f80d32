//! Other programs on this machine: finding them, and running them to their end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

use crate::config::env::Environment;

/// Longest wait for a program. Refreshing a system's trust store runs hooks, Java's among them.
const DEADLINE: Duration = Duration::from_secs(120);

/// Why a program did not do what it was run for.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("cannot run {program}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It did not end in time.
    #[error("{program} did not end within {} s", DEADLINE.as_secs())]
    Timeout {
        /// The program.
        program: String,
    },
    /// It said that it failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// The program.
        program: String,
        /// The last line that it printed, errors first.
        said: String,
    },
}

/// The program of that name on the user's `PATH`.
pub fn find(name: &str, user: &Environment) -> Option<PathBuf> {
    let file = if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() };
    user.paths("PATH").into_iter().map(|directory| directory.join(&file)).find(|path| is_program(path))
}

/// Runs a program without input; what it printed, whatever its exit code.
pub async fn run<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Result<Output, CommandError> {
    let name = || program.display().to_string();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(DEADLINE, command.output()).await {
        Ok(output) => output.map_err(|source| CommandError::Start { program: name(), source }),
        Err(_) => Err(CommandError::Timeout { program: name() }),
    }
}

/// Runs a program that has to succeed; what it printed.
pub async fn run_ok<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Result<String, CommandError> {
    let output = run(program, arguments).await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(CommandError::Failed { program: program.display().to_string(), said: last_line(&output) })
}

/// The last line that a program printed, errors first; of curl's, the one that says what is wrong.
pub fn last_line(output: &Output) -> String {
    let last = |octets: &[u8]| {
        let text = String::from_utf8_lossy(octets);
        let lines = || text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
        // Below it there may be advice.
        let error = lines().find(|line| line.starts_with("curl: ("));
        error.or_else(|| lines().next()).map(str::to_owned)
    };
    last(&output.stderr).or_else(|| last(&output.stdout)).unwrap_or_else(|| output.status.to_string())
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

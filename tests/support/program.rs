//! The program itself as a child process, with everything that it says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{DEADLINE, within};

/// The file that is run.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_azure-openai-proxy");

/// A running program. It is killed if it is dropped before it has ended.
pub(crate) struct Program {
    child: Child,
    printed: Arc<Mutex<String>>,
    said: Arc<Mutex<String>>,
    changes: watch::Receiver<usize>,
    readers: [JoinHandle<()>; 2],
}

// === impl Program ===

impl Program {
    /// Starts it with these arguments, `HOME` and these variables, and no others.
    pub(crate) fn start(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().env("HOME", home).envs(variables.iter().copied());
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts it by a command that becomes it.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let (printed, said) = (Arc::default(), Arc::default());
        let (news, changes) = watch::channel(0);
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let readers = [
            tokio::spawn(listen(stdout, Arc::clone(&printed), news.clone())),
            tokio::spawn(listen(stderr, Arc::clone(&said), news)),
        ];
        Self { child, printed, said, changes, readers }
    }

    /// All that it has said on standard error so far.
    pub(crate) fn said(&self) -> String {
        copy(&self.said)
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    /// Waits until it has said this on standard error.
    pub(crate) async fn says(&mut self, words: &str) {
        let heard = |_: &usize| copy(&self.said).contains(words);
        // An error is its end, and then it has said all that it will.
        let _ = tokio::time::timeout(DEADLINE, self.changes.wait_for(heard)).await;
        let said = self.said();
        assert!(said.contains(words), "it did not say {words:?}:\n{said}");
    }

    /// Waits until it has printed this on standard output.
    pub(crate) async fn prints(&mut self, words: &str) {
        let heard = |_: &usize| copy(&self.printed).contains(words);
        let _ = tokio::time::timeout(DEADLINE, self.changes.wait_for(heard)).await;
        let printed = copy(&self.printed);
        assert!(printed.contains(words), "it did not print {words:?}:\n{printed}");
    }

    /// The address that it says it listens on, with the port that port 0 became.
    pub(crate) async fn address(&mut self) -> SocketAddr {
        self.says("listening on http://").await;
        let said = self.said();
        let after = said.split("listening on http://").nth(1).expect("it has said so");
        let end = after.find(|c: char| c == '"' || c.is_whitespace()).unwrap_or(after.len());
        after[..end].parse().expect("an address")
    }

    /// Asks it to stop, as service managers do.
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let told = within(Command::new("kill").args([signal, &id]).status()).await;
        assert!(told.expect("kill is installed").success());
    }

    /// Waits for its end; how it ended, and all that it printed and said.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = within(self.child.wait()).await.expect("it ends");
        for reader in &mut self.readers {
            within(reader).await.expect("what it says is text");
        }
        (status, copy(&self.printed) + &copy(&self.said))
    }
}

fn copy(text: &Mutex<String>) -> String {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn listen(from: impl AsyncRead + Unpin, said: Arc<Mutex<String>>, news: watch::Sender<usize>) {
    let mut lines = BufReader::new(from).lines();
    while let Some(line) = lines.next_line().await.expect("what it says is text") {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&line);
        said.push('\n');
        news.send_modify(|lines| *lines += 1);
    }
}

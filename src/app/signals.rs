//! What the system asks of the process.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal;

/// The signals that are listened for. None of them is lost between two that are asked for.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    /// Whether it was started for somebody at a terminal of the process's own, to end with it.
    #[cfg(unix)]
    at_terminal: bool,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

/// What one of them means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// SIGTERM or SIGINT, or the terminal is closed; on Windows Ctrl-C.
    Stop,
    /// SIGHUP from somebody else.
    Reload,
}

// === impl Signals ===

#[cfg(unix)]
impl Signals {
    /// Listens from now on; from now on none of them ends the process by itself.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            // Under nohup(1) it would not be.
            at_terminal: io::stderr().is_terminal() && has_terminal(),
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.terminate.recv() => Request::Stop,
            _ = self.hangup.recv() => match self.at_terminal && !has_terminal() {
                true => Request::Stop,
                false => Request::Reload,
            }
        }
    }
}

/// Whether the process still has the terminal that it was started at.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

#[cfg(windows)]
impl Signals {
    /// Listens from now on; from now on Ctrl-C does not end the process by itself.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Request {
        self.interrupt.recv().await;
        Request::Stop
    }
}

//! A command in our place: its terminal, its signals, its exit code.

use std::io;
use std::process::{Command, ExitStatus};

#[cfg(unix)]
use self::unix::Signals;

/// Runs a command to its end and passes on what is signalled to us; its exit code as a shell gives it.
pub async fn run(command: Command) -> io::Result<u8> {
    let mut command = tokio::process::Command::from(command);
    #[cfg(unix)]
    {
        // Before the start: a signal that comes right after it must not end us and orphan the command.
        let mut signals = Signals::catch()?;
        let mut child = command.spawn()?;
        let id = child.id();
        loop {
            tokio::select! {
                ended = child.wait() => return ended.map(code),
                signal = signals.next() => unix::pass_on(signal, id),
            }
        }
    }
    #[cfg(not(unix))]
    {
        let mut child = command.spawn()?;
        loop {
            tokio::select! {
                ended = child.wait() => return ended.map(code),
                // The console has told the command too; what comes of it is its decision.
                interrupted = tokio::signal::ctrl_c() => interrupted?,
            }
        }
    }
}

/// Becomes the command where processes can; nothing of us is left that could get signals or codes wrong.
pub async fn become_it(command: Command) -> io::Result<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let mut command = command;
        Err(command.exec())
    }
    #[cfg(not(unix))]
    run(command).await
}

/// The code with which a shell reports that end.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return u8::try_from(128 + signal).unwrap_or(u8::MAX);
        }
    }
    // Windows has 32 bits: what does not fit must at least not look like success.
    status.code().map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(unix)]
mod unix {
    use std::io::{self, IsTerminal};

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    /// The signals that people and their supervisors send to a command.
    pub(super) struct Signals([Stream; 6]);

    /// Sends on what the command has not got already.
    pub(super) fn pass_on(signal: Signal, id: Option<u32>) {
        // A terminal sends these to everybody in its foreground, so the command has got its own.
        let by_terminal = matches!(signal, Signal::INT | Signal::QUIT) && has_terminal();
        let pid = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let (Some(pid), false) = (pid, by_terminal) {
            // It fails only when the command has just ended, which is noticed next.
            let _ = kill_process(pid, signal);
        }
    }

    fn has_terminal() -> bool {
        io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
    }

    // === impl Signals ===

    impl Signals {
        /// From here on they do not end this process.
        pub(super) fn catch() -> io::Result<Self> {
            Ok(Self([
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::user_defined2())?,
            ]))
        }

        /// The next one.
        pub(super) async fn next(&mut self) -> Signal {
            let Self([hangup, interrupt, quit, terminate, one, two]) = self;
            tokio::select! {
                _ = hangup.recv() => Signal::HUP,
                _ = interrupt.recv() => Signal::INT,
                _ = quit.recv() => Signal::QUIT,
                _ = terminate.recv() => Signal::TERM,
                _ = one.recv() => Signal::USR1,
                _ = two.recv() => Signal::USR2,
            }
        }
    }
}

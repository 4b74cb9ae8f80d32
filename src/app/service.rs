//! The service manager above us: the sockets that it opened, and what it wants to know.
//!
//! systemd's protocols: sd_listen_fds(3) and sd_notify(3). Without a service manager nothing happens here.

use std::io;
use std::net::TcpListener;

/// What the service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The listeners are bound, the settings are in force.
    Ready,
    /// The settings are being read again; [`State::Ready`] follows, whatever becomes of it.
    Reloading,
    /// What is under way may finish.
    Stopping,
}

/// The listeners that were opened for this process, in the order of the unit's lines.
///
/// # Errors
///
/// One of them is no TCP socket that listens.
#[cfg(unix)]
pub fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut handed = listenfd::ListenFd::from_env();
    (0..handed.len()).filter_map(|index| handed.take_tcp_listener(index).transpose()).collect()
}

/// None: there is no such thing here.
#[cfg(not(unix))]
pub fn listeners() -> io::Result<Vec<TcpListener>> {
    Ok(Vec::new())
}

/// Keeps what this process holds, which are keys, out of files that are written if it dies.
#[cfg(unix)]
pub fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let none = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "could not rule out core dumps");
    }
}

/// Nothing: such files are Unix's.
#[cfg(not(unix))]
pub fn leave_no_core() {}

/// Files and connections that this process has open beside those of clients and their upstream.
const OTHERS: usize = 64;

/// Lets this process have as many connections open as the system permits, and takes no more than that: one that cannot
/// be accepted waits without an answer, in front of all others. Each may need another one upstream.
///
/// Shells start programs with room for a thousand files, and allow far more to those that ask.
pub fn fit(connections: &mut usize) {
    let Some(most) = most_open_files().map(|files| (files.saturating_sub(OTHERS) / 2).max(1)) else { return };
    if *connections > most {
        tracing::warn!("the system permits {most} connections (ulimit -n): max_connections is that many");
        *connections = most;
    }
}

/// Raises the limit on open files as far as it goes; what it is then, where there is one.
#[cfg(unix)]
fn most_open_files() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let found = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, ..found });
    let most = if raised.is_ok() { found.maximum } else { found.current };
    most.map(|most| usize::try_from(most).unwrap_or(usize::MAX))
}

/// There is no such limit.
#[cfg(not(unix))]
fn most_open_files() -> Option<usize> {
    None
}

/// Tells the service manager. It may not be there to listen, which changes nothing.
#[cfg(unix)]
pub fn tell(state: State) {
    use sd_notify::NotifyState;
    let told = match state {
        State::Ready => sd_notify::notify(&[NotifyState::Ready]),
        State::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        // The time tells this reload's end from that of one before (Type=notify-reload).
        State::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
    };
    if let Err(error) = told {
        tracing::warn!(%error, "could not tell the service manager: {state:?}");
    }
}

/// Nothing: nobody is there.
#[cfg(not(unix))]
pub fn tell(_: State) {}

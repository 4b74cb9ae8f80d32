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

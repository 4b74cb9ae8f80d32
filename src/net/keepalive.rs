//! TCP's own questions whether the other end is still there (RFC 9293 §3.8.4).
//!
//! An exchange may be silent for an hour, and a tunnel too. Without them, nobody learns that the other machine has gone
//! or that a router on the way has forgotten the connection; and those that a client asks end here.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// The silence before the first question.
const SILENCE: Duration = Duration::from_secs(30);

/// The time for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Has the system ask after each silence, and break the connection when that is not answered; one that cannot goes
/// without. Connections inherit it from their listener.
pub fn keep_alive(socket: &SockRef<'_>) {
    let asking = TcpKeepalive::new().with_time(SILENCE).with_interval(ANSWER);
    if let Err(error) = socket.set_tcp_keepalive(&asking) {
        tracing::debug!(%error, "the system does not ask whether the other end is there");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::message::host_port::HostPort;
    use crate::net::{dial, listen};
    use crate::policy::Policy;
    use crate::policy::destination::{self, Reach};

    #[tokio::test]
    async fn both_ends_of_what_we_carry_are_asked_after() {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let here = listener.local_addr().unwrap();
        let policy = Policy::new(Vec::new(), destination::Settings::default());
        let permitted = policy.permit(HostPort::parse(&here.to_string(), None).unwrap(), Reach::Everywhere);
        let (dialled, (accepted, _)) = tokio::join!(dial::dial(&permitted, &[]), listen::accept(&listener));
        for stream in [dialled.unwrap(), accepted] {
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENCE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), ANSWER);
        }
    }
}

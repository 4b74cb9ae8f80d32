//! Outbound connections: the only place that opens one.

use std::net::{IpAddr, SocketAddr};

use crate::message::host_port::{HostPort, HostPortError};
use thiserror::Error;

/// One `--resolve HOST:PORT:ADDR[:PORT]`: where a destination is to be found instead of in DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The destination that is asked for.
    pub destination: HostPort,
    /// Where it is dialled.
    pub address: SocketAddr,
}

/// Why an override cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OverrideError {
    /// Not of the form `HOST:PORT:ADDR[:PORT]`.
    #[error("expected HOST:PORT:ADDR or HOST:PORT:ADDR:PORT")]
    Form,
    /// The first two parts are not a host and a port.
    #[error("{0}")]
    Destination(#[from] HostPortError),
}

// === impl Override ===

impl std::str::FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        let host_end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']').ok_or(OverrideError::Form)? + 2,
            None => text.find(':').ok_or(OverrideError::Form)?,
        };
        let rest = text.get(host_end..).and_then(|r| r.strip_prefix(':')).ok_or(OverrideError::Form)?;
        let (port, address) = rest.split_once(':').ok_or(OverrideError::Form)?;
        let destination = HostPort::parse(&format!("{}:{port}", &text[..host_end]), None)?;
        let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
        let address = match bare.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, destination.port()),
            Err(_) => address.parse().map_err(|_| OverrideError::Form)?,
        };
        Ok(Self { destination, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_curls_form_with_and_without_another_port() {
        for (text, to, address) in [
            ("a.example:443:127.0.0.1", "a.example:443", "127.0.0.1:443"),
            ("a.example:443:127.0.0.1:9", "a.example:443", "127.0.0.1:9"),
            ("[::1]:443:[::2]:9", "[::1]:443", "[::2]:9"),
            ("a:1:::1", "a:1", "[::1]:1"),
        ] {
            let read: Override = text.parse().unwrap();
            assert_eq!((read.destination.to_string(), read.address.to_string()), (to.into(), address.into()));
        }
        for text in ["", "a", "a:1", "a:1:b", "a:x:127.0.0.1", "[::1:1:2"] {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}

//! An authority without user information: `host:port` (RFC 9110 §4.2, RFC 3986 §3.2).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;

/// A host and the port on it, parsed strictly: no user information, no empty host, no port 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    host: Host,
    port: u16,
}

/// A registered name in lower case without a trailing dot, or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name of at most 253 octets.
    Name(Box<str>),
    /// A literal address; IPv6 is written in brackets.
    Ip(IpAddr),
}

/// Why a text is not an authority.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HostPortError {
    /// Nothing stands before the port.
    #[error("the host is empty")]
    EmptyHost,
    /// The port is absent where it is required (RFC 9110 §9.3.6).
    #[error("the port is missing")]
    MissingPort,
    /// Not a decimal number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    BadPort,
    /// Longer than DNS allows, or with an octet that no host name has.
    #[error("the host is not a DNS name or an IP address")]
    BadHost,
}

// === impl HostPort ===

impl HostPort {
    /// Joins a host and a port.
    pub fn new(host: Host, port: u16) -> Self {
        Self { host, port }
    }

    /// Reads `host:port`, `[v6]:port` or, where `default_port` is given, a bare host.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, HostPortError> {
        let (host, port) = split(text)?;
        let host = Host::parse(host)?;
        let port = match port {
            Some(digits) => parse_port(digits)?,
            None => default_port.ok_or(HostPortError::MissingPort)?,
        };
        Ok(Self::new(host, port))
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), HostPortError> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or(HostPortError::BadHost)? + 1;
        let (host, rest) = text.split_at(end);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HostPortError::BadHost),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(HostPortError::BadHost),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn parse_port(digits: &str) -> Result<u16, HostPortError> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse() {
        Ok(port) if plain && port != 0 => Ok(port),
        _ => Err(HostPortError::BadPort),
    }
}

// === impl Host ===

impl Host {
    /// Reads a DNS name, an IPv4 address or a bracketed IPv6 address.
    ///
    /// A name that ends in a number but is no IPv4 address (`0x7f.1`, `127.1`) is refused:
    /// resolvers disagree about it, and a policy must not.
    pub fn parse(text: &str) -> Result<Self, HostPortError> {
        if text.is_empty() {
            return Err(HostPortError::EmptyHost);
        }
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            let v6: Ipv6Addr = inner.parse().map_err(|_| HostPortError::BadHost)?;
            return Ok(Self::Ip(v6.into()));
        }
        if let Ok(v4) = text.parse::<std::net::Ipv4Addr>() {
            return Ok(Self::Ip(v4.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let labels_fit =
            name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(is_name_octet));
        if name.len() > 253 || !labels_fit || ends_in_number(name) {
            return Err(HostPortError::BadHost);
        }
        Ok(Self::Name(name.to_ascii_lowercase().into()))
    }

    /// Whether this is the name, in any letters.
    pub fn is_name(&self, text: &str) -> bool {
        self.name().is_some_and(|name| name.eq_ignore_ascii_case(text))
    }

    /// The DNS name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Ip(_) => None,
        }
    }

    /// Whether this host is this machine by definition: a loopback address or `localhost`.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => &**name == "localhost",
            Self::Ip(ip) => ip.to_canonical().is_loopback(),
        }
    }
}

fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_'
}

fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|b| b.is_ascii_digit()) || hex.is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_of_an_authority() {
        for (text, shown) in [
            ("api.openai.com:443", "api.openai.com:443"),
            ("API.OpenAI.com.:443", "api.openai.com:443"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:443", "[::1]:443"),
            ("my_host:1", "my_host:1"),
        ] {
            assert_eq!(HostPort::parse(text, None).map(|a| a.to_string()), Ok(shown.into()), "{text}");
        }
        assert_eq!(HostPort::parse("[::1]", Some(80)).map(|a| a.port()), Ok(80));
    }

    #[test]
    fn refuses_what_parsers_read_differently() {
        for (text, why) in [
            ("", HostPortError::EmptyHost),
            (":443", HostPortError::EmptyHost),
            ("host", HostPortError::MissingPort),
            ("host:", HostPortError::BadPort),
            ("host:0", HostPortError::BadPort),
            ("host:+1", HostPortError::BadPort),
            ("host:65536", HostPortError::BadPort),
            ("2001:db8::1:443", HostPortError::BadHost),
            ("[::1]x:443", HostPortError::BadHost),
            ("[::1:443", HostPortError::BadHost),
            ("user@host:443", HostPortError::BadHost),
            ("ho st:443", HostPortError::BadHost),
            ("a..b:443", HostPortError::BadHost),
            ("127.1:443", HostPortError::BadHost),
            ("0x7f000001:443", HostPortError::BadHost),
        ] {
            assert_eq!(HostPort::parse(text, None), Err(why), "{text}");
        }
        assert_eq!(HostPort::parse(&format!("{}:1", "a.".repeat(130)), None), Err(HostPortError::BadHost));
    }
}

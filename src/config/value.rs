//! How single values are written: addresses, durations, sizes, names.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use crate::message::host_port::{Host, HostPort};

/// What a text is not: each message goes on after "`text` is", and says what to write.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValueError {
    /// Not an address with a port.
    #[error("not an address: write IP:PORT, :PORT for every IPv4 address, or PORT for 127.0.0.1")]
    Address,
    /// Not a duration, or none that is longer than nothing.
    #[error("not a duration: write a whole number above 0 and ms, s, m or h, such as 30s")]
    Duration,
    /// Not a number of octets.
    #[error("not a size: write a whole number above 0 and B, KiB, MiB or GiB, such as 64MiB")]
    Size,
    /// Not a number above 0.
    #[error("not a whole number above 0")]
    Count,
    /// Not a TCP port.
    #[error("not a port: write a number from 1 to 65535")]
    Port,
    /// Not a host, whose names below it are meant too.
    #[error("not a host: write a name or an address, such as example.com, without *, scheme, port or path")]
    Suffix,
    /// A URL, where a list of exceptions has hosts and networks.
    #[error("not a host or a network: write example.com, 192.0.2.1 or 10.0.0.0/8, without scheme and path")]
    Exception,
    /// Neither `true` nor `false`.
    #[error("neither true nor false")]
    Switch,
    /// Not a DNS name.
    #[error("not a host name: write the name alone, such as api.openai.com, without scheme, port or path")]
    HostName,
    /// Not the origin of a web page.
    #[error("not a web page's origin: write scheme, host and port alone, such as https://chat.example:3000")]
    WebOrigin,
    /// None of the modes.
    #[error("neither azure nor openai")]
    Mode,
    /// No version of HTTP that can be chosen.
    #[error("none of any, 1 and 2")]
    Http,
    /// None of the log formats.
    #[error("none of auto, human and json")]
    LogFormat,
    /// A name that no field has, or one that frames or routes the message.
    #[error("not a field that can carry a key: the usual one is api-key")]
    KeyHeader,
    /// A name that no field can carry.
    #[error("not the name of a deployment")]
    Deployment,
    /// Nothing is written.
    #[error("empty: write a value or leave the setting out")]
    Empty,
}

/// Reads `IP:PORT`, `localhost:PORT`, `PORT` (loopback) or `:PORT` (every IPv4 address, as in Go and
/// therefore in `AZURE_OPENAI_PROXY_ADDRESS`). Port 0 is one that the system picks.
pub fn address(text: &str) -> Result<SocketAddr, ValueError> {
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let on = |ip, port: &str| port.parse().ok().map(|port| SocketAddr::new(ip, port));
    let read = if let Some(port) = text.strip_prefix(':') {
        on(Ipv4Addr::UNSPECIFIED.into(), port)
    } else if let Some(port) = text.strip_prefix("localhost:") {
        on(loopback, port)
    } else {
        on(loopback, text).or_else(|| text.parse().ok())
    };
    read.ok_or(ValueError::Address)
}

/// Reads `500ms`, `30s`, `15m` or `1h`; never 0.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    let (number, unit) = number_and_unit(text).ok_or(ValueError::Duration)?;
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(ValueError::Duration),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or(ValueError::Duration)
}

/// Reads octets as `512`, `512B`, `16KiB`, `64MiB` or `1GiB`; never 0.
pub fn size(text: &str) -> Result<usize, ValueError> {
    let (number, unit) = number_and_unit(text).ok_or(ValueError::Size)?;
    let octets: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(ValueError::Size),
    };
    number.checked_mul(octets).and_then(|size| size.try_into().ok()).ok_or(ValueError::Size)
}

/// Reads a whole number above 0.
pub fn count(text: &str) -> Result<usize, ValueError> {
    match number_and_unit(text) {
        Some((number, "")) => number.try_into().map_err(|_| ValueError::Count),
        _ => Err(ValueError::Count),
    }
}

/// Reads `true` or `false`.
pub fn switch(text: &str) -> Result<bool, ValueError> {
    text.parse().map_err(|_| ValueError::Switch)
}

/// Reads a web origin as browsers write it (RFC 6454 §6.2), in lower case; or `*` for all.
pub fn web_origin(text: &str) -> Result<String, ValueError> {
    let origin = text.to_ascii_lowercase();
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let readable = authority.is_some_and(|authority| HostPort::parse(authority, Some(443)).is_ok());
    if readable || origin == "*" { Ok(origin) } else { Err(ValueError::WebOrigin) }
}

/// Reads a TCP port; never 0.
pub fn port(text: &str) -> Result<u16, ValueError> {
    match number_and_unit(text) {
        Some((number, "")) => number.try_into().map_err(|_| ValueError::Port),
        _ => Err(ValueError::Port),
    }
}

/// Reads a host that stands for itself and all names below it; a leading dot says the same.
pub fn suffix(text: &str) -> Result<Host, ValueError> {
    Host::parse(text.strip_prefix('.').unwrap_or(text)).map_err(|_| ValueError::Suffix)
}

/// Reads a DNS name; it comes out in lower case and without a trailing dot.
pub fn host_name(text: &str) -> Result<String, ValueError> {
    match Host::parse(text) {
        Ok(Host::Name(name)) => Ok(name.into()),
        Ok(Host::Ip(_)) | Err(_) => Err(ValueError::HostName),
    }
}

/// The number above 0 that a text begins with, and what follows it.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number = digits.parse().ok().filter(|&number| number > 0)?;
    Some((number, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, read) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0.0.0.0:8080", "0.0.0.0:8080"),
            (":8080", "0.0.0.0:8080"),
            ("8080", "127.0.0.1:8080"),
            ("localhost:1", "127.0.0.1:1"),
            ("[::1]:0", "[::1]:0"),
        ] {
            assert_eq!(address(text).map(|a| a.to_string()), Ok(read.into()), "{text}");
        }
        for text in ["", ":", "65536", "127.0.0.1", "::1", "[::1]", "host:80", "http://127.0.0.1:80", "-1"] {
            assert_eq!(address(text), Err(ValueError::Address), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in
            [("250ms", 250), ("30s", 30_000), ("15m", 900_000), ("1h", 3_600_000), ("2 s", 2000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "30", "0s", "s", "-1s", "1.5s", "1d", "1h30m", "99999999999999999999s", "9999999999999999h"]
        {
            assert_eq!(duration(text), Err(ValueError::Duration), "{text}");
        }
    }

    #[test]
    fn sizes_and_counts() {
        for (text, octets) in [("512", 512), ("512B", 512), ("16KiB", 16 << 10), ("64 MiB", 64 << 20)] {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
        for text in ["", "0", "0MiB", "64MB", "64M", "MiB", "-1", "99999999999GiB"] {
            assert_eq!(size(text), Err(ValueError::Size), "{text}");
        }
        assert_eq!(count("4096"), Ok(4096));
        for text in ["", "0", "4k", "-1", "1.0"] {
            assert_eq!(count(text), Err(ValueError::Count), "{text}");
        }
    }

    #[test]
    fn ports_and_suffixes() {
        assert_eq!(port("443"), Ok(443));
        for text in ["", "0", "65536", "-1", "https", "443x"] {
            assert_eq!(port(text), Err(ValueError::Port), "{text}");
        }
        for (text, read) in
            [("Example.com", "example.com"), (".example.com", "example.com"), ("[::1]", "[::1]")]
        {
            assert_eq!(suffix(text).map(|host| host.to_string()), Ok(read.into()), "{text}");
        }
        for text in ["", ".", "*.example.com", "example.com:443", "https://example.com", "a/b"] {
            assert_eq!(suffix(text), Err(ValueError::Suffix), "{text}");
        }
    }

    #[test]
    fn host_names() {
        assert_eq!(host_name("API.OpenAI.com."), Ok("api.openai.com".into()));
        for text in ["", "https://api.openai.com", "api.openai.com:443", "a/b", "127.0.0.1", "*.openai.com"] {
            assert_eq!(host_name(text), Err(ValueError::HostName), "{text}");
        }
    }
}

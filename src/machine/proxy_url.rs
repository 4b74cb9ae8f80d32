//! URLs that lead to a proxy on this machine, as people and `env` write them into variables.

use std::net::SocketAddr;

use crate::config::env::Environment;

/// What is in such a URL. It may hold a key, so it is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProxyUrl<'a> {
    /// `http` or `https`, if it is said.
    pub scheme: Option<&'a str>,
    /// The user and the password with the `@` behind them, or nothing.
    pub user: &'a str,
    /// Where it leads.
    pub address: SocketAddr,
    /// The name or address with its port, as it is written.
    at: &'a str,
}

/// Whether `OPENAI_BASE_URL` leads to this proxy.
pub fn is_base_url_set(proxy: SocketAddr, user: &Environment) -> bool {
    let url = user.text("OPENAI_BASE_URL").and_then(|text| ProxyUrl::to(proxy, text));
    url.is_some_and(|url| url.scheme.is_some())
}

// === impl ProxyUrl ===

impl<'a> ProxyUrl<'a> {
    /// Reads a URL; nothing where it leads to a host that would have to be looked up.
    pub fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) =
            text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let is_known =
            |scheme: &str| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let authority = rest.split(['/', '?', '#']).next()?;
        let (user, at) = authority.split_at(authority.rfind('@').map_or(0, |end| end + 1));
        let address = at.to_ascii_lowercase().replace("localhost:", "127.0.0.1:").parse().ok()?;
        scheme.is_none_or(is_known).then_some(Self { scheme, user, address, at })
    }

    /// Reads a URL that leads to this proxy.
    pub fn to(proxy: SocketAddr, text: &'a str) -> Option<Self> {
        Self::read(text).filter(|url| url.address == proxy)
    }

    /// The URL of a proxy, with that user if it has none itself.
    pub fn with_user(self, user: &str) -> String {
        let user = if self.user.is_empty() { user } else { self.user };
        format!("{}://{user}{}", self.scheme.unwrap_or("http"), self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_where_it_leads_and_who_is_in_it() {
        for (text, scheme, user, address) in [
            ("http://127.0.0.1:8080", Some("http"), "", "127.0.0.1:8080"),
            ("http://localhost:8080/", Some("http"), "", "127.0.0.1:8080"),
            ("http://[::1]:8080", Some("http"), "", "[::1]:8080"),
            ("http://u:p@127.0.0.1:8080", Some("http"), "u:p@", "127.0.0.1:8080"),
            ("http://u:p@rest@127.0.0.1:8080", Some("http"), "u:p@rest@", "127.0.0.1:8080"),
            ("HTTPS://Localhost:8080", Some("HTTPS"), "", "127.0.0.1:8080"),
            ("http://localhost:8080/v1", Some("http"), "", "127.0.0.1:8080"),
            ("127.0.0.1:8080", None, "", "127.0.0.1:8080"),
            ("u:p@localhost:8080", None, "u:p@", "127.0.0.1:8080"),
        ] {
            let url = ProxyUrl::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((url.scheme, url.user, url.address.to_string()), (scheme, user, address.to_owned()));
        }
        for text in ["http://proxy.corp:3128", "socks5://127.0.0.1:8080", "http://127.0.0.1", "", "http://"] {
            assert!(ProxyUrl::read(text).is_none(), "{text}");
        }
    }
}

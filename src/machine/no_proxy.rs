//! The hosts that clients reach without the proxy, in a grammar that every client parses.
//!
//! There is no standard. httpx, and with it OpenAI's Python SDK, does not start at all with `[::1]` or an IPv6
//! network in the list; .NET and hyper-util know no ports. Names, `.suffixes`, addresses and IPv4 networks do
//! everywhere.

use std::fmt;
use std::net::Ipv6Addr;

use crate::config::env::Environment;

/// What a machine of its own always reaches directly. The first is the one that people seldom write: behind it
/// everything is ours, and before it everything the user's.
const LOCAL: &[&str] = &[".local", "::1", "127.0.0.1", "localhost"];

/// The variables that hold such a list.
const NAMES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A merged list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoProxy {
    entries: Vec<String>,
    dropped: Vec<String>,
}

// === impl NoProxy ===

impl NoProxy {
    /// The user's entries, of both spellings of the variable, and this machine's own names.
    pub fn of(user: &Environment) -> Self {
        Self::merge(NAMES.iter().filter_map(|name| user.text(name)))
    }

    fn merge<'a>(lists: impl Iterator<Item = &'a str>) -> Self {
        let mut merged = Self { entries: Vec::new(), dropped: Vec::new() };
        for entry in lists.flat_map(entries).chain(LOCAL.iter().copied()) {
            match everywhere(entry) {
                Some(entry) => push_once(&mut merged.entries, entry),
                None => push_once(&mut merged.dropped, entry),
            }
        }
        merged
    }

    /// A list without the names of this machine that stand at its end in our order; empty if that was all.
    pub fn without_local(list: &str) -> String {
        let (mut users, mut rest): (Vec<&str>, _) = (entries(list).collect(), LOCAL);
        while let Some(at) = users.last().and_then(|last| rest.iter().position(|local| local == last)) {
            users.pop();
            rest = &rest[..at];
        }
        users.join(",")
    }

    /// Entries of the user's that some client cannot read, left out.
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// The first entry that would lead a client past the proxy to `host`.
    pub fn bypasses(&self, host: &str) -> Option<&str> {
        self.entries.iter().map(String::as_str).find(|entry| matches(entry, host))
    }
}

impl fmt::Display for NoProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entries.join(","))
    }
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    // Some programs take white space for a separator too.
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty())
}

fn push_once(list: &mut Vec<String>, entry: &str) {
    if !list.iter().any(|have| have == entry) {
        list.push(entry.to_owned());
    }
}

/// The entry as every client reads it, if there is such a form.
fn everywhere(entry: &str) -> Option<&str> {
    if let Some(bare) = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return bare.parse::<Ipv6Addr>().is_ok().then_some(bare);
    }
    let network_of_v6 = entry.contains('/') && entry.contains(':');
    (!network_of_v6 && !entry.contains(['[', ']'])).then_some(entry)
}

/// Whether a client could take `entry` for `host`: the widest reading that any client has.
fn matches(entry: &str, host: &str) -> bool {
    let name = entry.split_once(':').map_or(entry, |(name, _)| name);
    let name = name.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
    entry == "*" || !name.is_empty() && (host == name || host.ends_with(&format!(".{name}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(pairs: &[(&str, &str)]) -> NoProxy {
        NoProxy::of(&Environment::new(pairs.iter().copied()))
    }

    #[test]
    fn merges_both_spellings_and_keeps_the_users_order() {
        let merged = of(&[("no_proxy", "a.example, .corp"), ("NO_PROXY", "10.0.0.0/8 a.example")]);
        assert_eq!(merged.to_string(), "a.example,.corp,10.0.0.0/8,.local,::1,127.0.0.1,localhost");
        assert_eq!(of(&[]).to_string(), ".local,::1,127.0.0.1,localhost");
    }

    #[test]
    fn writes_only_what_every_client_reads() {
        let merged = of(&[("no_proxy", "[::1],fd00::/8,[fe80::1]:80,[fd00::1]/8,x")]);
        assert_eq!(merged.to_string(), "::1,x,.local,127.0.0.1,localhost");
        assert_eq!(merged.dropped(), ["fd00::/8", "[fe80::1]:80", "[fd00::1]/8"]);
    }

    #[test]
    fn knows_what_would_lead_past_the_proxy() {
        for (list, entry) in [
            ("*", "*"),
            ("a,openai.com", "openai.com"),
            (".openai.com", ".openai.com"),
            ("*.OpenAI.com", "*.OpenAI.com"),
            ("api.openai.com:443", "api.openai.com:443"),
            ("com", "com"),
        ] {
            assert_eq!(of(&[("NO_PROXY", list)]).bypasses("api.openai.com"), Some(entry), "{list}");
        }
        for list in ["", "eu.api.openai.com", "nai.com", "10.0.0.0/8", "::1", ".", "*."] {
            assert_eq!(of(&[("NO_PROXY", list)]).bypasses("api.openai.com"), None, "{list}");
        }
    }

    #[test]
    fn takes_its_own_entries_back() {
        for list in [
            "",
            "a",
            "localhost,127.0.0.1",
            "127.0.0.1,localhost,::1",
            "a,localhost,b",
            "::1,.local,a",
            "a,localhost",
        ] {
            assert_eq!(NoProxy::without_local(&of(&[("NO_PROXY", list)]).to_string()), list);
        }
    }

    proptest! {
        #[test]
        fn merging_again_changes_nothing(list in "[a-z0-9.:/*\\[\\], ]{0,60}") {
            let once = of(&[("no_proxy", &list)]).to_string();
            prop_assert_eq!(of(&[("no_proxy", &once), ("NO_PROXY", &once)]).to_string(), once);
        }
    }
}

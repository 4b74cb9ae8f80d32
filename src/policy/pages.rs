//! Web pages: strangers, though their requests come from this machine.
//!
//! A browser lets any page send requests to a loopback address. With a key that the proxy holds,
//! every page that somebody visits could spend it. So a page is served only if it is from this
//! machine too, or allowed by its origin. Without such a key a page needs one of its own.

use super::{Denied, Settings};
use crate::message::host_port::{Host, HostPort};

/// Which pages are served.
#[derive(Clone, Debug)]
pub struct Pages {
    /// `None`: all of them.
    allowed: Option<Vec<String>>,
}

// === impl Pages ===

impl Pages {
    /// The pages served under these settings, where the proxy holds a key or does not.
    pub fn new(settings: &Settings, holds_key: bool) -> Self {
        let all = !holds_key || settings.allow_anonymous || settings.allow_origins.iter().any(|o| o == "*");
        Self { allowed: (!all).then(|| settings.allow_origins.clone()) }
    }

    /// Decides by the request's `Origin` (RFC 6454 §7), which scripts cannot set.
    ///
    /// Origins of other schemes than http and https are those of installed programs and are
    /// served; `null` is what a page gets that hides its origin, and is not.
    pub fn check(&self, origin: &str) -> Result<(), Denied> {
        let Some(allowed) = &self.allowed else { return Ok(()) };
        let origin = origin.to_ascii_lowercase();
        let listed = || allowed.contains(&origin);
        match origin.split_once("://") {
            Some(("http" | "https", authority)) if !is_of_this_machine(authority) && !listed() => {
                Err(Denied::Page { origin })
            }
            Some(_) => Ok(()),
            None => Err(Denied::Page { origin: "null".into() }),
        }
    }
}

/// Loopback addresses, and `localhost` with what is below it (RFC 6761 §6.3).
fn is_of_this_machine(authority: &str) -> bool {
    let Ok(authority) = HostPort::parse(authority, Some(443)) else { return false };
    let below = |name: &str| name.ends_with(".localhost");
    authority.host().is_loopback() || matches!(authority.host(), Host::Name(name) if below(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_pages_do_not_spend_the_key() {
        let allow_origins = vec!["https://chat.example:3000".to_owned()];
        let pages = Pages::new(&Settings { allow_origins, ..Settings::default() }, true);
        for (origin, served) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:5173", true),
            ("https://app.localhost", true),
            ("HTTPS://Chat.example:3000", true),
            ("https://chat.example", false),
            ("https://evil.example", false),
            ("https://localhost.evil.example", false),
            ("https://user@localhost", false),
            ("null", false),
            ("", false),
            ("vscode-webview://1a2b", true),
            ("chrome-extension://abc", true),
        ] {
            assert_eq!(pages.check(origin).is_ok(), served, "{origin}");
        }
    }

    #[test]
    fn pages_with_keys_of_their_own_are_served() {
        let anonymous = Settings { allow_anonymous: true, ..Settings::default() };
        let all = Settings { allow_origins: vec!["*".into()], ..Settings::default() };
        for (settings, holds_key) in [(Settings::default(), false), (anonymous, true), (all, true)] {
            assert!(Pages::new(&settings, holds_key).check("https://evil.example").is_ok());
        }
    }
}

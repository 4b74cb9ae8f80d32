//! Web pages: strangers, though their requests come from this machine.
//!
//! A browser lets any page send requests to a loopback address. With a key that the proxy holds,
//! every page that somebody visits could spend it. So a page is served only if it is from this
//! machine too, or allowed by its origin. Without such a key a page needs one of its own.
//!
//! A page's requests to its own origin do not say that they are a page's. Whoever serves a page can have its name lead
//! to this machine once it is there (DNS rebinding), so those are judged by the name that they were sent to.

use super::{Denied, Settings};
use crate::message::host_port::{Host, HostPort};

/// Which pages are served.
#[derive(Clone, Debug)]
pub struct Pages {
    /// `None`: all of them.
    allowed: Option<Vec<String>>,
    /// Names that are the proxy's, because it has certificates for them.
    own: Vec<String>,
}

/// Domains in which nobody on the internet can have a name (RFC 6761, RFC 6762, RFC 8375, ICANN for `internal`).
const PRIVATE: [&str; 5] = ["localhost", "local", "internal", "home.arpa", "test"];

// === impl Pages ===

impl Pages {
    /// The pages served under these settings, where the proxy holds a key or does not, and has these names.
    pub fn new(settings: &Settings, holds_key: bool, own: impl IntoIterator<Item = String>) -> Self {
        let all = !holds_key || settings.allow_anonymous || settings.allow_origins.iter().any(|o| o == "*");
        let allowed = (!all).then(|| settings.allow_origins.clone());
        Self { allowed, own: own.into_iter().collect() }
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
            None => Err(Denied::OpaquePage),
        }
    }

    /// Decides by the name to which a request without `Origin` was sent in clear: whether a page of that name could be
    /// somebody else's.
    pub fn check_own(&self, named: &HostPort) -> Result<(), Denied> {
        let (Some(allowed), Host::Name(name)) = (&self.allowed, named.host()) else { return Ok(()) };
        let origin = match named.port() {
            80 => format!("http://{name}"),
            port => format!("http://{name}:{port}"),
        };
        let ours = self.own.iter().any(|own| **own == **name) || allowed.contains(&origin);
        if ours || is_private(name) { Ok(()) } else { Err(Denied::Name { origin }) }
    }
}

/// Whether no name server of somebody else's answers for it: one label, or below a private domain.
fn is_private(name: &str) -> bool {
    let below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || PRIVATE.iter().any(|domain| below(domain))
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
        let pages = Pages::new(&Settings { allow_origins, ..Settings::default() }, true, []);
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
    fn a_page_without_an_origin_is_not_told_to_allow_it() {
        let pages = Pages::new(&Settings::default(), true, []);
        let told = |origin| pages.check(origin).unwrap_err().to_string();
        for opaque in ["null", "NULL", ""] {
            assert!(!told(opaque).contains("--allow-origin"), "{opaque}");
            assert!(told(opaque).contains("http://localhost"), "{opaque}");
        }
        assert!(told("https://evil.example").contains("--allow-origin https://evil.example"));
    }

    #[test]
    fn pages_with_keys_of_their_own_are_served() {
        let anonymous = Settings { allow_anonymous: true, ..Settings::default() };
        let all = Settings { allow_origins: vec!["*".into()], ..Settings::default() };
        for (settings, holds_key) in [(Settings::default(), false), (anonymous, true), (all, true)] {
            let pages = Pages::new(&settings, holds_key, []);
            assert!(pages.check("https://evil.example").is_ok());
            assert!(pages.check_own(&HostPort::parse("evil.example", Some(80)).unwrap()).is_ok());
        }
    }

    #[test]
    fn a_name_that_could_be_anybodys_is_no_way_to_the_key() {
        let allow_origins =
            ["http://proxy.corp.example:8080", "http://plain.example", "https://tls.example:8080"];
        let settings =
            Settings { allow_origins: allow_origins.map(str::to_owned).into(), ..Settings::default() };
        let pages = Pages::new(&settings, true, ["own.example".to_owned(), "api.openai.com".to_owned()]);
        for (named, served) in [
            ("localhost:8080", true),
            ("app.localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("10.1.2.3:8080", true),
            ("azure-openai-proxy:8080", true),
            ("host.docker.internal:8080", true),
            ("mac.local:8080", true),
            ("proxy.ns.svc.cluster.local:8080", true),
            ("OWN.example.:8080", true),
            ("api.openai.com:80", true),
            ("proxy.corp.example:8080", true),
            ("plain.example:80", true),
            ("proxy.corp.example:8081", false),
            ("tls.example:8080", false),
            ("evil.example:8080", false),
            ("localhost.evil.example:8080", false),
            ("evillocal.example:80", false),
            ("internal.evil:80", false),
        ] {
            let named_as = HostPort::parse(named, None).unwrap();
            assert_eq!(pages.check_own(&named_as).is_ok(), served, "{named}");
        }
    }
}

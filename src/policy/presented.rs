//! The credentials in a request's head that may be keys of this proxy's, and taking those out.

use std::borrow::Cow;

use data_encoding::BASE64;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, PROXY_AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

use crate::message;
use crate::message::fields::text;

/// How a browser, which cannot set fields on a WebSocket, sends its key.
const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// The two roles in which we are asked, each with its own fields and its own way to ask for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// As the server of the resource: `Authorization` and what OpenAI's clients use beside it; 401.
    Origin,
    /// As a proxy: `Proxy-Authorization`; 407 (RFC 9110 §11.7).
    Proxy,
}

/// Fields in which a key may stand. Those of a proxy come first.
#[derive(Clone, Debug)]
pub struct Fields(Vec<HeaderName>);

// === impl Fields ===

impl Fields {
    /// The usual fields, and the one that carries the Azure key.
    pub fn new(key_header: Option<&HeaderName>) -> Self {
        let usual = [PROXY_AUTHORIZATION, AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL];
        let mut names = usual.to_vec();
        names.extend(["api-key", "x-api-key"].map(HeaderName::from_static));
        names.extend(key_header.filter(|name| !names.contains(name)).cloned());
        Self(names)
    }

    /// Every credential that a request shows in this role.
    pub fn shown<'a>(&'a self, role: Role, head: &'a message::Fields) -> impl Iterator<Item = Cow<'a, str>> {
        let proxys = |name: &HeaderName| *name == PROXY_AUTHORIZATION;
        let names = self.0.iter().filter(move |name| proxys(name) == (role == Role::Proxy));
        names.flat_map(|name| head.get_all(name).flat_map(|line| credentials(name, line)))
    }

    /// Takes every field line out that shows one of ours, in whichever role: it is not to go on.
    pub fn withdraw(&self, head: &mut message::Fields, is_ours: impl Fn(&str) -> bool) {
        for name in &self.0 {
            let ours = |line: &[u8]| credentials(name, line).any(|shown| is_ours(&shown));
            let protocols = *name == SEC_WEBSOCKET_PROTOCOL;
            head.replace(name, ours, |line| without_key(line).filter(|_| protocols));
        }
    }
}

/// The credentials that one field line shows: several subprotocols, else at most one.
fn credentials<'a>(name: &HeaderName, line: &'a [u8]) -> impl Iterator<Item = Cow<'a, str>> {
    let text = text(line).unwrap_or_default().trim();
    let protocols = *name == SEC_WEBSOCKET_PROTOCOL;
    let keys = text.split(',').filter_map(|item| item.trim().strip_prefix(KEY_PROTOCOL)).map(Cow::from);
    let whole = match *name {
        AUTHORIZATION | PROXY_AUTHORIZATION => of_scheme(text),
        _ => Some(text.into()),
    };
    let whole = whole.filter(|_| !protocols).into_iter();
    whole.chain(keys.filter(move |_| protocols)).filter(|shown| !shown.is_empty())
}

/// The token of Bearer, the password of Basic; schemes have no case (RFC 9110 §11.1).
fn of_scheme(text: &str) -> Option<Cow<'_, str>> {
    let (scheme, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.into());
    }
    scheme.eq_ignore_ascii_case("basic").then(|| password(rest)).flatten().map(Cow::from)
}

/// The password, whoever the user says to be. `http://KEY@proxy` makes the key the user's name.
fn password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(if password.is_empty() { user } else { password }.to_owned())
}

/// A list of subprotocols without the keys in it; `None` if nothing is left.
fn without_key(line: &[u8]) -> Option<HeaderValue> {
    let items = text(line)?.split(',').map(str::trim);
    let kept: Vec<_> = items.filter(|item| !item.starts_with(KEY_PROTOCOL)).collect();
    HeaderValue::try_from(kept.join(", ")).ok().filter(|kept| !kept.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&str, &str)]) -> message::Fields {
        message::Fields::of(lines)
    }

    fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))
    }

    #[test]
    fn each_role_reads_its_own_fields() {
        let fields = Fields::new(Some(&HeaderName::from_static("x-key")));
        for (name, value, role, shown) in [
            ("authorization", "Bearer k", Role::Origin, &["k"][..]),
            ("authorization", "bEARER  k ", Role::Origin, &["k"]),
            ("authorization", "Digest k", Role::Origin, &[]),
            ("authorization", "k", Role::Origin, &[]),
            ("authorization", "Bearer k", Role::Proxy, &[]),
            ("api-key", "k", Role::Origin, &["k"]),
            ("x-api-key", "k", Role::Origin, &["k"]),
            ("x-key", "k", Role::Origin, &["k"]),
            ("sec-websocket-protocol", "realtime, openai-insecure-api-key.k", Role::Origin, &["k"]),
            ("sec-websocket-protocol", "realtime", Role::Origin, &[]),
            ("proxy-authorization", "Bearer k", Role::Proxy, &["k"]),
            ("proxy-authorization", &basic("anyone", "k:k"), Role::Proxy, &["k:k"]),
            ("proxy-authorization", &basic("k", ""), Role::Proxy, &["k"]),
            ("proxy-authorization", "Basic !", Role::Proxy, &[]),
            ("proxy-authorization", "Basic azprXw", Role::Proxy, &[]),
            ("proxy-authorization", &basic("", ""), Role::Proxy, &[]),
            ("proxy-authorization", "Basic k", Role::Origin, &[]),
        ] {
            let head = head(&[(name, value)]);
            assert_eq!(fields.shown(role, &head).collect::<Vec<_>>(), shown, "{name}: {value}");
        }
    }

    #[test]
    fn takes_out_what_is_ours_wherever_it_stands_and_leaves_the_rest() {
        let fields = Fields::new(None);
        let basic = basic("x", "ours");
        let mut head = head(&[
            ("authorization", "Bearer ours"),
            ("api-key", "theirs"),
            ("api-key", "ours"),
            ("proxy-authorization", &basic),
            ("sec-websocket-protocol", "realtime, openai-insecure-api-key.ours, v1"),
            ("x-other", "ours"),
        ]);
        fields.withdraw(&mut head, |shown| shown == "ours");
        let left = ["api-key: theirs", "sec-websocket-protocol: realtime, v1", "x-other: ours"];
        assert_eq!(head.shown(), left);
    }
}

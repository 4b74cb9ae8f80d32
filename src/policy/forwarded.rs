//! What a proxy before this one says of whom it stands for.

use std::net::{IpAddr, SocketAddr};

use crate::message::Fields;
use crate::message::fields::text;

/// Fields that list addresses; the usual ones, and nginx's.
const ADDRESSES: [&str; 2] = ["x-forwarded-for", "x-real-ip"];

/// Whether a request was sent on for a client on another machine, or for one that is not told.
///
/// Whoever writes such a field himself only gives up what he could have had without it.
pub fn is_from_elsewhere(fields: &Fields) -> bool {
    let listed = ADDRESSES.into_iter().flat_map(|name| items(fields, name));
    let forwarded = items(fields, "forwarded").flat_map(|element| element.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    });
    listed.chain(forwarded).any(|node| !is_here(node))
}

fn items<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = fields.get_all(name).map(|line| text(line).unwrap_or("unknown"));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// Whether a node (RFC 7239 §6) is on this machine.
fn is_here(node: &str) -> bool {
    let bare = node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(node);
    let address = bare.parse::<IpAddr>().or_else(|_| node.parse::<SocketAddr>().map(|node| node.ip()));
    address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_elsewhere_is_told_from_one_here() {
        for (name, value, elsewhere) in [
            ("x-forwarded-for", "192.0.2.1", true),
            ("x-forwarded-for", "127.0.0.1, 192.0.2.1", true),
            ("x-forwarded-for", "127.0.0.1, ::1", false),
            ("x-forwarded-for", "::ffff:127.0.0.1", false),
            ("x-forwarded-for", "127.0.0.1:5000", false),
            ("x-forwarded-for", "192.0.2.1:5000", true),
            ("x-forwarded-for", "unknown", true),
            ("x-forwarded-for", "", false),
            ("x-real-ip", "2001:db8::1", true),
            ("forwarded", "for=192.0.2.1;proto=https", true),
            ("forwarded", "proto=https;For=\"[::1]:80\"", false),
            ("forwarded", "for=\"[2001:db8::1]\"", true),
            ("forwarded", "for=127.0.0.1, for=_hidden", true),
            ("forwarded", "proto=https", false),
            ("x-forwarded-proto", "https", false),
        ] {
            assert_eq!(is_from_elsewhere(&Fields::of(&[(name, value)])), elsewhere, "{name}: {value}");
        }
    }
}

//! `host:port`, as CONNECT and `Host` have it: what is taken is taken by others in the same sense.
#![no_main]

use std::net::IpAddr;

use azure_openai_proxy::message::host_port::{Host, HostPort, HostPortError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let strict = HostPort::parse(text, None);
    let lenient = HostPort::parse(text, Some(443));
    match &strict {
        Ok(authority) => {
            assert_eq!(lenient.as_ref(), Ok(authority), "a default port changed what was written");
            check(text, authority);
        }
        Err(HostPortError::MissingPort) => {
            assert_eq!(lenient.expect("only the port was missing").port(), 443);
        }
        Err(error) => assert_eq!(lenient.as_ref(), Err(error)),
    }
});

fn check(text: &str, authority: &HostPort) {
    assert_ne!(authority.port(), 0);
    let shown = authority.to_string();
    assert_eq!(HostPort::parse(&shown, None).as_ref(), Ok(authority), "{shown} is not what {text} is");
    let other: http::uri::Authority = text.parse().expect("what is strict here is an authority in URIs too");
    assert_eq!(other.port_u16(), Some(authority.port()));
    assert!(!text.contains('@'), "user information was taken");
    let host = other.host();
    match authority.host() {
        Host::Name(name) => {
            assert_eq!(**name, *host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase());
            assert!(name.len() <= 253 && !name.starts_with('.') && !name.contains(".."));
            assert!(!resolver_takes_for_an_address(name), "{name} is an address to inet_aton");
        }
        Host::Ip(ip) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            assert_eq!(bare.parse::<IpAddr>().as_ref(), Ok(ip));
        }
    }
}

/// What inet_aton(3) reads: one to four numbers, decimal, octal or hexadecimal.
fn resolver_takes_for_an_address(name: &str) -> bool {
    let number = |part: &str| match part.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|octet| octet.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()),
    };
    let parts = name.split('.').count();
    parts <= 4 && name.split('.').all(number)
}

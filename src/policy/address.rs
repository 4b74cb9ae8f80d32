//! Which addresses are on the public internet, told from the bits alone.
//!
//! The tables follow IANA's registries of special-purpose addresses (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4: the first address, the length of the prefix, and what they are.
const SPECIAL_V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "unspecified"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "carrier-grade NAT"),
    ([127, 0, 0, 0], 8, "loopback"),
    // Azure's platform, which answers each virtual machine with its own configuration.
    ([168, 63, 129, 16], 32, "metadata"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "reserved"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 88, 99, 0], 24, "6to4"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "benchmarking"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

/// Blocks of IPv6 inside 2000::/3, which is all that is assigned for global unicast (RFC 3513 §2.5.4).
const SPECIAL_V6: &[([u16; 2], u32, &str)] = &[
    // Teredo, benchmarking and ORCHID among them.
    ([0x2001, 0], 23, "reserved"),
    ([0x2001, 0xdb8], 32, "documentation"),
    ([0x2002, 0], 16, "6to4"),
    ([0x3fff, 0], 20, "documentation"),
];

/// What kind of address this is, if it is not one of the public internet's.
///
/// An IPv4 address that is wrapped into IPv6, by mapping or for NAT64 (RFC 6052 §2.1), is what it
/// wraps; 6to4, whose relays are gone (RFC 7526), is never public.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within =
        |first: [u8; 4], prefix: u32| (address.to_bits() ^ u32::from_be_bytes(first)) >> (32 - prefix) == 0;
    SPECIAL_V4.iter().find(|(first, prefix, _)| within(*first, *prefix)).map(|(_, _, kind)| *kind)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = segments {
        return special_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    let head = u32::from(segments[0]) << 16 | u32::from(segments[1]);
    let within = |[high, low]: [u16; 2], prefix: u32| {
        (head ^ (u32::from(high) << 16 | u32::from(low))) >> (32 - prefix) == 0
    };
    if let Some((_, _, kind)) = SPECIAL_V6.iter().find(|(first, prefix, _)| within(*first, *prefix)) {
        return Some(kind);
    }
    match segments[0] {
        0x2000..=0x3fff => None,
        0xfc00..=0xfdff => Some("private"),
        0xfe80..=0xfebf => Some("link-local"),
        0xff00.. => Some("multicast"),
        _ if address.is_loopback() => Some("loopback"),
        _ if address.is_unspecified() => Some("unspecified"),
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_public_internet_from_everything_else() {
        for (address, kind) in [
            ("8.8.8.8", None),
            ("1.1.1.1", None),
            ("172.15.255.255", None),
            ("172.32.0.0", None),
            ("100.63.255.255", None),
            ("100.128.0.0", None),
            ("168.63.129.15", None),
            ("223.255.255.255", None),
            ("2606:4700::1111", None),
            ("2001:4860:4860::8888", None),
            ("64:ff9b::8.8.8.8", None),
            ("::ffff:8.8.8.8", None),
            ("0.0.0.0", Some("unspecified")),
            ("0.1.2.3", Some("unspecified")),
            ("10.0.0.1", Some("private")),
            ("172.16.0.1", Some("private")),
            ("172.31.255.255", Some("private")),
            ("192.168.255.255", Some("private")),
            ("100.64.0.1", Some("carrier-grade NAT")),
            ("100.127.255.255", Some("carrier-grade NAT")),
            ("127.255.255.255", Some("loopback")),
            ("169.254.169.254", Some("link-local")),
            ("168.63.129.16", Some("metadata")),
            ("192.0.0.192", Some("reserved")),
            ("192.0.2.1", Some("documentation")),
            ("198.51.100.1", Some("documentation")),
            ("203.0.113.1", Some("documentation")),
            ("198.19.255.255", Some("benchmarking")),
            ("224.0.0.1", Some("multicast")),
            ("239.255.255.255", Some("multicast")),
            ("240.0.0.1", Some("reserved")),
            ("255.255.255.255", Some("reserved")),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::10.0.0.1", Some("reserved")),
            ("::ffff:10.0.0.1", Some("private")),
            ("::ffff:169.254.169.254", Some("link-local")),
            ("64:ff9b::10.0.0.1", Some("private")),
            ("64:ff9b::127.0.0.1", Some("loopback")),
            ("64:ff9b:1::8.8.8.8", Some("reserved")),
            ("2002:0a00:0001::", Some("6to4")),
            ("2002:808:808::", Some("6to4")),
            ("2001::1", Some("reserved")),
            ("2001:db8::1", Some("documentation")),
            ("3fff::1", Some("documentation")),
            ("fd00:ec2::254", Some("private")),
            ("fc00::1", Some("private")),
            ("fe80::1", Some("link-local")),
            ("fec0::1", Some("reserved")),
            ("ff02::1", Some("multicast")),
            ("100::1", Some("reserved")),
            ("5f00::1", Some("reserved")),
            ("4000::1", Some("reserved")),
        ] {
            assert_eq!(special(address.parse().unwrap()), kind, "{address}");
        }
    }

    #[test]
    fn agrees_with_the_standard_library_where_that_has_an_opinion() {
        for bits in (0..=u32::MAX).step_by(65_521) {
            let v4 = Ipv4Addr::from_bits(bits);
            let known = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast();
            let known = known || v4.is_documentation() || v4.is_broadcast() || v4.is_unspecified();
            assert!(!known || special(v4.into()).is_some(), "{v4}");
        }
    }
}

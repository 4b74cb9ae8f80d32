use super::super::access::{Access, Right};
use super::super::presented::Role;
use super::*;
use crate::message::Fields;

fn admitted(client: Client) -> Admitted {
    let mut settings = super::super::Settings::default();
    settings.client_keys.get_or_insert_default().add_entry("alice=a-key-of-somebody").unwrap();
    let access = Access::new(&settings, true, None);
    let mut head = Fields::of(&[("proxy-authorization", "Bearer a-key-of-somebody")]);
    let shown = access.examine(Role::Proxy, &mut head);
    access.admit(client, Right::Proxying, Role::Proxy, shown).unwrap()
}

fn authority(text: &str) -> HostPort {
    HostPort::parse(text, None).unwrap()
}

fn hosts(names: &[&str]) -> Vec<Host> {
    names.iter().map(|name| Host::parse(name).unwrap()).collect()
}

fn on(listening: &str) -> Permitted {
    let listening = vec![listening.parse().unwrap()];
    Policy::new(listening, Settings::default()).permit(authority("example.com:443"), Reach::Everywhere)
}

#[test]
fn we_are_known_without_looking_names_up() {
    for (listening, to, ours) in [
        ("127.0.0.1:8080", "localhost:8080", true),
        ("[::]:8080", "localhost:8080", true),
        ("127.0.0.1:8080", "127.0.0.1:8080", true),
        ("127.0.0.1:8080", "localhost:3128", false),
        ("127.0.0.1:8080", "proxy.example:8080", false),
    ] {
        let policy = Policy::new(vec![listening.parse().unwrap()], Settings::default());
        let permitted = policy.permit(authority(to), Reach::Everywhere);
        assert_eq!(permitted.check_literal().is_err(), ours, "{listening} {to}");
    }
}

#[test]
fn clients_beyond_loopback_reach_public_addresses_on_the_listed_ports() {
    let policy = Policy::new(Vec::new(), Settings::default());
    for (destination, refused) in [
        ("example.com:443", None),
        ("example.com:80", None),
        ("8.8.8.8:443", None),
        ("example.com:22", Some(Denied::Port { port: 22 })),
        ("example.com:8443", Some(Denied::Port { port: 8443 })),
        ("169.254.169.254:80", Some(Denied::Address { kind: "link-local" })),
        ("127.0.0.1:443", Some(Denied::Address { kind: "loopback" })),
        ("[::ffff:10.0.0.1]:443", Some(Denied::Address { kind: "private" })),
        ("[64:ff9b::7f00:1]:443", Some(Denied::Address { kind: "loopback" })),
    ] {
        let decide = |client| policy.chosen_by(&admitted(client), authority(destination)).map(drop);
        assert_eq!(decide(Client::Stranger).err(), refused, "{destination}");
        assert_eq!(decide(Client::Trusted).err(), refused, "{destination}");
        assert_eq!(decide(Client::Loopback), Ok(()), "{destination}");
    }
}

#[test]
fn every_address_of_a_name_is_checked_for_clients_beyond_loopback() {
    let policy = Policy::new(Vec::new(), Settings::default());
    let name = || authority("rebinding.example:443");
    for (address, public) in [("8.8.8.8:443", true), ("10.0.0.1:443", false), ("[::1]:443", false)] {
        let address = address.parse().unwrap();
        let stranger = policy.chosen_by(&admitted(Client::Stranger), name()).unwrap();
        assert_eq!(stranger.check(address).is_ok(), public, "{address}");
        assert!(stranger.check_named(address).is_ok(), "the operator wrote {address}");
        let local = policy.chosen_by(&admitted(Client::Loopback), name()).unwrap();
        assert!(local.check(address).is_ok(), "{address}");
    }
}

#[test]
fn hosts_are_listed_with_all_names_below_them_for_every_client() {
    for (allow, deny, host, permitted) in [
        (&[][..], &[][..], "example.com", true),
        (&[], &["example.com"], "example.com", false),
        (&[], &["example.com"], "a.b.EXAMPLE.com.", false),
        (&[], &["example.com"], "notexample.com", true),
        (&[], &["192.0.2.1"], "192.0.2.1", false),
        (&[], &["192.0.2.1"], "[::ffff:192.0.2.1]", false),
        (&[], &["[::ffff:192.0.2.1]"], "192.0.2.1", false),
        (&["example.com"], &[], "a.example.com", true),
        (&["example.com"], &[], "example.org", false),
        (&["example.com"], &[], "8.8.8.8", false),
        (&["example.com"], &["a.example.com"], "b.a.example.com", false),
        (&["example.com"], &["a.example.com"], "b.example.com", true),
    ] {
        let settings = Settings { allow: hosts(allow), deny: hosts(deny), ..Settings::default() };
        let policy = Policy::new(Vec::new(), settings);
        for client in [Client::Loopback, Client::Trusted, Client::Stranger] {
            let decided = policy.chosen_by(&admitted(client), authority(&format!("{host}:443")));
            assert_eq!(decided.is_ok(), permitted, "{host}, {client:?}: {allow:?} and not {deny:?}");
        }
    }
}

#[test]
fn a_name_that_leads_to_a_denied_address_is_no_way_to_it() {
    let settings = Settings { deny: hosts(&["169.254.169.254"]), ..Settings::default() };
    let policy = Policy::new(Vec::new(), settings);
    let chosen = policy.chosen_by(&admitted(Client::Loopback), authority("metadata.example:80")).unwrap();
    let configured = policy.permit(authority("metadata.example:80"), Reach::Everywhere);
    for address in ["169.254.169.254:80", "[::ffff:169.254.169.254]:80"] {
        let address = address.parse().unwrap();
        assert_eq!(chosen.check(address), Err(Denied::Host { host: chosen.destination().host().clone() }));
        assert!(configured.check(address).is_ok(), "the operator named it");
    }
    assert!(chosen.check("169.254.169.253:80".parse().unwrap()).is_ok());
}

#[test]
fn never_dials_itself() {
    for (listening, address, ours) in [
        ("127.0.0.1:8080", "127.0.0.1:8080", true),
        ("127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", true),
        ("127.0.0.1:8080", "0.0.0.0:8080", true),
        ("127.0.0.1:8080", "127.0.0.1:8081", false),
        ("0.0.0.0:8080", "127.0.0.1:8080", true),
        ("0.0.0.0:8080", "192.0.2.1:8080", false),
        ("[::]:8080", "127.0.0.1:8080", true),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(on(listening).check(address).is_err(), ours, "{listening} {address}");
        assert_eq!(on(listening).check_named(address).is_err(), ours, "{listening} {address}");
    }
    let wildcard = on("0.0.0.0:8080");
    let [own, other] = ["192.0.2.1:8080", "192.0.2.1:50000"].map(|a| a.parse().unwrap());
    assert!(wildcard.check_connected(other, own).is_err());
    assert!(wildcard.check_connected("192.0.2.7:50000".parse().unwrap(), own).is_ok());
}

#[test]
fn the_unspecified_address_is_denied_with_loopback() {
    let deny = |text: &str| Settings { deny: hosts(&[text]), ..Settings::default() };
    for (denied, host, permitted) in [
        ("127.0.0.1", "0.0.0.0", false),
        ("127.0.0.1", "[::ffff:0.0.0.0]", false),
        ("127.0.0.1", "[::]", true),
        ("[::1]", "[::]", false),
        ("192.0.2.1", "0.0.0.0", true),
    ] {
        let host = HostPort::parse(&format!("{host}:80"), None).unwrap();
        assert_eq!(deny(denied).permit_host(host.host()).is_ok(), permitted, "{denied} {host}");
    }
}

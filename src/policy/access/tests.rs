use http::header::HeaderValue;
use proptest::prelude::*;

use super::*;

const KEY: &str = "a-key-of-somebody";

fn one_key(entry: &str) -> ClientKeys {
    let mut keys = ClientKeys::default();
    keys.add_entry(entry).unwrap();
    keys
}

fn settings(allow_anonymous: bool, keys: bool, require_client_key: bool) -> Settings {
    let client_keys = keys.then(|| one_key(&format!("alice={KEY}")));
    let trusted_clients = vec!["10.0.0.0/8".parse().unwrap()];
    Settings { allow_anonymous, client_keys, require_client_key, trusted_clients, ..Settings::default() }
}

fn alice() -> Shown {
    Access::new(&settings(false, true, false), true, None).examine(Role::Origin, &mut bearer(KEY))
}

fn unknown() -> Shown {
    Shown::Unknown(vec![client_keys::digest_of("sk")])
}

fn bearer(token: &str) -> message::Fields {
    message::Fields::of(&[("authorization", &format!("Bearer {token}"))])
}

#[test]
fn a_client_is_known_by_its_address() {
    let access = Access::new(&settings(false, false, false), true, None);
    for (address, client) in [
        ("127.0.0.9", Client::Loopback),
        ("::1", Client::Loopback),
        ("::ffff:127.0.0.1", Client::Loopback),
        ("10.0.0.1", Client::Trusted),
        ("::ffff:10.9.9.9", Client::Trusted),
        ("192.0.2.1", Client::Stranger),
        ("2001:db8::1", Client::Stranger),
    ] {
        assert_eq!(access.client(address.parse().unwrap()), client, "{address}");
    }
}

/// May without a key (`Some(true)`), with one only (`Some(false)`), or not at all (`None`).
#[test]
fn what_each_client_may_do() {
    use Client::{Loopback, Stranger, Trusted};
    use Right::{Exchange, Proxying};
    let (free, with_key, never) = (Some(true), Some(false), None);
    // Anonymous allowed, client keys, a key for all, the proxy holds a key.
    for (rules, client, right, expected) in [
        ([false, false, false, true], Loopback, Exchange, free),
        ([false, true, false, true], Loopback, Proxying, free),
        ([false, true, true, true], Loopback, Exchange, with_key),
        ([false, true, true, true], Loopback, Proxying, with_key),
        ([false, false, false, true], Trusted, Exchange, free),
        ([false, true, false, true], Trusted, Proxying, free),
        ([false, true, true, true], Trusted, Proxying, with_key),
        ([false, false, false, true], Stranger, Exchange, never),
        ([false, false, false, true], Stranger, Proxying, never),
        ([false, false, false, false], Stranger, Exchange, free),
        ([false, false, false, false], Stranger, Proxying, never),
        ([true, false, false, true], Stranger, Exchange, free),
        ([true, false, false, true], Stranger, Proxying, never),
        ([true, true, false, true], Stranger, Exchange, free),
        ([true, true, false, true], Stranger, Proxying, with_key),
        ([false, true, false, true], Stranger, Exchange, with_key),
        ([false, true, false, false], Stranger, Exchange, with_key),
        ([false, true, false, true], Stranger, Proxying, with_key),
    ] {
        let [anonymous, keys, for_all, holds_key] = rules;
        let access = Access::new(&settings(anonymous, keys, for_all), holds_key, None);
        let admit = |shown| access.admit(client, right, Role::Origin, shown);
        assert_eq!(admit(Shown::Nothing).is_ok(), expected == free, "{rules:?} {client:?} {right:?}");
        assert_eq!(admit(unknown()).is_ok(), expected == free, "{rules:?} {client:?} {right:?}");
        let keyed = admit(alice());
        assert_eq!(keyed.is_ok(), expected != never, "{rules:?} {client:?} {right:?}");
    }
}

#[test]
fn a_refusal_says_in_which_role_a_key_is_wanted() {
    let access = Access::new(&settings(false, true, false), true, None);
    for role in [Role::Origin, Role::Proxy] {
        let admit = |shown| access.admit(Client::Stranger, Right::Exchange, role, shown);
        assert_eq!(admit(Shown::Nothing), Err(Denied::KeyMissing(role)));
        assert_eq!(admit(unknown()), Err(Denied::KeyUnknown(role)));
    }
}

#[test]
fn one_key_among_other_credentials_is_enough_and_does_not_stay() {
    let access = Access::new(&settings(false, true, false), true, None);
    for order in [["sk-of-the-client", KEY], [KEY, "sk-of-the-client"]] {
        let mut head = bearer(order[0]);
        head.append(HeaderName::from_static("api-key"), HeaderValue::from_static(order[1]));
        assert_eq!(access.examine(Role::Origin, &mut head), alice());
        let left = head.shown();
        assert!(matches!(&left[..], [one] if one.ends_with("sk-of-the-client")), "{left:?}");
    }
    let mut head = bearer(KEY);
    assert_eq!(access.examine(Role::Proxy, &mut head), Shown::Nothing, "not shown to the proxy");
    assert!(head.is_empty(), "but not passed on either");
    assert_eq!(access.examine(Role::Origin, &mut bearer("sk")), unknown());
}

#[test]
fn a_head_full_of_guesses_finds_nothing() {
    let access = Access::new(&settings(false, true, false), true, None);
    let protocols = |guesses: usize| {
        let guess = |n| format!("openai-insecure-api-key.guess-{n}, ");
        let guesses: String = (0..guesses).map(guess).collect();
        let line = format!("{guesses}openai-insecure-api-key.{KEY}");
        access.examine(Role::Origin, &mut message::Fields::of(&[("sec-websocket-protocol", &line)]))
    };
    assert_eq!(protocols(7), alice());
    for guesses in [8, 9, 12_000] {
        let Shown::Unknown(wrong) = protocols(guesses) else { panic!("{guesses}") };
        assert!((8..=9).contains(&wrong.len()), "{guesses}: {}", wrong.len());
    }
}

#[test]
fn with_the_last_key_revoked_nobody_comes_in() {
    let nobody = Settings { client_keys: Some(ClientKeys::default()), ..Settings::default() };
    for holds_key in [true, false] {
        let access = Access::new(&nobody, holds_key, None);
        assert_eq!(access.needs_key(Client::Stranger, Right::Exchange), Ok(true));
        let unknown = Shown::Unknown(vec![client_keys::digest_of(KEY)]);
        assert_eq!(access.examine(Role::Origin, &mut bearer(KEY)), unknown);
    }
}

#[test]
fn a_revoked_key_is_of_no_use_to_who_came_in_with_it() {
    let before = Access::new(&settings(false, true, false), true, None);
    let client_keys = Some(one_key("alice=another-key-of-hers"));
    let after = Access::new(&Settings { client_keys, ..Settings::default() }, true, None);
    let admitted = before.admit(Client::Stranger, Right::Exchange, Role::Proxy, alice()).unwrap();
    assert!(before.renew(&admitted, Client::Stranger, Right::Exchange));
    assert!(!after.renew(&admitted, Client::Stranger, Right::Exchange));
    let local = before.admit(Client::Loopback, Right::Exchange, Role::Proxy, alice()).unwrap();
    assert!(after.renew(&local, Client::Loopback, Right::Exchange), "needs none");
}

#[test]
fn without_client_keys_no_credential_is_ours() {
    let access = Access::new(&settings(false, false, false), false, None);
    let mut head = bearer(KEY);
    assert_eq!(access.examine(Role::Origin, &mut head), Shown::Nothing);
    assert_eq!(head, bearer(KEY));
}

proptest! {
    #[test]
    fn no_head_keeps_a_client_key_in_a_credential_field(
        lines in prop::collection::vec((0..5usize, 0..4usize), 0..8),
    ) {
        let access = Access::new(&settings(false, true, false), true, None);
        let names = ["authorization", "proxy-authorization", "api-key", "x-api-key", "sec-websocket-protocol"];
        let forms = ["Bearer {}", "{}", "realtime, openai-insecure-api-key.{}", "bearer   {}"];
        let mut head = message::Fields::new();
        for (name, form) in lines {
            let value = HeaderValue::try_from(forms[form].replace("{}", KEY)).unwrap();
            head.append(HeaderName::from_static(names[name]), value);
        }
        access.examine(Role::Origin, &mut head);
        for role in [Role::Origin, Role::Proxy] {
            prop_assert!(access.fields.shown(role, &head).all(|shown| shown != KEY));
        }
    }
}

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;
use crate::tls::testing::{authority, client_of, handshake, names};

const DAY: u64 = 86_400;

/// Leaves for two names, and a clock that the test sets, in seconds from the start.
fn leaves() -> (Leaves, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(100 * DAY));
    let (start, hand) = (SystemTime::now() - Duration::from_secs(100 * DAY), Arc::clone(&clock));
    let clocked = move || start + Duration::from_secs(hand.load(Ordering::Relaxed));
    let names = names(&["API.openai.com", "localhost"]);
    (Leaves::with_clock(Arc::new(authority()), names, clocked).unwrap(), clock)
}

fn minted(leaves: &Leaves) -> usize {
    leaves.0.slots.values().filter(|slot| slot.lock().unwrap().is_some()).count()
}

#[test]
fn mints_once_and_only_when_asked() {
    let (leaves, _) = leaves();
    assert_eq!(minted(&leaves), 0);
    let first = leaves.server_config("api.openai.com").unwrap();
    for name in ["api.openai.com", "API.OpenAI.com", "api.openai.com."] {
        assert!(Arc::ptr_eq(&first, &leaves.clone().server_config(name).unwrap()), "{name}");
    }
    assert_eq!(minted(&leaves), 1);
    assert!(!Arc::ptr_eq(&first, &leaves.server_config("localhost").unwrap()));
}

#[test]
fn mints_again_when_due() {
    let (leaves, clock) = leaves();
    for (day, same) in [(128, true), (160, false), (159, true), (20, false)] {
        let before = leaves.server_config("localhost").unwrap();
        clock.store(day * DAY, Ordering::Relaxed);
        let after = leaves.server_config("localhost").unwrap();
        assert_eq!(Arc::ptr_eq(&before, &after), same, "day {day}");
    }
}

#[test]
fn another_list_of_names_keeps_what_was_minted() {
    let (leaves, _) = leaves();
    let before = leaves.server_config("localhost").unwrap();
    let other = leaves.with_names(names(&["us.api.openai.com", "LOCALHOST"])).unwrap();
    assert!(Arc::ptr_eq(&before, &other.server_config("localhost").unwrap()));
    assert!(other.server_config("us.api.openai.com").is_ok());
    assert!(matches!(other.server_config("api.openai.com"), Err(LeafError::NotAllowed { .. })));
    assert!(matches!(leaves.with_names(names(&["x.example"])), Err(LeafError::NotCovered { .. })));
}

#[test]
fn many_that_ask_at_once_get_one_leaf() {
    let (leaves, _) = leaves();
    let start = Barrier::new(8);
    let ask = || {
        start.wait();
        leaves.server_config("localhost").unwrap()
    };
    let configs: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(configs.iter().all(|config| Arc::ptr_eq(config, &configs[0])));
}

#[test]
fn refuses_a_list_that_the_ca_does_not_cover() {
    for name in ["evil.example", "*.openai.com", "127.0.0.1"] {
        let error = Leaves::new(Arc::new(authority()), names(&["localhost", name])).unwrap_err();
        assert!(matches!(&error, LeafError::NotCovered { name: found } if found == name), "{error}");
    }
}

#[test]
fn tickets_of_one_name_mean_nothing_to_another() {
    let (leaves, _) = leaves();
    let one = leaves.server_config("api.openai.com").unwrap();
    let two = leaves.server_config("localhost").unwrap();
    let ticket = one.ticketer.encrypt(b"session").unwrap();
    assert_eq!(one.ticketer.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
    assert_eq!(two.ticketer.decrypt(&ticket), None);
    assert!(one.session_storage.put(b"id".to_vec(), b"session".to_vec()));
    assert_eq!(two.session_storage.get(b"id"), None);
}

#[tokio::test]
async fn the_cipher_is_chosen_by_its_cost_whatever_the_client_likes_best() {
    let authority = Arc::new(authority());
    let leaves = Leaves::new(Arc::clone(&authority), names(&["localhost"])).unwrap();
    let (client, served) =
        handshake(client_of(&authority), "localhost", |_| leaves.server_config("localhost")).await;
    served.unwrap();
    let suite = client.unwrap().get_ref().1.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite, CipherSuite::TLS13_AES_128_GCM_SHA256);
}

#[test]
fn debug_tells_names_only() {
    let (leaves, _) = leaves();
    leaves.server_config("localhost").unwrap();
    let shown = format!("{leaves:?}");
    assert!(shown.contains("localhost") && shown.len() < 100, "{shown}");
}

#[test]
fn names_outside_the_list_cost_nothing() {
    let (leaves, _) = leaves();
    proptest!(Config::with_cases(10_000), |(name in "[a-z0-9*.\\-_]{0,12}(\\.openai\\.com)?")| {
        prop_assume!(name != "localhost");
        let refused = matches!(leaves.server_config(&name), Err(LeafError::NotAllowed { .. }));
        prop_assert!(refused, "{name}");
    });
    assert_eq!((minted(&leaves), leaves.0.slots.len()), (0, 2));
}

//! Wrong client keys, counted for each address, so that nobody can go on guessing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::policy::client_keys::Digest;

/// Wrong keys, no two the same, that an address may show within [`WINDOW`].
const BUDGET: usize = 10;

/// How long a wrong key counts, from the first one on.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered at once. Whoever has more than that is not stopped by counting,
/// and all of them are forgotten.
const ADDRESSES: usize = 4096;

/// Who has shown wrong keys lately. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Failures(Arc<Mutex<HashMap<IpAddr, Tally>>>);

#[derive(Clone, Debug)]
struct Tally {
    since: Instant,
    /// The wrong keys, each once: a client that goes on with one that was revoked guesses nothing.
    wrong: Vec<Digest>,
}

// === impl Failures ===

impl Failures {
    /// How long this address has to wait before anything that it shows is looked at again.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let tallies = self.lock();
        let tally = tallies.get(&counted(address)).filter(|tally| tally.wrong.len() >= BUDGET)?;
        WINDOW.checked_sub(now.duration_since(tally.since)).filter(|left| !left.is_zero())
    }

    /// Notes wrong keys.
    pub fn note(&self, address: IpAddr, wrong: &[Digest], now: Instant) {
        let mut tallies = self.lock();
        let address = counted(address);
        let fresh = |tally: &Tally| now.duration_since(tally.since) < WINDOW;
        if let Some(tally) = tallies.get_mut(&address).filter(|tally| fresh(tally)) {
            return tally.add(wrong);
        }
        if tallies.len() >= ADDRESSES {
            tallies.retain(|_, tally| fresh(tally));
        }
        if tallies.len() >= ADDRESSES {
            tallies.clear();
        }
        let mut tally = Tally { since: now, wrong: Vec::new() };
        tally.add(wrong);
        tallies.insert(address, tally);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Tally>> {
        // Each change is one insertion or addition: there is nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, wrong: &[Digest]) {
        for digest in wrong {
            if self.wrong.len() < BUDGET && !self.wrong.contains(digest) {
                self.wrong.push(*digest);
            }
        }
    }
}

/// What counts as one address: in IPv6 the network of 64 bits that one subscriber has at least.
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_wrong_keys_are_enough_for_a_minute() {
        let (failures, start) = (Failures::default(), Instant::now());
        let (guesser, neighbour) = (address("192.0.2.1"), address("192.0.2.2"));
        for guess in 0..10 {
            assert_eq!(failures.wait(guesser, start), None);
            failures.note(guesser, &[[guess; 32]], start);
            failures.note(guesser, &[[guess; 32]], start);
        }
        let later = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(failures.wait(guesser, later(1)), Some(Duration::from_secs(59)));
        assert_eq!(failures.wait(neighbour, later(1)), None);
        assert_eq!(failures.wait(guesser, later(60)), None);
        failures.note(guesser, &[[0; 32]], later(61));
        assert_eq!(failures.wait(guesser, later(62)), None, "counted anew");
    }

    #[test]
    fn guesses_in_one_head_are_as_many() {
        let (failures, now) = (Failures::default(), Instant::now());
        let guesses: Vec<_> = (0..12).map(|guess| [guess; 32]).collect();
        failures.note(address("192.0.2.1"), &guesses, now);
        assert!(failures.wait(address("192.0.2.1"), now).is_some());
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_address() {
        let (failures, now) = (Failures::default(), Instant::now());
        for host in 0..10 {
            failures.note(address(&format!("2001:db8::{host:x}")), &[[host; 32]], now);
        }
        assert!(failures.wait(address("2001:db8::ffff"), now).is_some());
        assert!(failures.wait(address("2001:db8:0:1::1"), now).is_none());
    }

    #[test]
    fn no_number_of_addresses_fills_the_memory() {
        let (failures, start) = (Failures::default(), Instant::now());
        for host in 0..3 * ADDRESSES as u32 {
            failures.note(
                std::net::Ipv4Addr::from_bits(host).into(),
                &[[0; 32]],
                start + Duration::from_millis(host.into()),
            );
        }
        assert!(failures.lock().len() <= ADDRESSES);
    }
}

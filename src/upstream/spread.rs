//! Several pools side by side: an HTTP/2 connection's limit on streams is none on requests.
//!
//! A pool opens one HTTP/2 connection to an origin server, and servers allow about a hundred
//! requests on one (RFC 9113 §6.5.2 recommends no fewer). Long streams fill that soon; what comes
//! after would wait for one of them to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pools, of which the first that has room is used.
#[derive(Clone, Debug)]
pub struct Spread<P> {
    pools: Arc<[(P, Arc<AtomicUsize>)]>,
}

/// One request's place in a pool, given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

/// Pools at most, and so eight times the requests that one connection carries.
const POOLS: usize = 8;

/// Requests under way at which a pool counts as full: below what servers usually allow.
const FULL: usize = 90;

// === impl Spread ===

impl<P> Spread<P> {
    /// Pools that this makes; an unused one costs nothing but its place.
    pub fn new(make: impl Fn() -> P) -> Self {
        Self { pools: (0..POOLS).map(|_| (make(), Arc::default())).collect() }
    }

    /// The first pool with room, or the least busy of all, and a place in it.
    pub fn pick(&self) -> (&P, Place) {
        let busy = |pool: &&(P, Arc<AtomicUsize>)| pool.1.load(Ordering::Relaxed);
        let roomy = self.pools.iter().find(|pool| busy(pool) < FULL);
        let (pool, count) =
            roomy.or_else(|| self.pools.iter().min_by_key(busy)).expect("there is at least one pool");
        count.fetch_add(1, Ordering::Relaxed);
        (pool, Place(Arc::clone(count)))
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_one_pool_before_it_takes_the_next() {
        let numbers = AtomicUsize::new(0);
        let spread = Spread::new(|| numbers.fetch_add(1, Ordering::Relaxed));
        let mut places = Vec::new();
        for request in 0..FULL * POOLS {
            let (pool, place) = spread.pick();
            assert_eq!(*pool, request / FULL);
            places.push(place);
        }
        let (_, _beyond) = spread.pick();
        drop(places.split_off(FULL * 3));
        assert_eq!(*spread.pick().0, 3);
        drop(places);
        assert_eq!(*spread.pick().0, 0);
    }
}

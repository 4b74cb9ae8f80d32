//! Room for connections: so many in all, and so many for one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failures::counted;
use crate::policy::Client;

/// The places that there are; clones share them.
#[derive(Clone, Debug)]
pub struct Room {
    all: Arc<Semaphore>,
    /// As many as there can be.
    size: usize,
    each: usize,
    /// Places taken, by clients that do not share this machine. No entry is 0.
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place, free again once it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Room,
    address: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Full {
    /// All of them are taken.
    #[error("too many connections")]
    Everywhere,
    /// This client has taken its share.
    #[error("too many connections from this client")]
    Client,
}

// === impl Room ===

impl Room {
    /// Room for `size` connections, and for `each` of them from one address beyond loopback.
    pub fn new(size: usize, each: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        Self { all: Arc::new(Semaphore::new(size)), size, each, taken: Arc::default() }
    }

    /// Takes a place. Clients on loopback are many programs, and bounded by the size alone.
    pub fn enter(&self, address: IpAddr, client: Client) -> Result<Place, Full> {
        self.enter_as((client != Client::Loopback).then(|| counted(address)))
    }

    fn enter_as(&self, address: Option<IpAddr>) -> Result<Place, Full> {
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::Everywhere)?;
        if let Some(address) = address {
            let mut taken = self.taken();
            let count = taken.entry(address).or_default();
            if *count >= self.each {
                return Err(Full::Client);
            }
            *count += 1;
        }
        Ok(Place { room: self.clone(), address, _permit: permit })
    }

    /// How many places are taken.
    pub fn taken_places(&self) -> usize {
        self.size - self.all.available_permits().min(self.size)
    }

    /// Resolves once every place is free.
    pub async fn emptied(&self) {
        let everyone = u32::try_from(self.size).unwrap_or(u32::MAX);
        // The semaphore is never closed, so there is no other end.
        let _ = self.all.acquire_many(everyone).await;
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Each change is one addition or removal: there is nothing half done.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Place ===

impl Place {
    /// One more for the same client, who counts as one more connection.
    pub fn another(&self) -> Result<Self, Full> {
        self.room.enter_as(self.address)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut taken = self.room.taken();
        if let Some(count) = taken.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(room: &Room, address: &str, client: Client) -> Result<Place, Full> {
        room.enter(address.parse().unwrap(), client)
    }

    #[tokio::test]
    async fn one_client_leaves_room_for_others() {
        let room = Room::new(5, 2);
        let first = enter(&room, "192.0.2.1", Client::Stranger).unwrap();
        let second = enter(&room, "192.0.2.1", Client::Trusted).unwrap();
        assert_eq!(enter(&room, "192.0.2.1", Client::Stranger).unwrap_err(), Full::Client);
        let other = enter(&room, "192.0.2.2", Client::Stranger).unwrap();
        drop(first);
        let third = enter(&room, "192.0.2.1", Client::Stranger).unwrap();
        let local: Vec<_> = (0..2).map(|_| enter(&room, "127.0.0.1", Client::Loopback).unwrap()).collect();
        assert_eq!(enter(&room, "192.0.2.3", Client::Stranger).unwrap_err(), Full::Everywhere);
        drop((second, third, other, local));
        room.emptied().await;
        assert!(room.taken().is_empty());
    }

    #[tokio::test]
    async fn what_a_connection_carries_may_take_places_too() {
        let room = Room::new(9, 2);
        let first = enter(&room, "192.0.2.1", Client::Stranger).unwrap();
        let second = first.another().unwrap();
        drop(first);
        let third = second.another().unwrap();
        assert_eq!(third.another().unwrap_err(), Full::Client);
        drop((second, third));
        room.emptied().await;
        assert!(room.taken().is_empty());
    }

    #[test]
    fn whoever_is_turned_away_takes_no_place() {
        let room = Room::new(2, 1);
        let _first = enter(&room, "192.0.2.1", Client::Stranger).unwrap();
        for _ in 0..3 {
            assert_eq!(enter(&room, "192.0.2.1", Client::Stranger).unwrap_err(), Full::Client);
        }
        assert!(enter(&room, "192.0.2.2", Client::Stranger).is_ok());
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_client() {
        let room = Room::new(9, 1);
        let _first = enter(&room, "2001:db8::1", Client::Stranger).unwrap();
        assert_eq!(enter(&room, "2001:db8::2", Client::Stranger).unwrap_err(), Full::Client);
        assert!(enter(&room, "2001:db8:0:1::1", Client::Stranger).is_ok());
    }
}

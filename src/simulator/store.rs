//! Objects that the simulator was asked to keep, in memory and within bounds.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Objects of one kind.
const MAX_OBJECTS: usize = 1024;

/// Bytes of objects of one kind.
const MAX_BYTES: usize = 64 << 20;

/// Objects by id, in the order in which they came; the oldest make room.
pub(super) struct Store<T>(Mutex<Shelf<T>>);

struct Shelf<T> {
    objects: VecDeque<(String, usize, T)>,
    bytes: usize,
}

// === impl Store ===

impl<T: Clone> Store<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Shelf { objects: VecDeque::new(), bytes: 0 }))
    }

    /// Keeps an object of about `size` bytes, in the place of one with the same id.
    pub(super) fn put(&self, id: &str, size: usize, object: T) {
        let mut shelf = self.lock();
        let place = shelf.objects.iter().position(|(known, ..)| known == id);
        shelf.take(id);
        shelf.bytes += size;
        let place = place.unwrap_or(shelf.objects.len());
        shelf.objects.insert(place, (id.into(), size, object));
        while shelf.objects.len() > MAX_OBJECTS || shelf.bytes > MAX_BYTES {
            let Some((_, size, _)) = shelf.objects.pop_front() else { break };
            shelf.bytes -= size;
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<T> {
        self.lock().objects.iter().find(|(known, ..)| known == id).map(|(.., object)| object.clone())
    }

    pub(super) fn take(&self, id: &str) -> Option<T> {
        self.lock().take(id)
    }

    /// Those whose ids are `wanted`, the newest first.
    pub(super) fn list(&self, wanted: impl Fn(&str) -> bool) -> Vec<T> {
        let shelf = self.lock();
        let wanted = shelf.objects.iter().rev().filter(|(id, ..)| wanted(id));
        wanted.map(|(.., object)| object.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shelf<T>> {
        // Nothing in here panics half-way, so a poisoned lock guards a whole shelf.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shelf ===

impl<T> Shelf<T> {
    fn take(&mut self, id: &str) -> Option<T> {
        let place = self.objects.iter().position(|(known, ..)| known == id)?;
        let (_, size, object) = self.objects.remove(place)?;
        self.bytes -= size;
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_replaces_and_gives_away() {
        let store = Store::new();
        store.put("a", 1, 1);
        store.put("b", 1, 2);
        store.put("a", 1, 3);
        assert_eq!((store.list(|_| true), store.list(|id| id == "b")), (vec![2, 3], vec![2]));
        assert_eq!((store.take("a"), store.take("a"), store.get("b")), (Some(3), None, Some(2)));
    }

    #[test]
    fn the_oldest_make_room() {
        let store = Store::new();
        (0..=MAX_OBJECTS).for_each(|number| store.put(&number.to_string(), 1, number));
        assert_eq!(
            (store.get("0"), store.get("1"), store.list(|_| true).len()),
            (None, Some(1), MAX_OBJECTS)
        );
        store.put("large", MAX_BYTES, 0);
        assert_eq!(store.list(|_| true), [0]);
        store.put("too large", MAX_BYTES + 1, 0);
        assert_eq!(store.list(|_| true), Vec::<usize>::new());
    }
}

//! The last exchanges and what they add up to, for those who watch: see [`Record`] for what is kept of each.

pub mod figures;
mod record;
mod series;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

pub(super) use record::now_ms;
pub use record::{Outcome, Record, Tokens};
pub use series::{Slot, Timed};

use series::Series;

/// Exchanges that are remembered once they are over.
const REMEMBERED: usize = 100;

/// Exchanges under way that are shown at once; what exceeds them is shown when it is over.
const OPEN: usize = 100;

/// Changes that a watcher may be behind; one that is slower has to begin anew.
const BACKLOG: usize = 256;

/// What happened of late; clones share it.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: AtomicU64,
    state: Mutex<State>,
    changes: broadcast::Sender<Change>,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<u64, Arc<Record>>,
    over: VecDeque<Arc<Record>>,
    series: Series,
}

/// Everything that is remembered.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    /// The exchanges that are over, oldest first, then those under way.
    pub records: Vec<Arc<Record>>,
    /// What they add up to.
    pub series: Timed,
}

/// An exchange got under way or was over.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// It replaces what was said of the exchange with the same id.
    pub record: Arc<Record>,
    /// The slot of the series that it ended in, and what that holds now.
    pub slot: Option<(u64, Slot)>,
}

// === impl Journal ===

impl Journal {
    /// An empty one.
    pub fn new() -> Self {
        let (changes, _) = broadcast::channel(BACKLOG);
        Self(Arc::new(Inner { begun: AtomicU64::default(), state: Mutex::default(), changes }))
    }

    /// Begins a record, which nobody sees before [`open`](Self::open) or [`close`](Self::close).
    pub fn begin(&self, method: &str, path: &str) -> Record {
        let before = self.0.begun.fetch_add(1, Ordering::Relaxed);
        Record::new(before + 1, method, path)
    }

    /// Shows an exchange that is under way, as far as it has got. It has to be closed some day.
    pub fn open(&self, record: &Record) {
        let mut state = self.state();
        if state.open.len() < OPEN || state.open.contains_key(&record.id) {
            let record = Arc::new(record.clone());
            state.open.insert(record.id, Arc::clone(&record));
            self.tell(Change { record, slot: None });
        }
    }

    /// Shows an exchange that is over.
    pub fn close(&self, record: Record) {
        let mut state = self.state();
        state.open.remove(&record.id);
        let slot = state.series.add(&record);
        let record = Arc::new(record);
        if state.over.len() == REMEMBERED {
            state.over.pop_front();
        }
        state.over.push_back(Arc::clone(&record));
        self.tell(Change { record, slot: Some(slot) });
    }

    /// What is remembered at a moment, in milliseconds of Unix time, and all that changes after it.
    pub fn watch(&self, now_ms: u64) -> (Snapshot, broadcast::Receiver<Change>) {
        let state = self.state();
        let records = state.over.iter().chain(state.open.values()).cloned().collect();
        let snapshot = Snapshot { records, series: state.series.at(now_ms) };
        // Under the lock, so that no change is missed and none is told twice.
        (snapshot, self.0.changes.subscribe())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called under the lock, so that all watchers see one order.
    fn tell(&self, change: Change) {
        // Refused only where nobody watches.
        let _ = self.0.changes.send(change);
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(snapshot: &Snapshot) -> Vec<u64> {
        snapshot.records.iter().map(|record| record.id).collect()
    }

    #[test]
    fn a_watcher_gets_what_was_and_then_what_comes() {
        let journal = Journal::new();
        let [first, second] = [journal.begin("GET", "/a"), journal.begin("GET", "/b")];
        journal.open(&first);
        journal.open(&second);
        journal.close(second);
        let (snapshot, mut changes) = journal.watch(now_ms());
        assert_eq!(ids(&snapshot), [2, 1], "what is under way comes last");

        journal.close(first);
        let change = changes.try_recv().unwrap();
        assert_eq!((change.record.id, change.slot.unwrap().1.requests), (1, 2));
        assert!(changes.try_recv().is_err(), "nothing is told twice");
        assert_eq!(ids(&journal.watch(now_ms()).0), [2, 1]);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let journal = Journal::new();
        for _ in 0..OPEN + 10 {
            let record = journal.begin("GET", "/");
            journal.open(&record);
            journal.open(&record);
        }
        assert_eq!(journal.watch(0).0.records.len(), OPEN);
        for id in 1..=300 {
            journal.close(Record { id, ..journal.begin("GET", "/") });
        }
        let kept = ids(&journal.watch(0).0);
        assert_eq!((kept.len(), kept.first(), kept.last()), (REMEMBERED, Some(&201), Some(&300)));
    }
}

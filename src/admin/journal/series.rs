//! What exchanges add up to over the last ten minutes, in slots of ten seconds.

use std::collections::VecDeque;

use serde::Serialize;

use super::record::Record;

/// A slot's length in milliseconds.
const STEP_MS: u64 = 10_000;

/// Slots that are remembered.
const SLOTS: u64 = 60;

/// The exchanges that ended within one slot of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// How many.
    pub requests: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of them were answered.
    pub answered: u64,
    /// Their times to the head of the response, added up.
    pub ttfb_ms: u64,
    /// The longest of these times.
    pub slowest_ms: u64,
    /// Tokens of requests.
    pub input: u64,
    /// Tokens of responses.
    pub output: u64,
}

/// All slots up to a moment, one after the other without a gap.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Timed {
    /// A slot's length in milliseconds.
    pub step_ms: u64,
    /// The first slot's number: its time divided by its length.
    pub first: u64,
    /// The slots; the last one is that of the moment.
    pub slots: Vec<Slot>,
}

/// The slots in which something ended, with their numbers in ascending order.
#[derive(Debug, Default)]
pub(super) struct Series(VecDeque<(u64, Slot)>);

// === impl Series ===

impl Series {
    /// Adds an exchange that is over to the slot that it ended in; that slot's number and new value.
    pub(super) fn add(&mut self, record: &Record) -> (u64, Slot) {
        let number = (record.begun_ms + record.total_ms.unwrap_or(0)) / STEP_MS;
        // After a clock was set back, what ends is counted where time had got to.
        let number = self.0.back().map_or(number, |(newest, _)| number.max(*newest));
        if self.0.back().is_none_or(|(newest, _)| *newest < number) {
            self.0.push_back((number, Slot::default()));
            while self.0.front().is_some_and(|(oldest, _)| oldest + SLOTS <= number) {
                self.0.pop_front();
            }
        }
        let (_, slot) = self.0.back_mut().expect("there is the slot of this number at least");
        slot.add(record);
        (number, *slot)
    }

    /// The slots up to that of a moment.
    pub(super) fn at(&self, now_ms: u64) -> Timed {
        let last = (now_ms / STEP_MS).max(self.0.back().map_or(0, |(newest, _)| *newest));
        let first = (last + 1).saturating_sub(SLOTS);
        let held = |number| self.0.iter().find(|(held, _)| *held == number).map(|(_, slot)| *slot);
        let slots = (first..=last).map(|number| held(number).unwrap_or_default()).collect();
        Timed { step_ms: STEP_MS, first, slots }
    }
}

// === impl Slot ===

impl Slot {
    fn add(&mut self, record: &Record) {
        self.requests += 1;
        self.failed += u64::from(record.failed());
        if let Some(ttfb) = record.ttfb_ms {
            self.answered += 1;
            self.ttfb_ms += ttfb;
            self.slowest_ms = self.slowest_ms.max(ttfb);
        }
        if let Some(tokens) = record.tokens {
            self.input = self.input.saturating_add(tokens.input);
            self.output = self.output.saturating_add(tokens.output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Tokens;
    use super::*;

    fn ended(at_ms: u64) -> Record {
        Record {
            begun_ms: at_ms,
            status: Some(200),
            ttfb_ms: Some(30),
            tokens: Some(Tokens { input: 5, output: 7 }),
            ..Record::default()
        }
    }

    #[test]
    fn a_slot_adds_up_what_ended_in_it() {
        let mut series = Series::default();
        series.add(&ended(100 * STEP_MS));
        let failed =
            Record { status: Some(500), ttfb_ms: Some(50), tokens: None, ..ended(100 * STEP_MS + 1) };
        let (number, slot) = series.add(&failed);
        let expected =
            Slot { requests: 2, failed: 1, answered: 2, ttfb_ms: 80, slowest_ms: 50, input: 5, output: 7 };
        assert_eq!((number, slot), (100, expected));
        let Timed { first, slots, .. } = series.at(102 * STEP_MS);
        assert_eq!((first, slots.len()), (43, 60));
        assert_eq!(slots[57..], [expected, Slot::default(), Slot::default()]);
    }

    #[test]
    fn what_is_old_is_forgotten_and_a_clock_may_jump() {
        let mut series = Series::default();
        for number in 1..=1000 {
            series.add(&ended(number * STEP_MS));
        }
        assert_eq!(series.0.len(), 60);
        assert_eq!(series.add(&ended(0)).0, 1000, "set back");
        assert_eq!(series.at(0).slots.last().map(|slot| slot.requests), Some(2));
        series.add(&ended(u64::MAX / 2));
        assert_eq!(series.0.len(), 1, "set far ahead");
        assert_eq!(series.at(u64::MAX).slots.len(), 60);
    }
}

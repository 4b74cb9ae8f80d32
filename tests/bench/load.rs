//! What is done to a contender, a file for each kind of load.

use std::time::Duration;

pub(crate) mod churn;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod start;
pub(crate) mod stream;
pub(crate) mod throughput;
pub(crate) mod upload;

/// Nanoseconds, which are asked for percentiles.
#[derive(Default)]
pub(crate) struct Times(Vec<u64>);

impl Times {
    pub(crate) fn add(&mut self, nanoseconds: u64) {
        self.0.push(nanoseconds);
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// In microseconds; `part` is between 0 and 1.
    pub(crate) fn percentile(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        let at = (self.0.len() as f64 * part).ceil() as usize;
        self.0.get(at.saturating_sub(1)).map_or(f64::NAN, |&nanoseconds| nanoseconds as f64 / 1000.0)
    }
}

/// Microseconds that each of so many took of this time.
pub(crate) fn each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

//! Counts and times as people read them.

use std::fmt;
use std::time::Duration;

/// A count: `486`, `1.2k`, `3.4M`.
#[derive(Clone, Copy, Debug)]
pub struct Short(pub u64);

/// A time, in milliseconds: `412ms`, `3.9s`, `2m05s`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub u64);

// === impl Short ===

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            count @ 0..1_000 => write!(f, "{count}"),
            count @ 1_000..1_000_000 => write!(f, "{}.{}k", count / 1_000, count / 100 % 10),
            count => write!(f, "{}.{}M", count / 1_000_000, count / 100_000 % 10),
        }
    }
}

// === impl Span ===

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms @ 0..1_000 => write!(f, "{ms}ms"),
            ms @ 1_000..60_000 => write!(f, "{}.{}s", ms / 1_000, ms / 100 % 10),
            ms => write!(f, "{}m{:02}s", ms / 60_000, ms / 1_000 % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        for (count, text) in
            [(0, "0"), (999, "999"), (1_000, "1.0k"), (999_999, "999.9k"), (3_456_789, "3.4M")]
        {
            assert_eq!(Short(count).to_string(), text);
        }
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        for (ms, text) in [(0, "0ms"), (999, "999ms"), (1_999, "1.9s"), (59_999, "59.9s"), (125_000, "2m05s")]
        {
            assert_eq!(Span::from(Duration::from_millis(ms)).to_string(), text);
        }
    }
}

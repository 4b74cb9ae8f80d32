//! When a line was written.

use time::OffsetDateTime;

/// A moment of UTC as RFC 3339 writes it, in microseconds.
pub(super) struct Stamp([u8; 27]);

// === impl Stamp ===

impl Stamp {
    pub(super) fn now() -> Self {
        Self::of(OffsetDateTime::now_utc())
    }

    fn of(at: OffsetDateTime) -> Self {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (first, last, mut number) in [
            (0, 3, at.year().unsigned_abs()),
            (5, 6, u8::from(at.month()).into()),
            (8, 9, at.day().into()),
            (11, 12, at.hour().into()),
            (14, 15, at.minute().into()),
            (17, 18, at.second().into()),
            (20, 25, at.microsecond()),
        ] {
            for digit in text[first..=last].iter_mut().rev() {
                // Less than ten, so nothing is lost.
                *digit += (number % 10) as u8;
                number /= 10;
            }
        }
        Self(text)
    }

    /// All of it: `2026-11-24T07:12:03.412345Z`.
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("digits and marks only")
    }

    /// The time of day in milliseconds, `07:12:03.412`.
    pub(super) fn time_of_day(&self) -> &str {
        &self.as_str()[11..23]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_digit_by_digit() {
        for (nanoseconds, text) in
            [(0, "1970-01-01T00:00:00.000000Z"), (1_709_251_199_987_654_321, "2024-02-29T23:59:59.987654Z")]
        {
            let stamp = Stamp::of(OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap());
            assert_eq!((stamp.as_str(), stamp.time_of_day()), (text, &text[11..23]));
        }
    }
}

//! Time as a parameter: the engine asks its clock, tests move it (RULES §8, "test clock").

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved forward.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This instant moved back.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The last second of the year 9999.
    const LAST: Self = Self(253_402_300_799_000);

    /// Read RFC 3339 text with an offset or `Z`.
    pub fn parse(text: &str) -> Option<Self> {
        // The library takes offsets of up to 25 hours; RFC 3339 has those of a day's clock.
        if let Some((_, offset)) = text.get(10..).and_then(|time| time.rsplit_once(['+', '-']))
            && offset.get(..2).is_none_or(|hours| hours > "23")
        {
            return None;
        }
        if let Ok(parsed) = text.parse::<jiff::Timestamp>() {
            return Some(Self(parsed.as_millisecond()));
        }
        // The library ends a day before the year 9999 does, whose last second is what people write for never.
        let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
        pieces.time()?;
        pieces.to_numeric_offset()?;
        (pieces.date().year() == 9999).then_some(Self::LAST)
    }

    /// RFC 3339 in UTC with whole seconds and `Z`, as CloudKeep, Crate and CredVault write it.
    pub fn rfc3339_seconds(self) -> String {
        formatted(self.seconds().saturating_mul(1000))
    }

    /// RFC 3339 in UTC with milliseconds where they are not zero, and `Z`.
    pub fn rfc3339(self) -> String {
        formatted(self.0)
    }
}

fn formatted(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| "9999-12-31T23:59:59Z".to_owned(), |at| at.to_string())
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// The server's clock: the system's, plus what a test has moved it forward.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// This instant.
    pub fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the system's clock"
        )]
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Timestamp(millis.saturating_add(self.ahead_millis.load(Ordering::Relaxed)))
    }

    /// Move the clock forward, for every holder of it. Only `kluis dev --test-clock` can ask for this.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_its_offset_to_the_end_of_the_year_9999() {
        for (text, shown) in [
            ("2026-03-01T09:30:00Z", Some("2026-03-01T09:30:00Z")),
            (
                "2026-03-01T09:30:00.5+01:00",
                Some("2026-03-01T08:30:00.5Z"),
            ),
            ("9999-12-30T00:00:00Z", Some("9999-12-30T00:00:00Z")),
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z")),
            ("9999-12-31T23:59:59", None),
            ("9999-12-31", None),
            ("9999-13-31T23:59:59Z", None),
            ("10000-01-01T00:00:00Z", None),
            ("2026-03-01T09:30:00", None),
            ("2026-03-01T09:30:00+24:00", None),
            ("2026-03-01T09:30:00-25:00", None),
            ("2026-03-01T23:30:00+23:59", Some("2026-02-28T23:31:00Z")),
            ("soon", None),
            ("", None),
        ] {
            let read = Timestamp::parse(text).map(Timestamp::rfc3339);
            assert_eq!(read.as_deref(), shown, "{text}");
        }
    }
}

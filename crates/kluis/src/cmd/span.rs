//! Times as people give them: how long from now, or when.

use std::str::FromStr;
use std::time::Duration;

use kluis_server::engine::Timestamp;

/// An instant to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Until {
    /// This long from now.
    In(Duration),
    /// As it was given, RFC 3339.
    At(String),
}

impl Until {
    /// The instant as servers take it.
    pub(super) fn rfc3339(&self, now: Timestamp) -> String {
        match self {
            Self::In(span) => now.after(*span).rfc3339_seconds(),
            Self::At(text) => text.clone(),
        }
    }
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(span) = span(text) {
            return Ok(Self::In(span));
        }
        match Timestamp::parse(text) {
            Some(_) => Ok(Self::At(text.to_owned())),
            None => Err("give a span such as 30m, 24h or 90d, or a time in RFC 3339".to_owned()),
        }
    }
}

/// Seconds, as a number or a span.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let number = text.parse().ok();
    number
        .or_else(|| span(text).map(|span| span.as_secs()))
        .ok_or_else(|| "give seconds, or a span such as 15m or 1h".to_owned())
}

/// A number and a unit.
fn span(text: &str) -> Option<Duration> {
    let (number, seconds) = [
        ('s', 1),
        ('m', 60),
        ('h', 3600),
        ('d', 86_400),
        ('w', 604_800),
    ]
    .into_iter()
    .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = number.parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_from_now_and_a_time_stands() {
        let now = Timestamp::from_millis(1_800_000_000_123);
        for (text, at) in [
            ("90s", "2027-01-15T08:01:30Z"),
            ("30m", "2027-01-15T08:30:00Z"),
            ("24h", "2027-01-16T08:00:00Z"),
            ("2d", "2027-01-17T08:00:00Z"),
            ("1w", "2027-01-22T08:00:00Z"),
            ("2027-03-01T10:00:00+01:00", "2027-03-01T10:00:00+01:00"),
        ] {
            assert_eq!(text.parse::<Until>().unwrap().rfc3339(now), at);
        }
        for text in [
            "",
            "h",
            "24",
            "-1h",
            "+1h",
            "1.5h",
            "1y",
            "tomorrow",
            "2027-03-01",
        ] {
            assert!(text.parse::<Until>().is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_are_a_number_or_a_span() {
        assert_eq!(seconds("900"), Ok(900));
        assert_eq!(seconds("15m"), Ok(900));
        assert!(seconds("soon").is_err());
    }
}

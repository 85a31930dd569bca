//! The hours in which a policy applies: `conditions.time_window`.

use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

use super::json::Members;
use crate::clock::Timestamp;
use crate::error::Error;

/// Hours of the day in one time zone, on some or all days of the week.
#[derive(Clone, Debug)]
pub(super) struct TimeWindow {
    hours: Hours,
    days: Days,
    zone: TimeZone,
}

/// `after` is inside, `before` is not.
#[derive(Clone, Copy, Debug)]
enum Hours {
    /// No hours are given.
    All,
    /// From `after` on.
    From(Time),
    /// Up to `before`.
    Until(Time),
    /// Both within one day.
    Between(Time, Time),
    /// From `after` across midnight up to `before`.
    Overnight(Time, Time),
}

/// A set of days; a bit for each, Monday's the lowest.
#[derive(Clone, Copy, Debug)]
struct Days(u8);

impl TimeWindow {
    /// Read the object `field`: `after`, `before` ("HH:MM", 24 hours), `weekdays`, `timezone` (IANA, UTC unless given).
    ///
    /// Refused: an object that names neither hours nor days, equal hours, no days, and `cron_expr`, which no two
    /// implementations read alike.
    pub(super) fn parse(field: &str, value: &Value) -> Result<Self, Error> {
        let mut members = Members::of(field, value)?;
        let after = members.take("after", hour)?;
        let before = members.take("before", hour)?;
        let days = members.take("weekdays", Days::parse)?;
        let zone = members.take("timezone", zone)?;
        members.refuse(
            "cron_expr",
            "is not evaluated; use after, before and weekdays",
        )?;
        members.end()?;
        let hours = match (after, before) {
            (None, None) if days.is_none() => {
                return Err(Error::invalid(
                    field.to_owned(),
                    "must have after, before or weekdays",
                ));
            }
            (None, None) => Hours::All,
            (Some(after), None) => Hours::From(after),
            (None, Some(before)) => Hours::Until(before),
            (Some(after), Some(before)) if after < before => Hours::Between(after, before),
            (Some(after), Some(before)) if after > before => Hours::Overnight(after, before),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    field.to_owned(),
                    "must have after and before differ",
                ));
            }
        };
        Ok(Self {
            hours,
            days: days.unwrap_or(Days::ALL),
            zone: zone.unwrap_or(TimeZone::UTC),
        })
    }

    /// Whether `now` lies inside. What follows midnight in an overnight window belongs to the day it began on.
    pub(super) fn contains(&self, now: Timestamp) -> bool {
        let Ok(now) = jiff::Timestamp::from_millisecond(now.millis()) else {
            return false;
        };
        let local = self.zone.to_datetime(now);
        let (time, today) = (local.time(), local.weekday());
        match self.hours {
            Hours::All => self.days.contains(today),
            Hours::From(after) => self.days.contains(today) && time >= after,
            Hours::Until(before) => self.days.contains(today) && time < before,
            Hours::Between(after, before) => {
                self.days.contains(today) && time >= after && time < before
            }
            Hours::Overnight(after, before) => {
                (self.days.contains(today) && time >= after)
                    || (self.days.contains(today.previous()) && time < before)
            }
        }
    }
}

impl Days {
    const ALL: Self = Self(0b111_1111);

    /// A list of English day names, whole or their first three letters in any case, or numbers from 0, Sunday, to 6.
    fn parse(value: &Value) -> Result<Self, &'static str> {
        const WHY: &str = "must be a list of days: mon to sun, or 0 (Sunday) to 6";
        let days = value.as_array().ok_or(WHY)?;
        if days.is_empty() {
            return Err("must not be empty");
        }
        days.iter().try_fold(Self(0), |days, day| {
            let day = match day {
                Value::String(name) => day_named(name),
                Value::Number(number) => number.as_i64().and_then(|number| {
                    Weekday::from_sunday_zero_offset(i8::try_from(number).ok()?).ok()
                }),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
            };
            Ok(Self(days.0 | Self::bit(day.ok_or(WHY)?)))
        })
    }

    fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}

fn day_named(text: &str) -> Option<Weekday> {
    const NAMES: [(&str, &str, Weekday); 7] = [
        ("mon", "monday", Weekday::Monday),
        ("tue", "tuesday", Weekday::Tuesday),
        ("wed", "wednesday", Weekday::Wednesday),
        ("thu", "thursday", Weekday::Thursday),
        ("fri", "friday", Weekday::Friday),
        ("sat", "saturday", Weekday::Saturday),
        ("sun", "sunday", Weekday::Sunday),
    ];
    NAMES.into_iter().find_map(|(short, long, day)| {
        (text.eq_ignore_ascii_case(short) || text.eq_ignore_ascii_case(long)).then_some(day)
    })
}

/// Exactly `HH:MM`.
fn hour(value: &Value) -> Result<Time, &'static str> {
    const WHY: &str = "must be a time of day from 00:00 to 23:59";
    let text = value.as_str().ok_or(WHY)?;
    let (hours, minutes) = text.split_once(':').ok_or(WHY)?;
    let number = |digits: &str| -> Option<i8> {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| digits.parse().ok()).flatten()
    };
    let (hours, minutes) = number(hours).zip(number(minutes)).ok_or(WHY)?;
    Time::new(hours, minutes, 0, 0).map_err(|_| WHY)
}

/// A zone of the database that is built in: what a policy means does not hang on files of the host.
fn zone(value: &Value) -> Result<TimeZone, &'static str> {
    const WHY: &str = "must name a time zone of the IANA database";
    let name = value.as_str().ok_or(WHY)?;
    let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| WHY)?;
    if zone.is_unknown() {
        Err(WHY)
    } else {
        Ok(zone)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open_at(window: &Value, times: &[&str]) -> Vec<bool> {
        let window = TimeWindow::parse("time_window", window).unwrap();
        times
            .iter()
            .map(|at| window.contains(Timestamp::parse(at).unwrap()))
            .collect()
    }

    #[test]
    fn after_is_inside_and_before_is_not() {
        let window = json!({"after": "08:00", "before": "20:00", "timezone": "UTC"});
        let times = [
            "2026-03-02T07:59:59.999Z",
            "2026-03-02T08:00:00Z",
            "2026-03-02T19:59:59.999Z",
            "2026-03-02T20:00:00Z",
        ];
        assert_eq!(open_at(&window, &times), [false, true, true, false]);
        assert_eq!(
            open_at(&json!({"after": "08:00", "before": null}), &times),
            [false, true, true, true]
        );
        assert_eq!(
            open_at(&json!({"before": "08:00"}), &times),
            [true, false, false, false]
        );
    }

    #[test]
    fn an_overnight_window_belongs_to_the_day_it_began_on() {
        // 6 March 2026 is a Friday.
        let times = [
            "2026-03-06T21:59:00Z",
            "2026-03-06T22:00:00Z",
            "2026-03-07T05:59:00Z",
            "2026-03-07T06:00:00Z",
            "2026-03-07T23:00:00Z",
            "2026-03-06T03:00:00Z",
        ];
        let nightly = json!({"after": "22:00", "before": "06:00"});
        assert_eq!(
            open_at(&nightly, &times),
            [false, true, true, false, true, true]
        );
        let friday = json!({"after": "22:00", "before": "06:00", "weekdays": ["fri"]});
        assert_eq!(
            open_at(&friday, &times),
            [false, true, true, false, false, false]
        );
        let to_midnight = json!({"after": "22:00", "before": "00:00"});
        assert_eq!(
            open_at(&to_midnight, &times),
            [false, true, false, false, true, false]
        );
    }

    #[test]
    fn the_zone_decides_hour_and_day() {
        // Amsterdam is at UTC+1 until 29 March 2026, then at UTC+2.
        let office = json!({"after": "09:00", "before": "17:00", "timezone": "Europe/Amsterdam"});
        let times = [
            "2026-03-27T07:59:00Z",
            "2026-03-27T08:00:00Z",
            "2026-03-30T06:59:00Z",
            "2026-03-30T07:00:00Z",
            "2026-03-30T15:00:00Z",
        ];
        assert_eq!(open_at(&office, &times), [false, true, false, true, false]);
        // Sunday 20:00 UTC is Monday in Tokyo.
        let monday = json!({"weekdays": ["monday"], "timezone": "Asia/Tokyo"});
        assert_eq!(
            open_at(&monday, &["2026-03-01T20:00:00Z", "2026-03-02T20:00:00Z"]),
            [true, false]
        );
    }

    #[test]
    fn days_are_names_or_numbers_from_sunday() {
        let week = [
            "2026-03-01T12:00:00Z",
            "2026-03-02T12:00:00Z",
            "2026-03-03T12:00:00Z",
            "2026-03-04T12:00:00Z",
            "2026-03-05T12:00:00Z",
            "2026-03-06T12:00:00Z",
            "2026-03-07T12:00:00Z",
        ];
        let office = [false, true, true, true, true, true, false];
        let names = json!({"weekdays": ["mon", "Tue", "WEDNESDAY", "thursday", "fri"]});
        assert_eq!(open_at(&names, &week), office);
        assert_eq!(
            open_at(&json!({"weekdays": [1, 2, 3, 4, 5]}), &week),
            office
        );
        assert_eq!(
            open_at(&json!({"weekdays": [0, 6]}), &week),
            [true, false, false, false, false, false, true]
        );
    }

    /// No list, object or hour means "always" by being empty or unreadable (NT-50).
    #[test]
    fn what_is_not_exact_is_refused() {
        for window in [
            json!({}),
            json!({"timezone": "UTC"}),
            json!({"after": null, "before": null}),
            json!({"after": "08:00", "before": "08:00"}),
            json!({"after": "8:00", "before": "20:00"}),
            json!({"after": "24:00"}),
            json!({"after": "08:60"}),
            json!({"after": "08:00:00"}),
            json!({"after": "+8:00"}),
            json!({"after": " 08:00"}),
            json!({"after": 8}),
            json!({"after": "08:00", "timezone": "Mars/Olympus"}),
            json!({"after": "08:00", "timezone": ""}),
            json!({"after": "08:00", "timezone": "+02:00"}),
            json!({"after": "08:00", "timezone": "Etc/Unknown"}),
            json!({"after": "08:00", "timezone": 1}),
            json!({"weekdays": []}),
            json!({"weekdays": "mon"}),
            json!({"weekdays": [7]}),
            json!({"weekdays": [-1]}),
            json!({"weekdays": [1.5]}),
            json!({"weekdays": ["mo"]}),
            json!({"weekdays": [null]}),
            json!({"after": "08:00", "cron_expr": "0 0 9-17 * * 1-5"}),
            json!({"after": "08:00", "start_hour": 9}),
            json!([]),
            json!("08:00-20:00"),
        ] {
            assert!(
                matches!(
                    TimeWindow::parse("time_window", &window),
                    Err(Error::Invalid(_))
                ),
                "{window}"
            );
        }
    }
}

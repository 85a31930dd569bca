//! Which secrets are meant: conditions on everything of a secret but its value (CredVault contract A8, B3).
//!
//! A filter is kept with what goes by it (an integration's selector), so it has a stored form of its own; each dialect reads
//! and writes it in its own words.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Availability, SecretInfo};

/// Conditions, joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// All of these hold.
    All(Vec<Self>),
    /// One of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// The type is one of these words; with `unless`, or any word that is not one of those.
    Kind {
        /// Words that hold.
        any_of: Vec<String>,
        /// Every word but these holds too.
        unless: Option<Vec<String>>,
    },
    /// It is in one of these states.
    State(Vec<State>),
    /// What stands at a place compares like this.
    Test(Place, Test),
}

/// Something of a secret that conditions are put on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The database cluster that it is bound to, as a UUID.
    Cluster,
    /// When it was made, in milliseconds.
    CreatedAt,
    /// When its current version expires, in milliseconds.
    ExpiresAt,
    /// Whether it has a value.
    HasValue,
    /// Its id, as a UUID.
    Id,
    /// A member of its plain fields, by the names that lead to it.
    Member(Vec<String>),
    /// Its path.
    Path,
    /// When it last got another value, in milliseconds.
    RotatedAt,
    /// Its tags.
    Tags,
    /// When anything of it last changed, in milliseconds.
    UpdatedAt,
    /// Number of its newest version.
    Version,
}

/// A comparison with what stands at a place. What does not compare (a number with a text) does not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Equal to this; of a list, one of its items is. `null` is equal to what is absent.
    Equal(Json),
    /// Something is there, or nothing is.
    Exists(bool),
    /// Greater than this, or equal to it.
    AtLeast(Json),
    /// Less than this, or equal to it.
    AtMost(Json),
    /// Greater than this.
    Above(Json),
    /// Less than this.
    Below(Json),
    /// A text has this in it, in any case; a list has it as an item.
    Contains(Json),
}

/// What can be said of a secret as a whole, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its value can be had, or it has none yet.
    Active,
    /// It is disabled, or all of its versions are.
    Disabled,
    /// Its current version has expired, or was read as often as it may be.
    Expired,
    /// Its value is being replaced on the server that it opens.
    PendingRotation,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Active,
        Self::Disabled,
        Self::Expired,
        Self::PendingRotation,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::PendingRotation => "pending_rotation",
        }
    }
}

impl SecretInfo {
    /// What can be said of it in one word.
    pub const fn state(&self) -> State {
        if self.disabled {
            return State::Disabled;
        }
        match self.availability {
            Availability::Available if self.switching => State::PendingRotation,
            Availability::Available | Availability::Empty => State::Active,
            Availability::Closed | Availability::Disabled => State::Disabled,
            Availability::Expired | Availability::UsedUp => State::Expired,
        }
    }

    /// When it last got another value; none as long as it has its first one.
    pub fn rotated_at(&self) -> Option<crate::clock::Timestamp> {
        let version = self.version.as_ref().filter(|version| version.number > 1);
        version.map(|version| version.created_at)
    }
}

impl Filter {
    /// Whether `secret` is meant.
    pub fn admits(&self, secret: &SecretInfo) -> bool {
        let fields = serde_json::from_str(&secret.fields).unwrap_or(Json::Null);
        self.holds(secret, &fields)
    }

    fn holds(&self, secret: &SecretInfo, fields: &Json) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(secret, fields)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(secret, fields)),
            Self::Not(filter) => !filter.holds(secret, fields),
            Self::Kind { any_of, unless } => {
                any_of.contains(&secret.kind)
                    || unless
                        .as_ref()
                        .is_some_and(|words| !words.contains(&secret.kind))
            }
            Self::State(states) => states.contains(&secret.state()),
            Self::Test(place, test) => test.holds(place.of(secret, fields).as_ref()),
        }
    }
}

impl Place {
    /// What stands there; `null` is as good as absent.
    fn of(&self, secret: &SecretInfo, fields: &Json) -> Option<Json> {
        let version = secret.version.as_ref();
        match self {
            Self::Cluster => Some(secret.cluster?.to_string().into()),
            Self::CreatedAt => Some(secret.created_at.millis().into()),
            Self::ExpiresAt => Some(version?.expires_at?.millis().into()),
            Self::HasValue => Some(version.is_some().into()),
            Self::Id => Some(secret.id.to_string().into()),
            Self::Member(names) => {
                let member = names
                    .iter()
                    .try_fold(fields, |within, name| within.get(name));
                member.filter(|found| !found.is_null()).cloned()
            }
            Self::Path => Some(secret.path.as_str().into()),
            Self::RotatedAt => Some(secret.rotated_at()?.millis().into()),
            Self::Tags => Some(secret.tags.as_slice().into()),
            Self::UpdatedAt => Some(secret.updated_at.millis().into()),
            Self::Version => Some(secret.newest_version.into()),
        }
    }
}

impl Test {
    /// Whether it holds of `found`.
    pub fn holds(&self, found: Option<&Json>) -> bool {
        let Some(found) = found else {
            return matches!(self, Self::Equal(Json::Null) | Self::Exists(false));
        };
        let ordered =
            |than: &Json, fits: fn(Ordering) -> bool| compare(found, than).is_some_and(fits);
        match self {
            Self::Equal(other) => {
                equal(found, other)
                    || found
                        .as_array()
                        .is_some_and(|items| items.iter().any(|item| equal(item, other)))
            }
            Self::Exists(wanted) => *wanted,
            Self::Above(than) => ordered(than, Ordering::is_gt),
            Self::AtLeast(than) => ordered(than, Ordering::is_ge),
            Self::Below(than) => ordered(than, Ordering::is_lt),
            Self::AtMost(than) => ordered(than, Ordering::is_le),
            Self::Contains(part) => contains(found, part),
        }
    }
}

fn equal(one: &Json, other: &Json) -> bool {
    one == other || compare(one, other) == Some(Ordering::Equal)
}

/// The order of two numbers or of two texts; 1 and 1.0 are the same number.
fn compare(one: &Json, other: &Json) -> Option<Ordering> {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Json::String(one), Json::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

fn contains(found: &Json, part: &Json) -> bool {
    match (found, part) {
        (Json::Array(items), part) => items.iter().any(|item| equal(item, part)),
        (Json::String(text), Json::String(part)) => {
            text.to_lowercase().contains(&part.to_lowercase())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_compare_with_numbers_and_texts_with_texts() {
        for (found, test, holds) in [
            (json!(5432), Test::Equal(json!(5432.0)), true),
            (json!(5432), Test::Equal(json!("5432")), false),
            (json!(2), Test::Above(json!(1.5)), true),
            (json!("b"), Test::Above(json!("a")), true),
            (json!("b"), Test::Above(json!(1)), false),
            (json!(true), Test::Equal(json!(true)), true),
            (json!(true), Test::AtLeast(json!(true)), false),
            (json!(["a", "b"]), Test::Equal(json!("b")), true),
            (json!(["a", "b"]), Test::Equal(json!(["a", "b"])), true),
            (json!(["ab"]), Test::Contains(json!("a")), false),
            (json!("DB1.Internal"), Test::Contains(json!("iNTer")), true),
            (json!({"a": 1}), Test::Equal(json!({"a": 1})), true),
            (json!(i64::MAX), Test::Below(json!(u64::MAX)), true),
        ] {
            assert_eq!(test.holds(Some(&found)), holds, "{found} {test:?}");
        }
    }

    #[test]
    fn what_is_absent_equals_null_and_nothing_else() {
        for (test, holds) in [
            (Test::Equal(Json::Null), true),
            (Test::Equal(json!(0)), false),
            (Test::Exists(false), true),
            (Test::Exists(true), false),
            (Test::AtMost(json!(0)), false),
            (Test::Contains(json!("")), false),
        ] {
            assert_eq!(test.holds(None), holds, "{test:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_in_one_order(one: i64, other: i64) {
            let found = json!(one);
            let (above, below) = (Test::Above(json!(other)), Test::Below(json!(other)));
            prop_assert_eq!(above.holds(Some(&found)), one > other);
            prop_assert_eq!(below.holds(Some(&found)), one < other);
            let at_most = Test::AtMost(json!(other));
            prop_assert_eq!(at_most.holds(Some(&found)), !above.holds(Some(&found)));
        }
    }
}

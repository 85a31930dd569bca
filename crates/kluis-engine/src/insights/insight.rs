//! An insight as it is stored and shown.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::kind::{InsightKind, InsightStatus, Score};
use crate::clock::Timestamp;
use crate::ids::{AgentId, ApiKeyId, InsightId, SecretId, UserId};

/// Something about a secret, a key or a reader that deserves a look.
#[derive(Clone, Debug)]
pub struct Insight {
    /// Its id.
    pub id: InsightId,
    /// What it is of.
    pub kind: InsightKind,
    /// What it is about.
    pub subject: InsightSubject,
    /// What that is called.
    pub name: String,
    /// The name of the vault that it is in, for a secret.
    pub vault: Option<String>,
    /// How much it weighs; no more than its severity is told of values that the caller may not read.
    pub score: Score,
    /// What it rests on; none where that would tell of such values.
    pub evidence: Option<Evidence>,
    /// Where it stands.
    pub status: InsightStatus,
    /// When it was found, or found again.
    pub detected_at: Timestamp,
    /// When it was resolved or dismissed.
    pub resolved_at: Option<Timestamp>,
    /// When it was first found.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// What an insight is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InsightSubject {
    /// An agent that reads.
    Agent(AgentId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A secret.
    Secret(SecretId),
    /// A user who reads.
    User(UserId),
}

/// What an insight rests on: numbers with their units, and nothing of any value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// Of [`InsightKind::AccessAnomaly`].
    Anomaly {
        /// The hour that was the most unusual, by its beginning in milliseconds.
        hour: Option<UnusualHour>,
        /// Addresses that nothing was read from before; of version 6, the network of 64 bits.
        addresses: Vec<String>,
        /// How many there are, where not all are named.
        address_count: usize,
    },
    /// Of [`InsightKind::ExpiringSecret`].
    Expiring {
        /// When, in milliseconds.
        expires_at: i64,
        /// Whole days until then; 0 when it has passed.
        days_left: i64,
        /// From how many on it is told.
        bound_days: i64,
    },
    /// Of [`InsightKind::OverPrivilegedKey`].
    Key {
        /// Scopes that it needed.
        used: Vec<String>,
        /// Scopes that it has and did not need.
        unused: Vec<String>,
        /// Whether it has no ceiling: it may what its user may.
        unscoped: bool,
        /// How many days of the record that is true of.
        days: i64,
    },
    /// Of [`InsightKind::ReusedSecret`].
    Reused {
        /// The others with the same value; some of them, where there are very many.
        others: Vec<Uuid>,
        /// How many have it, this one included.
        count: usize,
    },
    /// Of [`InsightKind::StaleSecret`].
    Stale {
        /// Whole days since its value last changed.
        age_days: i64,
        /// From how many on it is told.
        bound_days: i64,
        /// Whether the bound is the interval at which its cluster changes passwords.
        rotated: bool,
    },
    /// Of [`InsightKind::UnusedSecret`].
    Unused {
        /// Whole days without a read: since the last, or for as long as it is there.
        idle_days: i64,
        /// From how many on it is told.
        bound_days: i64,
        /// When it was last read, in milliseconds, where the record still says so.
        last_read_at: Option<i64>,
    },
    /// Of [`InsightKind::WeakSecret`].
    Weak {
        /// The member of the value that is meant; none where it is the whole.
        member: Option<String>,
        /// What it was taken for.
        judged_as: Nature,
        /// The estimate is at least this, in bits.
        bits_from: u16,
        /// And less than this.
        bits_below: u16,
        /// From how many bits on it would not be told.
        bound_bits: u16,
    },
}

/// An hour in which more was read than in the same hour of other weeks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusualHour {
    /// Its beginning, in milliseconds.
    pub at: i64,
    /// Reads in it.
    pub reads: u64,
    /// The median of reads in the same hour of the weeks before.
    pub median: f64,
    /// How many weeks those are.
    pub weeks: usize,
    /// How far from the median that is, in robust standard deviations.
    pub robust_z: f64,
    /// From how many on it is told.
    pub bound_z: f64,
}

/// What part of a value is taken for when its strength is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// Key material: a private key or certificate.
    Key,
    /// Something that a person might have chosen.
    Password,
    /// Something that a program has drawn.
    Token,
}

impl Nature {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Password => "password",
            Self::Token => "token",
        }
    }
}

impl InsightSubject {
    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::ApiKey(_) => "api_key",
            Self::Secret(_) => "secret",
            Self::User(_) => "user",
        }
    }

    /// The 16 bytes of its id.
    pub const fn id_bytes(&self) -> &[u8; 16] {
        match self {
            Self::Agent(id) => id.bytes(),
            Self::ApiKey(id) => id.bytes(),
            Self::Secret(id) => id.bytes(),
            Self::User(id) => id.bytes(),
        }
    }

    /// From its two columns.
    pub(super) fn from_stored(kind: &str, id: [u8; 16]) -> Option<Self> {
        match kind {
            "agent" => Some(Self::Agent(AgentId::from_bytes(id))),
            "api_key" => Some(Self::ApiKey(ApiKeyId::from_bytes(id))),
            "secret" => Some(Self::Secret(SecretId::from_bytes(id))),
            "user" => Some(Self::User(UserId::from_bytes(id))),
            _ => None,
        }
    }
}
